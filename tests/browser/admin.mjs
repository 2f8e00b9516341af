// The console's screens for admins, with two admins: node admin.mjs API TOKEN [PICTURES [NAME]]

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import { launch, open } from './browser.mjs';
import { look as lookAt } from './looks.mjs';

const [api, token, folder, only = ''] = process.argv.slice(2);
const DESK = { viewport: { width: 1440, height: 900 }, locale: 'en-GB', timezoneId: 'Europe/Berlin' };

/** Sends a request to the API, not through a page. Returns: the JSON of its answer; null without a body. */
async function ask(method, path, body, as = token) {
  const headers = { Authorization: `Bearer ${as}`, ...(body ? { 'Content-Type': 'application/json' } : {}) };
  const answer = await fetch(`${api}/api/v1${path}`, { method, headers, body: body && JSON.stringify(body) });
  const text = await answer.text();
  assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${text}`);
  return text ? JSON.parse(text) : null;
}

const statusOf = async (path, as) => (await fetch(`${api}/api/v1${path}`, { headers: { Authorization: `Bearer ${as}` } })).status;

const RUN = Date.now() % 800_000; // so that the test can be repeated with one stack

/** Returns: a GTIN-13 of this run. */
function gtin(n) {
  const digits = `952${String(100_000_000 + RUN * 1000 + n).slice(-9)}`;
  const sum = [...digits].reduce((total, digit, at) => total + Number(digit) * (at % 2 ? 3 : 1), 0);
  return digits + ((10 - (sum % 10)) % 10);
}

/** A page of an admin who is signed in. */
async function signedIn(browser, name) {
  const made = await ask('POST', '/tokens', { name, role: 'admin' });
  const context = await browser.newContext(DESK);
  const page = await open(context, `${api}/`);
  page.secret = made.token;
  await page.getByLabel('Access token').fill(made.token);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.locator('.navigation').waitFor();
  return page;
}

async function show(page, screen) {
  await page.goto(`${api}/#/${screen}`);
  await page.locator('main h1').first().waitFor();
}

const sheet = (page) => page.getByRole('dialog').last();
const row = (page, text) => page.locator('.data tbody tr').filter({ hasText: text });
const button = (page, name) => page.getByRole('button', { name, exact: true });
const says = (page, text) => page.locator('.message').filter({ hasText: text }).waitFor();

/** Saves the sheet. Returns when it is closed. */
async function save(page) {
  await button(sheet(page), 'Save').click();
  await page.waitForFunction(() => document.querySelector('dialog') === null);
  await says(page, 'Saved');
}

const look = (page, name) => lookAt(page, name, folder);

async function openProduct(page, code) {
  await show(page, `products/${code}`);
  await sheet(page).getByLabel('Name').waitFor();
}

/** Returns: the bytes of the files that the page loaded, compressed, by their names without the hash. */
async function sizes(page) {
  const files = await page.evaluate(() => performance.getEntriesByType('resource').map(({ name }) => name).filter((name) => name.includes('/assets/')));
  const size = (file) =>
    new Promise((resolve) => {
      http.get(file, { headers: { 'Accept-Encoding': 'gzip' } }, (answer) => {
        answer.resume();
        resolve(Number(answer.headers['content-length']));
      });
    });
  return new Map(await Promise.all([...new Set(files)].map(async (file) => [file, await size(file)])));
}

/** Opens a screen of a part that was not loaded before. Throws: AssertionError when the part has more bytes. */
async function loads(page, screen, budget) {
  const before = await sizes(page);
  await show(page, screen);
  await page.waitForLoadState('networkidle');
  const added = [...(await sizes(page))].filter(([file]) => !before.has(file));
  const bytes = added.reduce((sum, [, size]) => sum + size, 0);
  console.log(`   ${screen}: ${bytes} bytes in ${added.length} files`);
  assert.ok(added.length > 0 && bytes <= budget, JSON.stringify(added));
}

const tests = {
  async 'a part of the console is loaded when it is opened, within its budget'(anna) {
    const page = await open(anna.context(), `${api}/#/waiting`);
    await page.locator('main h1').waitFor();
    await loads(page, 'overview', 12_000);
    await loads(page, 'products', 35_000);
    await page.close();
  },

  async 'products are found, made and checked'(anna) {
    await show(anna, 'products');
    await row(anna, 'Alderbrook').first().waitFor();
    assert.equal(await anna.locator('.data tbody tr').count(), 50);
    await look(anna, 'products');
    await button(anna, 'Show more').click();
    await anna.waitForFunction(() => document.querySelectorAll('.data tbody tr').length === 100);
    await anna.getByLabel('Category', { exact: true }).selectOption('Cheese');
    await anna.waitForFunction(() => [...document.querySelectorAll('.data tbody tr')].every((tr) => tr.textContent.includes('Cheese')));
    await anna.getByLabel('Category', { exact: true }).selectOption('');

    await button(anna, 'New product').click();
    await sheet(anna).getByLabel('GTIN').fill('9521000000011');
    await sheet(anna).getByLabel('Name').fill('Walnut bread');
    await button(sheet(anna), 'Save').click();
    await sheet(anna).locator('.error').waitFor();
    await sheet(anna).getByLabel('GTIN').fill(gtin(501));
    await sheet(anna).getByLabel('Brand').fill('Miller');
    await save(anna);
    await row(anna, 'Walnut bread').waitFor();
    const { name, brand, category } = await ask('GET', `/products/${gtin(501)}`);
    assert.deepEqual([name, brand, category], ['Walnut bread', 'Miller', null]);
  },

  async 'what two admins change in one product is compared field by field'(anna, ben) {
    const code = gtin(502);
    await ask('POST', '/products', { GTIN: code, name: 'Rye bread', brand: 'Miller', category: 'Bakery' });
    await openProduct(anna, code);
    await openProduct(ben, code);
    await sheet(ben).getByLabel('Name').fill('Rye bread 750 g');
    await sheet(ben).getByLabel('Brand').fill('Mill & Sons');
    await save(ben);

    await sheet(anna).getByLabel('Name').fill('Dark rye bread');
    await sheet(anna).getByLabel('Category').fill('Bread');
    await button(sheet(anna), 'Save').click();
    const table = sheet(anna).locator('.conflict');
    await table.getByText('Ben changed this').waitFor();
    // Only what both changed is open; the others have the value of the one who changed them.
    const choice = (field, which) => table.getByRole('row', { name: field }).getByRole('radio').nth(which === 'yours' ? 0 : 1);
    assert.equal(await button(sheet(anna), 'Save').isDisabled(), true);
    assert.deepEqual([await choice('Category', 'yours').isChecked(), await choice('Brand', 'now').isChecked()], [true, true]);
    await look(anna, 'comparison');
    await choice('Name', 'now').check();
    await save(anna);
    const { name, brand, category, version } = await ask('GET', `/products/${code}`);
    assert.deepEqual([name, brand, category, version], ['Rye bread 750 g', 'Mill & Sons', 'Bread', 3]);
  },

  async 'unsaved changes are kept when the network fails, and a lost answer is no second change'(anna) {
    const code = gtin(503);
    await ask('POST', '/products', { GTIN: code, name: 'Spelt bread' });
    await openProduct(anna, code);
    await sheet(anna).getByLabel('Name').fill('Spelt bread 1 kg');
    const write = (route, request) => (request.method() === 'PATCH' ? route.abort() : route.continue());
    await anna.route('**/api/v1/products/*', write);
    await button(sheet(anna), 'Save').click();
    await sheet(anna).locator('.problem').waitFor();
    assert.equal(await sheet(anna).getByLabel('Name').inputValue(), 'Spelt bread 1 kg');
    // The request arrives, its answer does not.
    await anna.unroute('**/api/v1/products/*', write);
    let lost = 0;
    await anna.route('**/api/v1/products/*', async (route, request) => {
      if (request.method() !== 'PATCH' || lost > 0) return route.continue();
      lost += 1;
      await route.fetch();
      return route.abort();
    });
    await button(sheet(anna), 'Save').click();
    await sheet(anna).locator('.problem').waitFor();
    await save(anna);
    await anna.unroute('**/api/v1/products/*');
    assert.deepEqual([lost, (await ask('GET', `/products/${code}`)).version], [1, 2]);
    // Closing with changes asks.
    await openProduct(anna, code);
    await sheet(anna).getByLabel('Name').fill('Other');
    await anna.keyboard.press('Escape');
    await button(anna, 'Discard').click();
    await anna.waitForFunction(() => document.querySelector('dialog') === null);
  },

  async 'many products get a category at once, but none that another admin changed meanwhile'(anna) {
    const codes = [gtin(510), gtin(511), gtin(512)];
    for (const [at, code] of codes.entries()) await ask('POST', '/products', { GTIN: code, name: `Bulk${RUN} ${at}` });
    await show(anna, 'products');
    await anna.getByRole('searchbox').fill(`Bulk${RUN}`);
    await anna.waitForFunction(() => document.querySelectorAll('.data tbody tr').length === 3);
    await anna.getByLabel('Choose all rows that are shown').check();
    await ask('PATCH', `/products/${codes[1]}`, { name: `Bulk${RUN} one` });
    await button(anna, 'Change category').click();
    await sheet(anna).getByLabel('New Category').fill('Shelf 7');
    await look(anna, 'bulk');
    await button(anna, 'Change 3 products').click();
    await sheet(anna).getByText('1 product is not changed yet').waitFor();
    assert.match(await sheet(anna).locator('.problem').innerText(), /Someone else changed this/);
    await button(sheet(anna), 'Cancel').click();
    const found = await Promise.all(codes.map((code) => ask('GET', `/products/${code}`)));
    assert.deepEqual(found.map(({ category }) => category), ['Shelf 7', null, 'Shelf 7']);
    await anna.getByRole('searchbox').fill('');
  },

  async 'a deletion names what goes with it'(anna) {
    const code = gtin(520);
    const shop = await ask('POST', '/shops', { name: `Corner ${Date.now()}`, time_zone: 'Europe/Berlin' });
    for (const [at, product] of [code, gtin(521)].entries()) {
      await ask('POST', '/stock-readings', { shop: shop.id, GTIN: product, name: `Deleted ${at}`, expiry_date: '2031-01-01' });
    }
    await openProduct(anna, code);
    await button(sheet(anna), 'Delete').click();
    await anna.getByText('There is a reading of it in a shop').waitFor();
    await button(sheet(anna), 'Cancel').click();

    await show(anna, `shops/${shop.id}`);
    await sheet(anna).getByLabel('Name').waitFor();
    await look(anna, 'shops');
    await button(sheet(anna), 'Delete').click();
    await look(anna, 'delete');
    await button(anna, 'Delete shop and 2 readings').click();
    await says(anna, 'is deleted');
    assert.equal(await statusOf(`/shops/${shop.id}`, token), 404);
    await row(anna, shop.name).waitFor({ state: 'detached' });
  },

  async 'a token is shown once, works, and ends everywhere when it is revoked'(anna) {
    await show(anna, 'tokens/new');
    await sheet(anna).getByLabel('Name').fill(`Carla ${RUN}`);
    await sheet(anna).getByLabel('Person').fill('carla');
    await sheet(anna).getByLabel('Coda Market Berlin').check();
    await sheet(anna).getByLabel('Your own token').fill('coda_wrong');
    await button(sheet(anna), 'Make token').click();
    await sheet(anna).getByText('Your own token is not valid.').waitFor();
    await look(anna, 'new-token');
    await sheet(anna).getByLabel('Your own token').fill(anna.secret);
    await button(sheet(anna), 'Make token').click();
    const secret = await anna.getByLabel('The token', { exact: true }).inputValue();
    assert.match(secret, /^coda_/);
    await look(anna, 'secret');
    const self = await ask('GET', '/tokens/self', undefined, secret);
    assert.deepEqual([self.name, self.role, self.shops.length], [`Carla ${RUN}`, 'staff', 1]);
    // Closing without a copy asks; then the secret is nowhere.
    await button(sheet(anna), 'Close').first().click();
    await anna.getByText('Close without copying?').waitFor();
    await anna.getByRole('dialog').last().getByRole('button', { name: 'Close', exact: true }).last().click();
    await anna.waitForFunction(() => document.querySelector('dialog') === null);
    const left = await anna.evaluate(() => document.documentElement.outerHTML + JSON.stringify({ ...localStorage, ...sessionStorage }) + location.href);
    assert.equal(left.includes(secret), false);
    await row(anna, `Carla ${RUN}`).click();
    await look(anna, 'token');
    await button(sheet(anna), 'Revoke').click();
    await anna.getByRole('dialog').nth(1).getByRole('button', { name: 'Revoke', exact: true }).click(); // of the question
    await says(anna, 'is signed out everywhere now');
    assert.equal(await statusOf('/tokens/self', secret), 401);
  },

  async 'rules show what they would do, and two admins do not overwrite each other'(anna, ben) {
    const counted = async (query) => {
      const rows = await ask('GET', `/shops/2/work-list?limit=1000&${query}`);
      return rows.length;
    };
    await ask('PUT', '/shops/2/thresholds', { days: 3, stale_days: 14 });
    for (const page of [anna, ben]) {
      await show(page, 'rules/2');
      await page.locator('.preview .big').waitFor();
    }
    await anna.getByLabel('Due this many days before the date').first().fill('30');
    await anna.getByLabel('Own rules for a category').selectOption('Dairy');
    await anna.getByLabel('Dairy: Due this many days').fill('1');
    const [all, dairy, ownDairy] = [await counted('days=30&stale_days=14'), await counted('days=30&stale_days=14&category=Dairy'), await counted('days=1&stale_days=14&category=Dairy')];
    await anna.locator('.preview .big').filter({ hasText: `${all - dairy + ownDairy} item` }).waitFor();
    await look(anna, 'rules');
    await button(anna, 'Save').click();
    await says(anna, 'Saved');

    await ben.getByLabel('Not checked after').first().fill('20');
    await ben.getByLabel('Due this many days before the date').first().fill('5');
    await button(ben, 'Save').click();
    await ben.locator('.conflict').waitFor();
    await ben.getByRole('row', { name: /^Due this many/ }).getByRole('radio').nth(1).check();
    await button(ben, 'Save').click();
    await says(ben, 'Saved');
    const { days, stale_days, categories } = await ask('GET', '/shops/2/thresholds');
    assert.deepEqual([days, stale_days, categories.Dairy?.days], [30, 20, 1]);
  },

  async 'a file is imported after questions and a preview, corrected, and taken back'(anna) {
    const shop = await ask('POST', '/shops', { name: `Import ${RUN}`, time_zone: 'Europe/Berlin' });
    const line = (code, n) => `${code};24.12.2031;${n + 1};Product ${n};Nordkorn`;
    const good = [...Array(30).keys()].map((n) => line(gtin(600 + n), n));
    const wrong = [gtin(630), gtin(631)].map((code, n) => line(code.slice(0, 12) + ((Number(code[12]) + 1) % 10), 30 + n));
    const text = ['EAN;Haltbar bei uns;Bestand;Bezeichnung;Lieferant', ...good, ...wrong, ''].join('\r\n');
    const file = { name: 'bestand.csv', mimeType: 'text/csv', buffer: Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(text, 'utf16le')]) };
    const numbers = async () => Object.fromEntries(await anna.locator('.results > div').evaluateAll((all) => all.map((one) => [one.querySelector('dt').textContent, one.querySelector('dd').textContent])));
    const choose = async (chosen) => {
      await show(anna, 'import');
      if (await button(anna, 'Other file').isVisible()) await button(anna, 'Other file').click();
      await anna.getByLabel('Readings').check();
      await anna.locator('input[type=file]').setInputFiles(chosen);
    };
    const answer = async () => {
      await anna.getByText('The file leaves something open').waitFor();
      await anna.getByLabel('What Haltbar bei uns is imported as').selectOption('Expiry date');
      for (const field of ['Format of the dates', 'Shop']) {
        const input = anna.getByLabel(field, { exact: true });
        await input.waitFor();
        if (field === 'Shop') await input.selectOption(shop.name);
        else await input.fill('DD.MM.YYYY');
      }
      await button(anna, 'Answer').click();
    };
    await choose(file);
    await anna.getByText('The file leaves something open').waitFor();
    await look(anna, 'import-questions');
    await answer();
    await button(anna, 'Import 30 rows').waitFor();
    const preview = await numbers();
    assert.deepEqual(preview, { Rows: '32', New: '30', Changed: '0', Unchanged: '0', Refused: '2' });
    assert.match(await anna.locator('.columns').first().innerText(), /Product 0 · Product 1/);
    assert.equal(await anna.locator('.not-imported').innerText(), 'Will not be imported: Lieferant');
    await look(anna, 'import-preview');
    await button(anna, 'Import 30 rows').click();
    await anna.getByText('The file is imported.').waitFor();
    assert.deepEqual(await numbers(), preview);
    await look(anna, 'import-result');
    assert.equal((await ask('GET', `/shops/${shop.id}/stock/${gtin(605)}`)).quantity, 6);

    // The refused rows are a file that is corrected and imported.
    const [download] = await Promise.all([anna.waitForEvent('download'), button(anna, 'Download refused rows').click()]);
    const refused = readFileSync(await download.path(), 'utf8').replace('\ufeff', '');
    assert.deepEqual(refused.split('\r\n').map((record) => record.split(';').length), [6, 6, 6, 1]);
    const corrected = wrong.reduce((left, record, n) => left.replace(record.slice(0, 13), gtin(630 + n)), refused);
    await choose({ name: 'corrected.csv', mimeType: 'text/csv', buffer: Buffer.from(corrected) });
    await answer();
    await button(anna, 'Import 2 rows').click();
    await anna.getByText('The file is imported.').waitFor();
    assert.deepEqual(await numbers(), { Rows: '2', New: '2', Changed: '0', Unchanged: '0', Refused: '0' });

    // The first file again changes nothing.
    await choose(file);
    await answer();
    await anna.getByText('The import would change nothing').waitFor();

    // Taken back, newest first, from the list.
    await button(anna, 'Other file').click();
    for (const [at, left] of [30, 0].entries()) {
      const listed = anna.locator('.data tbody tr').nth(at);
      await button(listed, 'Take back').click();
      await anna.getByRole('dialog').getByRole('button', { name: 'Take back', exact: true }).click();
      await listed.getByText('Taken back').waitFor();
      assert.equal((await ask('GET', `/stock-readings?shop=${shop.id}&limit=1000`)).length, left);
    }
    await look(anna, 'import');
  },

  async 'empty cells clear a field only when the admin says so, after a preview'(anna) {
    const code = gtin(560);
    await ask('POST', '/products', { GTIN: code, name: 'Rye bread', brand: 'Nordkorn', category: 'Bread' });
    await show(anna, 'import');
    if (await button(anna, 'Other file').isVisible()) await button(anna, 'Other file').click();
    await anna.getByLabel('Products').check();
    await anna.locator('input[type=file]').setInputFiles({ name: 'brands.csv', mimeType: 'text/csv', buffer: Buffer.from(`GTIN,name,brand\n${code},Rye bread,\n`) });
    await anna.getByText('The import would change nothing').waitFor();
    await anna.getByLabel('Empty cells clear the field').check();
    await anna.getByText('1 of the changes below removes a brand or category.').waitFor();
    assert.equal(await anna.locator('.changes li').innerText(), 'Brand Nordkorn → empty');
    await look(anna, 'import-clear');
    await button(anna, 'Import 1 row').click();
    await anna.getByText('The file is imported.').waitFor();
    const { brand, category } = await ask('GET', `/products/${code}`);
    assert.deepEqual([brand, category], [null, 'Bread']);
  },

  async 'a cancelled import says what it took'(anna) {
    const rows = [...Array(60_000).keys()].map((n) => `${gtin(1000 + n)},Cancelled ${n}`);
    await show(anna, 'import');
    if (await button(anna, 'Other file').isVisible()) await button(anna, 'Other file').click();
    await anna.getByLabel('Products').check();
    await anna.locator('input[type=file]').setInputFiles({ name: 'many.csv', mimeType: 'text/csv', buffer: Buffer.from(['GTIN,name', ...rows, ''].join('\n')) });
    await anna.getByRole('button', { name: /^Import / }).click({ timeout: 60_000 });
    await anna.getByText('rows read').waitFor();
    if (folder) await anna.screenshot({ path: `${folder}/import-running.png` });
    await button(anna, 'Cancel').click();
    await anna.getByText('The import is cancelled.').waitFor();
    const taken = (await anna.locator('.results dd').nth(1).innerText()).replaceAll(',', '');
    const [record] = await ask('GET', '/imports?limit=1');
    assert.deepEqual([record.outcome, String(record.created)], ['cancelled', taken]);
    assert.ok(record.created < rows.length);
    await button(anna, 'Take back').click();
    await anna.getByRole('dialog').getByRole('button', { name: 'Take back', exact: true }).click();
    await anna.getByText(/products? (are|is) as before/).waitFor({ timeout: 60_000 });
  },

  async 'the audit says who changed what, and leads there'(anna) {
    const code = gtin(530);
    await ask('POST', '/products', { GTIN: code, name: 'Oat bread' }, anna.secret);
    await ask('PATCH', `/products/${code}`, { name: 'Oat bread 500 g' }, anna.secret);
    await show(anna, 'audit');
    await row(anna, 'Oat bread').first().waitFor();
    await look(anna, 'audit');
    await show(anna, `audit?subject=product&subject_id=${code}`);
    await anna.waitForFunction(() => document.querySelectorAll('.data tbody tr').length === 2);
    const first = row(anna, 'was changed');
    assert.match(await first.innerText(), /Anna.*Oat bread → Oat bread 500 g/s);
    await first.getByRole('button').click();
    await sheet(anna).getByLabel('Name').waitFor();
    assert.match(anna.url(), new RegExp(`products/${code}$`));
  },

  async 'the overview counts what expires when, and follows every write'(anna) {
    const shop = await ask('POST', '/shops', { name: `Station ${RUN}`, time_zone: 'Europe/Berlin' });
    const day = (days) => new Intl.DateTimeFormat('sv-SE', { timeZone: 'Europe/Berlin' }).format(Date.now() + days * 86_400_000);
    const dates = [-3, 0, 0, 1, 6, 6, 6, 29, 30].map(day);
    const record = (n, expiry_date, more = {}) => ask('POST', '/stock-readings', { shop: shop.id, GTIN: gtin(540 + n), name: `Expires ${n}`, expiry_date, ...more });
    for (const [n, date] of dates.entries()) await record(n, date, { quantity: 2 });
    await show(anna, `overview?shop=${shop.id}`);
    const bars = () => anna.locator('.bar').evaluateAll((all) => all.map((bar) => [bar.dataset.date, Number(bar.dataset.readings)]));
    await anna.locator('.bar').first().waitFor();
    await anna.waitForFunction(() => document.querySelector('.overview .state').textContent.includes('Live'));
    const expected = [...Array(30).keys()].map((after) => [day(after), dates.filter((date) => date === day(after)).length]);
    assert.deepEqual(await bars(), expected);
    assert.deepEqual(await anna.locator('.tiles dd').allInnerTexts(), ['1', '6', '0', '9', '18']);
    // A write moves a bar.
    const start = Date.now();
    await record(9, day(1));
    await anna.locator(`.bar[data-date="${day(1)}"][data-readings="2"]`).waitFor({ timeout: 10_000 });
    console.log(`   a bar moved after ${Date.now() - start} ms`);
    // The same numbers as a table, and the readings of one day.
    await button(anna, 'Show as table').first().click();
    assert.equal(await anna.locator('.numbers tbody tr').first().locator('td').innerText(), '2');
    await button(anna, 'Show as chart').click();
    await anna.locator(`.bar[data-date="${day(6)}"]`).click();
    await anna.waitForFunction(() => document.querySelectorAll('dialog tbody tr').length === 3);
    await look(anna, 'overview-day');
    await anna.keyboard.press('Escape');
    // Bars are reached with the keyboard: one stop, then the arrows.
    await anna.locator('.bar').first().focus();
    await anna.keyboard.press('ArrowRight');
    await anna.keyboard.press('Enter');
    await sheet(anna).getByText('Expires 3').waitFor();
    await anna.keyboard.press('Escape');
    await show(anna, 'overview');
    await anna.getByRole('link', { name: 'Coda Market Lisbon' }).waitFor();
    await anna.getByText('Writes per minute').waitFor();
    await look(anna, 'overview');
    // On paper there are no bars, buttons and filters.
    await anna.emulateMedia({ media: 'print' });
    assert.equal(await anna.locator('.navigation').isVisible(), false);
    assert.equal(await button(anna, 'Print').isVisible(), false);
    if (folder) await anna.pdf({ path: `${folder}/overview.pdf`, format: 'A4' });
    await anna.emulateMedia({ media: 'screen' });
  },

  async 'an export is a file with the columns that an import reads'(anna) {
    await show(anna, 'export');
    await anna.getByRole('link', { name: 'Download' }).first().waitFor();
    await look(anna, 'export');
    const [download] = await Promise.all([anna.waitForEvent('download'), anna.getByRole('link', { name: 'Download' }).first().click()]);
    assert.equal(readFileSync(await download.path(), 'utf8').split('\n')[0], 'GTIN,name,brand,category');
  },
};

const browser = await launch();
try {
  const [anna, ben] = [await signedIn(browser, 'Anna'), await signedIn(browser, 'Ben')];
  for (const [name, test] of Object.entries(tests)) {
    if (!name.includes(only)) continue;
    const start = Date.now();
    try {
      await test(anna, ben);
    } catch (error) {
      if (folder) await anna.screenshot({ path: `${folder}/failed.png` });
      throw error;
    }
    console.log(`ok ${name} (${Date.now() - start} ms)`);
  }
  // What the browser itself reports of refused and failed requests is no fault of the page.
  const errors = [...anna.errors, ...ben.errors].filter((error) => !error.startsWith('Failed to load resource'));
  assert.deepEqual(errors, []);
} finally {
  await browser.close();
}
