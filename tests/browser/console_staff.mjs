// What staff do in the console: node console_staff.mjs FOLDER [NAME]

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { day, eventually, gtin, Person, run } from './console.mjs';

const TEA = gtin(1);

await run({
  async 'a token is exchanged for a cookie and stored nowhere'({ service, browser, url }) {
    const shop = await service.shop('Sign-in');
    const made = await service.token('Anna', { shops: [shop.id] });
    const anna = await Person.with(browser, url);
    const field = anna.page.getByLabel('Access token');
    await field.fill('coda_this_is_not_a_token');
    await anna.button('Sign in').click();
    await anna.page.getByRole('alert').getByText('This token is not valid.').waitFor();
    assert.ok(await field.evaluate((input) => input === document.activeElement));
    assert.equal(await anna.page.evaluate(() => localStorage.getItem('codasync-identity')), null);
    const addresses = [];
    anna.page.on('request', (request) => addresses.push(request.url()));
    await anna.signIn(made.token, shop);
    await anna.pill('Live').waitFor();
    const cookies = await anna.context.cookies();
    assert.deepEqual(cookies.map(({ name, httpOnly, sameSite }) => [name, httpOnly, sameSite]), [['codasync', true, 'Strict']]);
    const stored = await anna.page.evaluate(async () => {
      const found = [JSON.stringify(localStorage), JSON.stringify(sessionStorage), document.cookie, location.href];
      for (const { name } of await indexedDB.databases()) {
        const database = await new Promise((resolve) => (indexedDB.open(name).onsuccess = (event) => resolve(event.target.result)));
        for (const store of database.objectStoreNames) {
          found.push(JSON.stringify(await new Promise((resolve) => (database.transaction(store).objectStore(store).getAll().onsuccess = (event) => resolve(event.target.result)))));
        }
        database.close();
      }
      for (const name of await caches.keys()) for (const request of await (await caches.open(name)).keys()) found.push(request.url);
      return found.join('\n');
    });
    const secret = made.token.slice(5);
    assert.ok(!stored.includes(secret) && !addresses.join().includes(secret));
    for (const log of readdirSync(path.join(service.folder, 'logs'))) assert.ok(!readFileSync(path.join(service.folder, 'logs', log), 'utf8').includes(secret), log);
    await anna.close();
  },

  async 'a date is recorded with two taps, and the message says what it means'({ service, browser, url }) {
    const shop = await service.shop('Dates', [[TEA, 'Green tea', day(40), 5]]);
    const anna = await (await Person.with(browser, url)).signIn(service.staff, shop);
    await anna.pill('Live').waitFor();
    await anna.page.getByLabel('Code', { exact: true }).pressSequentially(TEA, { delay: 80 });
    await anna.button('Find').click();
    await anna.tapDate(day(70));
    await anna.says('The shortest date here is still');
    await anna.button('Other date').click();
    await anna.tapDate(day(33));
    await anna.says('is now the shortest date here');
    await anna.allSaved();
    assert.equal((await service.reading(shop.id, TEA)).expiry_date, day(33));
    // A date that is over needs one more tap.
    await anna.button('Other date').click();
    await anna.button('Type').click();
    await anna.page.getByLabel('Day, month and year as digits').fill('01012026');
    await anna.page.getByText('Thursday 1 January 2026').or(anna.page.getByText('Thursday, 1 January 2026')).waitFor();
    await anna.button('Save').click();
    await anna.button('Record as expired').click();
    await anna.says('Take it off the shelf');
    // The end of February 2028.
    await anna.button('Other date').click();
    await anna.button('Later').click();
    await anna.page.getByRole('button', { name: '2028' }).click();
    await anna.page.getByRole('button', { name: 'Feb 2028' }).click();
    await anna.button('End of month').click();
    await anna.page.locator('.card-recorded', { hasText: '29 Feb 2028' }).waitFor();
    await anna.allSaved();
    const kinds = (await service.history(shop.id, TEA)).map(({ expiry_date }) => expiry_date);
    assert.deepEqual(kinds.slice(0, 4), ['2028-02-29', '2026-01-01', day(33), day(70)]);
    await anna.close();
  },

  async 'typed digits are read in the order of the locale'({ service, browser, url }) {
    const shop = await service.shop('Locales', [[TEA, 'Green tea']]);
    for (const [locale, digits, label, typing, save] of [
      ['de-DE', '241227', 'Tag, Monat und Jahr als Ziffern', 'Tippen', 'Speichern'],
      ['en-US', '122427', 'Day, month and year as digits', 'Type', 'Save'],
    ]) {
      const person = await Person.with(browser, url, { locale });
      await person.page.locator('#token').fill(service.staff);
      await person.page.keyboard.press('Enter');
      await person.choose(shop);
      await person.page.locator('#code').fill(TEA);
      await person.page.keyboard.press('Enter');
      await person.button(typing).click();
      await person.page.getByLabel(label).fill('3102');
      assert.ok(await person.button(save).isDisabled());
      await person.page.getByLabel(label).fill(digits);
      await person.button(save).click();
      await person.page.locator('.card-recorded').waitFor();
      await person.allSaved();
      assert.equal((await service.history(shop.id, TEA))[0].expiry_date, '2027-12-24', locale);
      await person.close();
    }
  },

  async 'the shelf is checked from the work list'({ service, browser, url }) {
    const shop = await service.shop('Checks', [[gtin(10), 'Oat milk', day(1), 4], [gtin(11), 'Rice', day(2), 7], [gtin(12), 'Soup', day(-2), 1]]);
    const anna = await (await Person.with(browser, url)).signIn(service.staff, shop);
    await anna.pill('Live').waitFor();
    await anna.show('todo');
    await anna.page.getByText('0 of 3 done').first().waitFor();
    for (const [name, choice] of [['Oat milk', /^Still /], ['Rice', 'Nothing left']]) {
      await anna.page.locator('.row', { hasText: name }).click();
      await anna.button('Check', { exact: true }).click();
      await anna.button(choice).click();
      await anna.page.locator('.group.fine .row', { hasText: name }).waitFor();
    }
    await anna.page.locator('.row', { hasText: 'Soup' }).click();
    await anna.button('Check', { exact: true }).click();
    await anna.button('Other date').click();
    await anna.tapDate(day(60));
    await anna.page.getByText('3 of 3 done').first().waitFor();
    await anna.allSaved();
    // The milk is still due by the rules of the service; what was checked today stays done, also after a reload.
    assert.deepEqual((await service.must('GET', `/shops/${shop.id}/work-list`)).map(({ GTIN }) => GTIN), [gtin(10)]);
    await anna.page.reload();
    await anna.page.locator('.group.fine .row', { hasText: 'Oat milk' }).waitFor();
    const dates = [];
    for (const n of [10, 11, 12]) dates.push((await service.reading(shop.id, gtin(n))).expiry_date);
    assert.deepEqual(dates, [day(1), null, day(60)]);
    await anna.close();
  },

  async 'the work list shows one category'({ service, browser, url }) {
    const rows = ['Brie', 'Gouda', 'Salami'].map((name, n) => [gtin(60 + n), name, day(n)]);
    const shop = await service.shop('Categories', rows);
    for (const [number, name] of rows) await service.must('PATCH', `/products/${number}`, { category: name === 'Salami' ? 'Meat' : 'Cheese & curd' });
    const anna = await (await Person.with(browser, url)).signIn(service.staff, shop);
    await anna.pill('Live').waitFor();
    await anna.show('todo');
    await anna.page.getByText('0 of 3 done').first().waitFor();
    await anna.page.getByLabel('Category').selectOption('Cheese & curd');
    await anna.page.getByText('0 of 2 done').first().waitFor();
    assert.deepEqual(await anna.page.locator('.row strong').allInnerTexts(), ['Brie', 'Gouda']);
    await anna.page.locator('.row', { hasText: 'Gouda' }).click();
    await anna.button('Check', { exact: true }).click();
    await anna.button('Nothing left').click();
    await anna.page.getByText('1 of 2 done').first().waitFor();
    await anna.page.getByLabel('Category').selectOption('');
    await anna.page.getByText('1 of 3 done').first().waitFor();
    await anna.close();
  },

  async 'units are counted, changed by one, and never below zero'({ service, browser, url }) {
    const shop = await service.shop('Counts', [[TEA, 'Green tea', day(40)]]);
    const anna = await (await Person.with(browser, url)).signIn(service.staff, shop);
    await anna.pill('Live').waitFor();
    await anna.find(TEA);
    await anna.button('Count', { exact: true }).click();
    await anna.page.locator('dialog').getByRole('button', { name: '1', exact: true }).click();
    await anna.page.locator('dialog').getByRole('button', { name: '2', exact: true }).click();
    await anna.button('Save').click();
    await anna.page.locator('.card .quantity', { hasText: '12' }).waitFor();
    await anna.button('One less').dblclick();
    await anna.page.locator('.card .quantity', { hasText: '10' }).waitFor();
    await anna.allSaved();
    assert.equal((await service.reading(shop.id, TEA)).quantity, 10);
    await anna.button('Count', { exact: true }).click();
    await anna.page.locator('dialog').getByRole('button', { name: '0', exact: true }).click();
    await anna.button('Save').click();
    await anna.page.locator('.card .quantity', { hasText: '× 0' }).waitFor();
    await anna.button('One less').click();
    await anna.says('0 left on record');
    await anna.allSaved();
    assert.equal((await service.history(shop.id, TEA)).filter(({ kind }) => kind === 'adjust').length, 2);
    await anna.close();
  },

  async 'an entry is taken back: unsent without a trace, sent with a void'({ service, network, browser, url }) {
    const shop = await service.shop('Undo', [[TEA, 'Green tea', day(40), 5]]);
    const anna = await (await Person.with(browser, url)).signIn(service.staff, shop);
    await anna.pill('Live').waitFor();
    await anna.find(TEA);
    await anna.button('One more').click();
    await anna.allSaved();
    await anna.button(/^Undo the last entry/).click();
    await anna.says('taken back');
    await anna.allSaved();
    await eventually(async () => (await service.reading(shop.id, TEA)).quantity === 5, 'the quantity is as before');
    await anna.page.locator('.card .quantity', { hasText: '× 5' }).waitFor();
    network.set('refuse');
    await anna.pill('Offline').waitFor();
    const before = network.syncs.length;
    await anna.page.getByRole('button', { name: 'Menu' }).click();
    await anna.page.getByLabel('Work offline').check();
    await anna.button('Close').click();
    await anna.button('One more').click();
    await anna.page.locator('.card .quantity', { hasText: '× 6' }).waitFor();
    await anna.button(/^Undo the last entry/).click();
    await anna.says('nothing was sent');
    await anna.page.locator('.card .quantity', { hasText: '× 5' }).waitFor();
    network.set('pass');
    await anna.page.getByRole('button', { name: 'Menu' }).click();
    await anna.page.getByLabel('Work offline').uncheck();
    await anna.button('Close').click();
    await anna.pill('Live').waitFor();
    assert.equal(network.syncs.length, before);
    assert.deepEqual((await service.history(shop.id, TEA)).map(({ kind }) => kind), ['void', 'adjust', 'sighting']);
    await anna.close();
  },

  async 'undo does not offer what was taken back or discarded elsewhere'({ service, network, browser, url }) {
    const shop = await service.shop('Undo once', [[TEA, 'Green tea', day(40), 5], [gtin(3), 'Rice', day(40), 5]]);
    const anna = await (await Person.with(browser, url)).signIn(service.staff, shop);
    await anna.pill('Live').waitFor();
    const offered = anna.button(/^Undo the last entry/);
    for (const [number, name] of [[gtin(3), 'Rice'], [TEA, 'Green tea']]) {
      await anna.find(number);
      await anna.page.locator('.card h2', { hasText: name }).waitFor();
      await anna.button('One more').click();
      await anna.page.locator('.card .quantity', { hasText: '× 6' }).waitFor();
    }
    await anna.allSaved();
    assert.equal(await offered.getAttribute('aria-label'), 'Undo the last entry: Green tea');
    await anna.button('History', { exact: true }).click();
    await anna.page.locator('.history li', { hasText: 'Changed by +1' }).getByRole('button', { name: 'Take back' }).click();
    await anna.page.locator('dialog').last().getByRole('button', { name: 'Take back' }).click();
    await anna.page.locator('.history li.voided').waitFor();
    await anna.page.keyboard.press('Escape');
    assert.equal(await offered.getAttribute('aria-label'), 'Undo the last entry: Rice');
    await offered.click();
    await anna.allSaved();
    await eventually(async () => (await service.reading(shop.id, gtin(3))).quantity === 5, 'the entry before is taken back');
    assert.deepEqual((await service.history(shop.id, TEA)).map(({ kind }) => kind), ['void', 'adjust', 'sighting']);
    await offered.waitFor({ state: 'detached' });
    // What the service refused and the person discarded has no effect either.
    network.set('refuse');
    await anna.pill('Offline').waitFor();
    await anna.button('One more').click();
    await offered.waitFor();
    await service.must('DELETE', `/shops/${shop.id}?cascade=true`);
    network.set('pass');
    await anna.page.evaluate(() => dispatchEvent(new Event('online')));
    await anna.pill('1 needs you').click();
    await anna.button('Discard').click();
    await anna.page.locator('dialog').getByRole('button', { name: 'Discard' }).click();
    await anna.page.getByText('Everything is saved.').waitFor();
    assert.equal(await offered.count(), 0);
    await anna.close();
  },

  async 'what happens in a sheet is said and undone in it'({ service, browser, url }) {
    const shop = await service.shop('Sheets', [[TEA, 'Green tea', day(40), 5]]);
    const anna = await (await Person.with(browser, url)).signIn(service.staff, shop);
    await anna.pill('Live').waitFor();
    await anna.show('shelf');
    assert.equal(await anna.page.title(), 'Shelf · CodaSync');
    await anna.page.locator('.row').click();
    const sheet = anna.page.locator('dialog');
    for (const quantity of ['× 6', '× 7']) {
      await anna.button('One more').click();
      await sheet.locator('.quantity', { hasText: quantity }).waitFor();
      // A screen reader hears the same text again, because it is a new element.
      const read = sheet.locator('[aria-live] p', { hasText: '+1 recorded.' }).and(anna.page.locator('p:not([data-heard])'));
      await read.evaluate((element) => element.setAttribute('data-heard', ''));
    }
    await sheet.locator('.message').getByRole('button', { name: 'Undo' }).click();
    await sheet.locator('.quantity', { hasText: '× 6' }).waitFor();
    await anna.allSaved();
    await eventually(async () => (await service.reading(shop.id, TEA)).quantity === 6, 'one of them is taken back');
    await anna.close();
  },

  async 'on a phone the menu leads to the screens of the desk'({ service, browser, url }) {
    const shop = await service.shop('Screens', [[TEA, 'Green tea', day(40), 5]]);
    const anna = await (await Person.with(browser, url)).signIn(service.admin, shop);
    for (const screen of ['Overview', 'Products', 'Audit']) {
      await anna.button('Menu').click();
      await anna.page.locator('dialog').getByRole('link', { name: screen }).click();
      await anna.page.getByRole('heading', { name: screen, level: 1 }).waitFor();
      assert.equal(await anna.page.locator('dialog').count(), 0);
    }
    await anna.close();
  },

  async 'the history says who did what, and what was taken back by whom'({ service, browser, url }) {
    const shop = await service.shop('History', [[TEA, 'Green tea', day(40), 5]]);
    const bert = await service.token('Bert', { shops: [shop.id] });
    const reading = await service.reading(shop.id, TEA);
    await service.must('POST', `/stock-readings/${reading.id}/adjust`, { delta: -2 }, bert.token);
    const phone = await (await Person.with(browser, url)).signIn(bert.token, shop);
    await phone.pill('Live').waitFor();
    await phone.find(TEA);
    await phone.button('History', { exact: true }).click();
    const entry = phone.page.locator('.history li', { hasText: 'Changed by −2' });
    await entry.getByText('Bert').waitFor();
    // The other event is an admin's, so the service would refuse to void it.
    const other = phone.page.locator('.history li', { hasText: 'Seen' });
    await other.waitFor();
    assert.equal(await phone.page.locator('.history').getByRole('button', { name: 'Take back' }).count(), 1);
    await entry.getByRole('button', { name: 'Take back' }).click();
    await phone.page.locator('dialog').last().getByRole('button', { name: 'Take back' }).click();
    await phone.page.locator('.history li.voided', { hasText: 'Taken back by Bert' }).waitFor();
    await phone.allSaved();
    assert.equal((await service.reading(shop.id, TEA)).quantity, 5);
    assert.equal(await phone.page.locator('.history').getByRole('button', { name: 'Take back' }).count(), 0);
    await phone.close();
    const desk = await (await Person.with(browser, url)).signIn(service.admin, shop);
    await desk.pill('Live').waitFor();
    await desk.find(TEA);
    await desk.button('History', { exact: true }).click();
    await desk.page.locator('.history li').nth(2).waitFor();
    assert.equal(await desk.page.locator('.history').getByRole('button', { name: 'Take back' }).count(), 1, 'an admin takes back what others did');
    await desk.close();
  },

  async 'a hardware scanner records a date wherever the focus is, and presses nothing'({ service, browser, url }) {
    const gtins = [20, 21, 22, 23, 24].map(gtin);
    const shop = await service.shop('Wedge', gtins.map((number, n) => [number, `Product ${n}`]));
    const anna = await (await Person.with(browser, url)).signIn(service.staff, shop);
    await anna.pill('Live').waitFor();
    const data = (number) => `010${number}1727122410ABC123\u001d2177`;
    await anna.show('shelf');
    await anna.page.locator('.row').first().focus();
    await anna.wedge(data(gtins[0]));
    await anna.says('recorded');
    assert.equal(await anna.page.locator('dialog[open]').count(), 0);
    await anna.button('Menu').focus();
    for (const [n, spelling] of [[1, '{GS}'], [2, '<GS>'], [3, '^]']]) {
      await anna.wedge(data(gtins[n]).replace('\u001d', spelling));
      await anna.page.locator('.card h2', { hasText: `Product ${n}` }).waitFor();
      await anna.page.locator('.card-recorded').waitFor();
    }
    // What a handheld's input method inserts.
    await anna.page.getByLabel('Code', { exact: true }).focus();
    await anna.page.keyboard.insertText(data(gtins[4]));
    await anna.page.locator('.card h2', { hasText: 'Product 4' }).waitFor();
    await anna.page.locator('.card-recorded').waitFor();
    await anna.allSaved();
    for (const number of gtins) {
      const events = await service.history(shop.id, number);
      assert.deepEqual(events.filter(({ expiry_date }) => expiry_date).map(({ expiry_date, date_kind }) => [expiry_date, date_kind]), [['2027-12-24', 'use_by']], number);
    }
    await anna.close();
  },

  async 'a scanner is understood on a French keyboard layout, with each kind of separator, fast and slow'({ service, network, browser, url }) {
    const gtins = [...Array(8).keys()].map((n) => gtin(30 + n));
    const shop = await service.shop('Layout', gtins.map((number, n) => [number, `Product ${n}`]));
    const anna = await (await Person.with(browser, url)).signIn(service.staff, shop);
    await anna.pill('Live').waitFor();
    const field = anna.page.getByLabel('Code', { exact: true });
    const scans = ['Ctrl+]', 'Alt+029'].flatMap((separator) => [5, 40].flatMap((delay) => [true, false].map((inField) => ({ separator, delay, inField }))));
    for (const [n, { separator, delay, inField }] of scans.entries()) {
      await (inField ? field : anna.button('Menu')).focus();
      await anna.wedge(`010${gtins[n]}1727122410BCD123\u001d2177`, { french: true, separator, delay });
      await anna.page.locator('.card h2', { hasText: `Product ${n}` }).waitFor();
      await anna.page.locator('.card-recorded').waitFor();
      assert.equal(await field.inputValue(), '', 'what the scanner typed before it was recognised');
      assert.equal(await anna.page.locator('dialog[open]').count(), 0);
    }
    await anna.allSaved();
    const codes = network.operations.map((operation) => operation.codes);
    assert.deepEqual(codes, gtins.map((number) => [`010${number}1727122410BCD123\u001d2177`]));
    await anna.close();
  },

  async 'the bars of the overview begin with another day when a day ends in the shop'({ service, browser, url }) {
    // The shop moves from the last time zone of the world to the first one, so its day ends at any time of this test.
    const dayIn = (timeZone, days = 0) => new Intl.DateTimeFormat('sv-SE', { timeZone }).format(Date.now() + days * 86_400_000);
    const [last, first] = ['Etc/GMT+12', 'Pacific/Kiritimati'];
    const dates = [dayIn(last), dayIn(first), dayIn(first), dayIn(first, 29)];
    const shop = await service.shop('Midnight', dates.map((date, n) => [gtin(50 + n), `Product ${n}`, date]));
    await service.must('PATCH', `/shops/${shop.id}`, { time_zone: last });
    const anna = await Person.with(browser, url, { timezoneId: 'America/Los_Angeles' });
    await anna.signIn(service.staff, shop);
    await anna.page.clock.install();
    await anna.page.goto(`${url}/#/overview?shop=${shop.id}`);
    await anna.page.reload();
    const bars = async () => new Map(await anna.page.locator('.bar').evaluateAll((all) => all.map(({ dataset }) => [dataset.date, Number(dataset.readings)])));
    const beginWith = (date) => anna.page.locator('.bar').first().and(anna.page.locator(`[data-date="${date}"]`)).waitFor();
    await beginWith(dayIn(last));
    await anna.page.getByText('Live').last().waitFor();
    assert.equal((await bars()).get(dayIn(last)), 1);
    await service.must('PATCH', `/shops/${shop.id}`, { time_zone: first });
    await anna.page.clock.fastForward(60_000);
    await beginWith(dayIn(first));
    const after = await bars();
    assert.deepEqual([after.size, after.get(dayIn(first)), after.get(dayIn(first, 29)), after.get(dayIn(last))], [30, 2, 1, undefined]);
    assert.match(await anna.page.locator('.bar').first().getAttribute('aria-label'), /: 2 readings$/);
    await anna.close();
  },

  async 'a product in one symbol and its date in another are one entry'({ service, browser, url }) {
    const shop = await service.shop('Symbols', [[TEA, 'Green tea'], [gtin(2), 'Oats']]);
    const anna = await (await Person.with(browser, url)).signIn(service.staff, shop);
    await anna.pill('Live').waitFor();
    await anna.wedge(TEA);
    await anna.page.locator('.card h2', { hasText: 'Green tea' }).waitFor();
    await anna.page.waitForTimeout(200);
    await anna.wedge('17271224');
    await anna.page.locator('.card-recorded').waitFor();
    await anna.page.waitForTimeout(200);
    await anna.wedge('17271225');
    await anna.says('Now scan the product');
    await anna.wedge(gtin(2));
    await anna.page.locator('.card h2', { hasText: 'Oats' }).waitFor();
    await anna.page.locator('.card-recorded').waitFor();
    await anna.allSaved();
    assert.equal((await service.reading(shop.id, TEA)).expiry_date, '2027-12-24');
    assert.equal((await service.reading(shop.id, gtin(2))).expiry_date, '2027-12-25');
    await anna.close();
  },

  async 'a product that the service does not have gets its name, and the date at once'({ service, browser, url }) {
    const shop = await service.shop('New', []);
    const number = gtin(Math.floor(Date.now() / 1000) % 1e9);
    const anna = await (await Person.with(browser, url)).signIn(service.staff, shop);
    await anna.wedge(`010${number}17271224`);
    await anna.page.getByLabel('Name of the product').fill('Plum jam');
    await anna.button('Next').click();
    await anna.page.locator('.card-recorded').waitFor();
    await anna.allSaved();
    const { name, expiry_date } = await service.reading(shop.id, number);
    assert.deepEqual([name, expiry_date], ['Plum jam', '2027-12-24']);
    await anna.close();
  },

  async 'two people in one shop see the entries of each other'({ service, browser, url }) {
    const shop = await service.shop('Live', [[TEA, 'Green tea', day(40), 5]]);
    const people = [];
    for (const name of ['Anna', 'Bert']) people.push(await (await Person.with(browser, url)).signIn((await service.token(name)).token, shop));
    const [anna, bert] = people;
    for (const person of people) {
      await person.pill('Live').waitFor();
      await person.show('shelf');
    }
    await anna.page.locator('.row').click();
    await anna.button('One more').click();
    const started = Date.now();
    await bert.page.locator('.row .quantity', { hasText: '× 6' }).waitFor();
    assert.ok(Date.now() - started < 1_000, `${Date.now() - started} ms`);
    await bert.page.locator('.row .tag', { hasText: 'changed' }).waitFor();
    service.kill();
    await bert.page.locator('.row').click();
    await bert.button('One more').click();
    await bert.allSaved();
    await anna.page.locator('dialog .quantity', { hasText: '× 7' }).waitFor();
    for (const person of people) await person.close();
  },
});
