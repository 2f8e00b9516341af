// The queue of the console: nothing is lost, and nothing counts twice. node console_offline.mjs FOLDER [NAME]

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { day, eventually, gtin, launchPersistent, Person, run } from './console.mjs';

const TEA = gtin(1);
const QUEUE_MAX = 20_000;
const LONG = Number(process.env.CODASYNC_LONG_QUEUE ?? 1_500);

/** Taps +1 so many times, each for its own entry. */
async function addUnits(person, n) {
  for (let i = 0; i < n; i += 1) await person.button('One more').click();
}

async function opened(person, token, shop) {
  await person.signIn(token, shop);
  await person.pill('Live').waitFor();
  await person.find(TEA);
  await person.page.locator('.card h2', { hasText: 'Green tea' }).waitFor();
}

/** Copies the first entry in the database of the queue until there are so many; `other`: what is different in the copies. */
async function copyOwn(person, most, other = {}) {
  await person.page.evaluate(async ([most, other]) => {
    const database = await new Promise((resolve) => (indexedDB.open('codasync-queue').onsuccess = ({ target }) => resolve(target.result)));
    const entries = database.transaction('entries', 'readwrite').objectStore('entries');
    entries.getAll().onsuccess = ({ target: { result: own } }) => {
      for (let n = own.length; n < most; n += 1) {
        const { seq, ...rest } = own[0];
        const id = crypto.randomUUID();
        // A moment of a reading has a limited number of operations, so each copy has another microsecond.
        const observed_at = rest.op.observed_at.replace(/\.\d+Z$/, `.${String(n).padStart(6, '0')}Z`);
        entries.add({ ...rest, id, op: { ...rest.op, id, observed_at }, ...other });
      }
    };
    await new Promise((resolve) => (entries.transaction.oncomplete = resolve));
    database.close();
  }, [most, other]);
}

/** Each operation was sent, and counted once. */
async function eachCounted(service, shop, before, n) {
  await eventually(async () => (await service.reading(shop.id, TEA)).quantity === before + n, `the quantity is ${before + n}`);
  const adjustments = (await service.history(shop.id, TEA)).filter(({ kind }) => kind === 'adjust');
  assert.equal(adjustments.length, n);
}

const withTea = (service, name) => service.shop(name, [[TEA, 'Green tea', day(40), 5]]);

await run({
  async 'entries of an offline phone survive reloads and the end of the browser'({ service, network, url }) {
    const shop = await withTea(service, 'Offline');
    const folder = mkdtempSync(path.join(tmpdir(), 'codasync-browser.'));
    const phone = { viewport: { width: 360, height: 780 }, locale: 'en-GB' };
    try {
      let anna = await new Person(await launchPersistent(folder, phone), url).open();
      await opened(anna, service.staff, shop);
      await anna.page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
      network.set('refuse');
      await anna.pill('Offline').waitFor();
      await addUnits(anna, 10);
      for (const n of [10, 15]) {
        await anna.pill(`Offline · ${n} waiting`).waitFor();
        await anna.page.reload();
        await anna.pill(`Offline · ${n} waiting`).waitFor();
        await anna.show('shelf');
        await anna.page.locator('.row', { hasText: 'Green tea' }).click();
        await addUnits(anna, 5);
      }
      await anna.pill('20 waiting').waitFor();
      await anna.context.close();
      anna = await new Person(await launchPersistent(folder, phone), url).open();
      await anna.pill('20 waiting').waitFor();
      await anna.show('waiting');
      assert.equal(await anna.page.locator('.entry').count(), 20);
      await anna.page.getByText('No connection. 20 readings are on this phone').waitFor();
      network.set('pass');
      await anna.button('Send now').click();
      await anna.page.getByText('Everything is saved.').waitFor();
      await eachCounted(service, shop, 5, 20);
      await anna.context.close();
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },

  async 'the service is killed while a batch is on its way'({ service, network, browser, url }) {
    const shop = await withTea(service, 'Killed');
    const anna = await Person.with(browser, url);
    await opened(anna, service.staff, shop);
    network.set('refuse');
    await anna.pill('Offline').waitFor();
    await addUnits(anna, 30);
    network.set('pass');
    await anna.page.evaluate(() => dispatchEvent(new Event('online')));
    await eventually(() => network.syncs.length > 0, 'a batch is sent');
    service.kill();
    await anna.allSaved();
    await eachCounted(service, shop, 5, 30);
    await anna.close();
  },

  async 'an entry whose answer is lost is sent again, and counts once'({ service, network, browser, url }) {
    const shop = await withTea(service, 'Cut');
    const anna = await Person.with(browser, url);
    await opened(anna, service.staff, shop);
    network.set('cut');
    await addUnits(anna, 3);
    await eventually(async () => (await service.reading(shop.id, TEA)).quantity === 8, 'the service has the entries');
    assert.notEqual(await anna.page.locator('.recent .mark.waiting').count(), 0);
    network.set('pass');
    await anna.allSaved();
    await eachCounted(service, shop, 5, 3);
    await anna.close();
  },

  async 'a page of the network and a busy server are no answers'({ service, network, browser, url }) {
    const shop = await withTea(service, 'Portal');
    const anna = await Person.with(browser, url);
    await opened(anna, service.staff, shop);
    network.set('page');
    await addUnits(anna, 2);
    await anna.pill('Offline · 2 waiting').waitFor();
    await anna.show('waiting');
    await anna.page.getByText('This network answers with its own page.').waitFor();
    network.set('busy');
    const since = Date.now();
    const before = network.syncs.length;
    await anna.button('Send now').click();
    await eventually(() => network.syncs.length > before, 'it is tried');
    await anna.page.getByText('The server is busy. Next try in').waitFor();
    assert.equal(await anna.page.locator('.entry').count(), 2);
    network.set('pass');
    await anna.allSaved();
    assert.ok(Date.now() - since > 2_000, 'Retry-After was not respected');
    await eachCounted(service, shop, 5, 2);
    await anna.close();
  },

  async 'of two tabs one sends each entry, once'({ service, network, browser, url }) {
    const shop = await withTea(service, 'Tabs');
    const anna = await Person.with(browser, url);
    await opened(anna, service.staff, shop);
    network.set('refuse');
    await anna.pill('Offline').waitFor();
    await addUnits(anna, 15);
    const second = await anna.context.newPage();
    network.set('pass');
    network.delay = 100;
    await second.goto(url);
    await second.locator('.pill').waitFor();
    await second.evaluate(() => dispatchEvent(new Event('online')));
    await anna.page.evaluate(() => dispatchEvent(new Event('online')));
    await addUnits(anna, 15);
    await anna.allSaved();
    const sent = network.syncs.flat();
    assert.equal(new Set(sent).size, sent.length, 'an entry was sent twice');
    assert.equal(sent.length, 30);
    network.delay = 0;
    await eachCounted(service, shop, 5, 30);
    await anna.close();
  },

  async 'of many entries the refused one needs the person, and is corrected'({ service, network, browser, url }) {
    const shop = await withTea(service, 'Refused');
    const closed = await service.shop('Closed', [[TEA, 'Green tea', day(40), 5]]);
    const made = await service.token('Anna', { shops: [shop.id, closed.id] });
    const anna = await Person.with(browser, url);
    await opened(anna, made.token, shop);
    await anna.page.locator('.shop-name').click();
    await anna.choose(closed);
    await anna.pill('Live').waitFor();
    await anna.find(TEA);
    network.set('refuse');
    await anna.pill('Offline').waitFor();
    await addUnits(anna, 1);
    await anna.page.locator('.shop-name').click();
    await anna.choose(shop);
    await addUnits(anna, 3);
    await service.must('DELETE', `/shops/${closed.id}?cascade=true`);
    network.set('pass');
    await anna.page.evaluate(() => dispatchEvent(new Event('online')));
    await anna.pill('1 needs you').click();
    await eachCounted(service, shop, 5, 3);
    const entry = anna.page.locator('.entry.refused');
    assert.match(await entry.innerText(), /shop/i);
    await entry.getByRole('button', { name: 'Correct and send' }).click();
    await anna.page.getByLabel('Shop', { exact: true }).selectOption(String(shop.id));
    await anna.button('Send', { exact: true }).click();
    await anna.page.getByText('Everything is saved.').waitFor();
    await eachCounted(service, shop, 5, 4);
    await anna.close();
  },

  async 'a revoked token holds the queue until the person signs in again'({ service, network, browser, url }) {
    const shop = await withTea(service, 'Revoked');
    const first = await service.token('Anna', { shops: [shop.id], person: 'anna' });
    const anna = await Person.with(browser, url);
    await opened(anna, first.token, shop);
    network.set('refuse');
    await anna.pill('Offline').waitFor();
    await addUnits(anna, 12);
    await service.must('DELETE', `/tokens/${first.id}`);
    network.set('pass');
    await anna.page.evaluate(() => dispatchEvent(new Event('online')));
    await anna.pill('Sign in again · 12 waiting').click();
    await anna.page.locator('dialog').getByLabel('Access token').fill((await service.token('Anna', { shops: [shop.id], person: 'anna' })).token);
    await anna.page.locator('dialog').getByRole('button', { name: 'Sign in' }).click();
    await anna.allSaved();
    await eachCounted(service, shop, 5, 12);
    await anna.close();
  },

  async 'a full queue stays as it is with an expired token and with a wrong one'({ service, network, browser, url }) {
    const shop = await withTea(service, 'Expired');
    const made = await service.token('Anna', { shops: [shop.id], person: 'anna' });
    const anna = await Person.with(browser, url);
    await opened(anna, made.token, shop);
    network.set('refuse');
    await anna.pill('Offline').waitFor();
    await addUnits(anna, 100);
    // Entries of another person fill the rest.
    await copyOwn(anna, QUEUE_MAX, { owner: 'person:bert', actor: 'Bert' });
    await addUnits(anna, 1);
    await anna.says('This phone is full. The last reading was not stored.');
    service.sql(`update tokens set expires_at = now() where id = ${made.id}`);
    network.set('pass');
    await anna.page.evaluate(() => dispatchEvent(new Event('online')));
    await anna.pill('Sign in again · 100 waiting').click();
    const dialog = anna.page.locator('dialog');
    const field = dialog.getByLabel('Access token');
    for (const wrong of [made.token, 'coda_this_is_not_a_token']) {
      await field.fill(wrong);
      const answered = anna.page.waitForResponse((answer) => answer.url().endsWith('/session') && answer.request().method() === 'POST');
      await dialog.getByRole('button', { name: 'Sign in' }).click();
      assert.equal((await answered).status(), 401);
      await dialog.getByRole('alert').getByText('This token is not valid.').waitFor();
      await eventually(() => field.evaluate((input) => input === document.activeElement), 'the field has the focus');
      assert.equal(await anna.waiting(), QUEUE_MAX);
    }
    await field.fill((await service.token('Anna', { shops: [shop.id], person: 'anna' })).token);
    await dialog.getByRole('button', { name: 'Sign in' }).click();
    await eventually(async () => (await anna.waiting()) === QUEUE_MAX - 100, 'the entries of the person are sent', 60);
    await eachCounted(service, shop, 5, 100);
    await anna.close();
  },

  async 'a long queue is sent without reading all of it for each request'({ service, network, browser, url }) {
    const shop = await withTea(service, 'Long');
    const anna = await Person.with(browser, url);
    await anna.context.addInitScript(() => {
      window.entriesRead = 0;
      const getAll = IDBObjectStore.prototype.getAll;
      IDBObjectStore.prototype.getAll = function (...of) {
        const request = getAll.apply(this, of);
        if (this.name === 'entries') request.addEventListener('success', () => (window.entriesRead += request.result.length));
        return request;
      };
    });
    await anna.page.reload();
    await opened(anna, service.staff, shop);
    network.set('refuse');
    await anna.pill('Offline').waitFor();
    await addUnits(anna, 1);
    await copyOwn(anna, LONG);
    const other = await anna.context.newPage();
    for (const page of [anna.page, other]) {
      await page.goto(url);
      await page.locator('.pill', { hasText: `${LONG.toLocaleString('en')} waiting` }).waitFor();
    }
    const devtools = await anna.context.newCDPSession(anna.page);
    await devtools.send('Performance.enable', { timeDomain: 'threadTicks' });
    const processor = async () => (await devtools.send('Performance.getMetrics')).metrics.find(({ name }) => name === 'TaskDuration').value;
    const before = await processor();
    const started = Date.now();
    network.set('pass');
    for (const page of [anna.page, other]) await page.evaluate(() => dispatchEvent(new Event('online')));
    await eventually(async () => (await anna.waiting()) === 0, 'nothing waits', 120);
    await anna.pill('Live').waitFor();
    await other.locator('.pill', { hasText: 'Live' }).waitFor();
    let read = 0;
    for (const page of [anna.page, other]) read += await page.evaluate(() => window.entriesRead);
    console.log(`     ${LONG} entries in ${((Date.now() - started) / 1000).toFixed(1)} s, ${network.syncs.length} requests; ${read} were read, ${((await processor()) - before).toFixed(1)} s of the processor`);
    assert.ok(read <= 5 * LONG, `${read} entries were read`);
    assert.equal((await service.reading(shop.id, TEA)).quantity, 5 + LONG);
    await anna.close();
  },

  async 'entries of an earlier token without a person are sent after a confirmation'({ service, network, browser, url }) {
    const shop = await withTea(service, 'Renewed');
    const first = await service.token('Carla', { shops: [shop.id] });
    const carla = await Person.with(browser, url);
    await opened(carla, first.token, shop);
    network.set('refuse');
    await carla.pill('Offline').waitFor();
    await addUnits(carla, 3);
    await carla.pill('3 waiting').waitFor();
    await service.must('DELETE', `/tokens/${first.id}`);
    network.set('pass');
    await carla.page.evaluate(() => dispatchEvent(new Event('online')));
    await carla.pill('Sign in again').click();
    await carla.page.locator('dialog').getByLabel('Access token').fill((await service.token('Carla', { shops: [shop.id] })).token);
    await carla.page.locator('dialog').getByRole('button', { name: 'Sign in' }).click();
    await carla.show('waiting');
    await carla.button('They are mine').click();
    await carla.button('Send', { exact: true }).click();
    await carla.allSaved();
    await eachCounted(service, shop, 5, 3);
    await carla.close();
  },

  async 'signing out with entries: they stay, and are sent when their person returns'({ service, network, browser, url }) {
    const shop = await withTea(service, 'Sign-out');
    const tokens = {};
    for (const name of ['Anna', 'Bert']) tokens[name] = (await service.token(name, { shops: [shop.id] })).token;
    const anna = await Person.with(browser, url);
    await opened(anna, tokens.Anna, shop);
    const menu = async (choice) => {
      await anna.button('Menu').click();
      await anna.button('Sign out', { exact: true }).click();
      if (choice) await anna.button(choice).click();
    };
    await anna.button('Menu').click();
    await anna.page.getByLabel('Work offline').check();
    await anna.button('Close', { exact: true }).click();
    await addUnits(anna, 3);
    await menu('Sign out, keep on this phone');
    await anna.page.getByText('3 readings of Anna wait for Anna.').waitFor();
    await anna.page.reload();
    await anna.signIn(tokens.Bert, shop);
    await anna.show('waiting');
    await anna.page.getByText('3 readings of Anna wait for Anna.').waitFor();
    await anna.page.waitForTimeout(1_000);
    assert.equal((await service.reading(shop.id, TEA)).quantity, 5);
    await menu();
    await anna.signIn(tokens.Anna, shop);
    await anna.allSaved();
    await eachCounted(service, shop, 5, 3);
    const { actor } = (await service.history(shop.id, TEA)).find(({ kind }) => kind === 'adjust');
    assert.equal(actor, 'Anna');
    await anna.close();
  },

  async 'the time of an entry is right although the clock of the phone was wrong'({ service, network, browser, url }) {
    const shop = await withTea(service, 'Clock');
    const anna = await Person.with(browser, url);
    await anna.page.addInitScript(() => {
      const real = Date.now;
      window.ahead = 3 * 3_600_000;
      Date.now = () => real() + window.ahead;
    });
    await anna.page.reload();
    await opened(anna, service.staff, shop);
    network.set('refuse');
    await anna.pill('Offline').waitFor();
    const acted = Date.now();
    await addUnits(anna, 1);
    await anna.page.evaluate(() => (window.ahead = 3_600_000));
    network.set('pass');
    await anna.page.evaluate(() => dispatchEvent(new Event('online')));
    await anna.allSaved();
    const [event] = await service.history(shop.id, TEA);
    assert.ok(Math.abs(Date.parse(event.observed_at) - acted) < 5_000, event.observed_at);
    await anna.close();
  },

  async 'a window without storage says so, and confirms only what the service has'({ service, network, browser, url }) {
    const shop = await withTea(service, 'Storage');
    const anna = await Person.with(browser, url);
    await anna.page.addInitScript(() => {
      indexedDB.open = () => {
        throw new DOMException('not allowed', 'SecurityError');
      };
    });
    await anna.page.reload();
    await anna.signIn(service.staff, shop);
    await anna.pill('Online only').waitFor();
    await anna.find(TEA);
    await anna.page.locator('.card h2', { hasText: 'Green tea' }).waitFor();
    await anna.button('Count', { exact: true }).click();
    await anna.page.locator('dialog').getByRole('button', { name: '9', exact: true }).click();
    await anna.button('Save').click();
    await anna.says('Saved');
    assert.equal((await service.reading(shop.id, TEA)).quantity, 9);
    network.set('refuse');
    await anna.button('Count', { exact: true }).click();
    await anna.page.locator('dialog').getByRole('button', { name: '8', exact: true }).click();
    await anna.button('Save').click();
    await anna.says('Not saved: No connection.');
    await anna.close();
  },

  async 'a full device: caches are dropped, and nothing is shown as stored that is not'({ service, network, browser, url }) {
    const shop = await withTea(service, 'Full');
    const anna = await Person.with(browser, url);
    await anna.page.addInitScript(() => {
      const add = IDBObjectStore.prototype.add;
      window.failures = 0;
      IDBObjectStore.prototype.add = function (...values) {
        if (this.name === 'entries' && window.failures > 0) {
          window.failures -= 1;
          throw new DOMException('full', 'QuotaExceededError');
        }
        return add.apply(this, values);
      };
    });
    await anna.page.reload();
    await opened(anna, service.staff, shop);
    network.set('refuse');
    await anna.pill('Offline').waitFor();
    await anna.page.evaluate(() => (window.failures = 1));
    await addUnits(anna, 1);
    await anna.pill('1 waiting').waitFor();
    await anna.page.evaluate(() => (window.failures = 2));
    await addUnits(anna, 1);
    await anna.says('This phone is full. The last reading was not stored.');
    await anna.pill('1 waiting').waitFor();
    network.set('pass');
    await anna.page.evaluate(() => dispatchEvent(new Event('online')));
    await anna.allSaved();
    await eachCounted(service, shop, 5, 1);
    await anna.close();
  },
});
