// Versions of the console: a new one never disturbs a person at work. node console_pwa.mjs FOLDER [NAME]

import assert from 'node:assert/strict';
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { day, eventually, gtin, Person, run } from './console.mjs';

const TEA = gtin(1);

/** Changes a file of the deployed site, as a new version does; Nginx then serves it without its compressed copy. */
function change(service, name, edit) {
  const file = path.join(service.site, name);
  rmSync(`${file}.gz`, { force: true });
  const text = edit(readFileSync(file, 'utf8'));
  writeFileSync(`${file}.new`, text, { mode: 0o644 });
  renameSync(`${file}.new`, file);
}

function deploy(service) {
  const version = String(Date.now());
  change(service, 'index.html', (text) => text.replace(/<html lang="en"( data-version="\d+")?>/, `<html lang="en" data-version="${version}">`));
  change(service, 'sw.js', (text) => text.replace(/app-[\w]+/, `app-${version}`));
  return version;
}

const versionOf = (page) => page.evaluate(() => document.documentElement.dataset.version);
const controlled = (page) => page.waitForFunction(() => navigator.serviceWorker.controller !== null);

await run({
  async 'a new version waits for the person, and the queue is sent by it'({ service, browser, url }) {
    const shop = await service.shop('Update', [[TEA, 'Green tea', day(40), 5]]);
    const anna = await (await Person.with(browser, url)).signIn(service.staff, shop);
    await anna.pill('Live').waitFor();
    await controlled(anna.page);
    const other = await anna.context.newPage();
    await other.goto(`${url}/#/shelf`);
    await other.locator('.row', { hasText: 'Green tea' }).waitFor();
    await anna.button('Menu').click();
    await anna.page.getByLabel('Work offline').check();
    await anna.button('Close', { exact: true }).click();
    await anna.find(TEA);
    for (let i = 0; i < 5; i += 1) await anna.button('One more').click();
    await anna.pill('Offline · 5 waiting').waitFor();
    await anna.button('Count', { exact: true }).click();
    await anna.page.locator('dialog').getByRole('button', { name: '4', exact: true }).click();
    const version = deploy(service);
    await anna.page.evaluate(async () => {
      window.marked = true;
      await (await navigator.serviceWorker.ready).update();
    });
    await anna.page.getByText('A new version is ready.').waitFor();
    assert.ok(await anna.page.evaluate(() => window.marked), 'the page was loaded again');
    assert.equal(await anna.page.getByLabel('Units').inputValue(), '4');
    await anna.button('Close', { exact: true }).click();
    await anna.button('Restart now').click();
    await anna.page.waitForFunction((wanted) => document.documentElement.dataset.version === wanted, version);
    await anna.allSaved();
    await eventually(async () => (await service.reading(shop.id, TEA)).quantity === 10, 'all five entries are sent');
    assert.equal((await service.history(shop.id, TEA)).filter(({ kind }) => kind === 'adjust').length, 5);
    // The other tab still runs the version before, and works.
    assert.equal(await versionOf(other), undefined);
    await other.locator('.row .quantity', { hasText: '× 10' }).waitFor();
    await anna.close();
  },

  async 'it starts without a network, and with its files removed from the server'({ service, network, browser, url }) {
    const shop = await service.shop('Start', [[TEA, 'Green tea', day(40), 5]]);
    const anna = await (await Person.with(browser, url)).signIn(service.staff, shop);
    await anna.pill('Live').waitFor();
    await controlled(anna.page);
    network.set('refuse');
    await anna.page.reload();
    await anna.pill('Offline').waitFor();
    // The browser reads the page from the cache itself; the start does not wait for the service worker.
    const [{ workerFinalSourceType, workerStart }] = await anna.page.evaluate(() => performance.getEntriesByType('navigation').map((entry) => entry.toJSON()));
    assert.deepEqual([workerFinalSourceType, workerStart], ['cache', 0]);
    await anna.show('shelf');
    await anna.page.locator('.row', { hasText: 'Green tea' }).waitFor();
    await anna.show('waiting');
    await anna.page.getByText('Everything is saved.').waitFor();
    network.set('pass');
    await anna.close();
  },

  async 'a file that does not exist is no page'({ service }) {
    const missing = await fetch(`${service.url}/assets/none.js`);
    assert.equal(missing.status, 404);
    assert.match(missing.headers.get('content-type'), /^text\/plain/);
    assert.ok(existsSync(path.join(service.site, 'index.html')));
  },

  async 'the first load is small, and the page names all of its files'({ service, browser, url }) {
    const person = await Person.with(browser, url);
    await person.page.getByLabel('Access token').waitFor();
    const sizes = await person.page.evaluate(() =>
      [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')].map(({ name, encodedBodySize }) => [new URL(name).pathname, encodedBodySize]),
    );
    const own = sizes.filter(([name]) => name === '/' || name.startsWith('/assets/'));
    const total = own.reduce((sum, [, size]) => sum + size, 0);
    console.log(`     first load: ${total} bytes in ${own.length} files`);
    assert.ok(total > 10_000 && total <= 70 * 1024, JSON.stringify(own));
    assert.ok(service.url && !own.some(([name]) => /decoder|wasm|storefront/.test(name)));
    // Each request after another one costs the latency of the network: there are two in series.
    const html = await (await fetch(`${service.url}/`)).text();
    const needed = (name) => /\.(?:js|css)$/.test(name);
    assert.deepEqual(own.map(([name]) => name).filter((name) => needed(name) && !html.includes(`"${name}"`)), []);
    const storefront = await browser.newPage();
    const loaded = [];
    storefront.on('request', (request) => loaded.push(new URL(request.url()).pathname));
    const shop = await service.shop('Storefront');
    await storefront.goto(`${url}/shop/${shop.id}`);
    await storefront.getByRole('heading', { level: 1 }).waitFor();
    const page = await (await fetch(`${service.url}/shop/${shop.id}`)).text();
    assert.deepEqual(loaded.filter((name) => needed(name) && !page.includes(`"${name}"`)), []);
    await person.close();
  },

  async 'a service worker that is broken is removed, and entries that wait stay'({ service, browser, url }) {
    const shop = await service.shop('Emergency', [[TEA, 'Green tea', day(40), 5]]);
    const anna = await (await Person.with(browser, url)).signIn(service.staff, shop);
    await anna.pill('Live').waitFor();
    await controlled(anna.page);
    await anna.button('Menu').click();
    await anna.page.getByLabel('Work offline').check();
    await anna.button('Close', { exact: true }).click();
    await anna.find(TEA);
    await anna.button('One more').click();
    await anna.pill('Offline · 1 waiting').waitFor();
    const before = readFileSync(path.join(service.site, 'sw.js'), 'utf8');
    try {
      change(service, 'sw.js', () => readFileSync(path.join(service.site, 'sw_remove.js'), 'utf8'));
      await anna.page.evaluate(async () => (await navigator.serviceWorker.ready).update());
      await eventually(() => anna.page.evaluate(async () => (await caches.keys()).length === 0 && (await navigator.serviceWorker.getRegistrations()).length === 0), 'the files and the worker are removed');
      await anna.page.reload();
      await anna.allSaved();
      assert.equal((await service.reading(shop.id, TEA)).quantity, 6);
    } finally {
      change(service, 'sw.js', () => before);
    }
    await anna.close();
  },
});
