// The page /shop/{id}: node storefront.mjs API SHOP TOKEN [PICTURES]

import assert from 'node:assert/strict';
import { launch, open } from './browser.mjs';
import { look } from './looks.mjs';

const [api, shop, token, folder] = process.argv.slice(2);
const BUDGET = 25_000; // HTML, style sheet and scripts, compressed

const json = async (path) => (await fetch(api + path)).json();

/** Writes a reading of a product in the shop. Returns: it. */
async function record(GTIN, body) {
  const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' };
  const answer = await fetch(`${api}/api/v1/stock-readings`, { method: 'POST', headers, body: JSON.stringify({ shop: Number(shop), GTIN, ...body }) });
  assert.ok(answer.ok, await answer.clone().text());
  return answer.json();
}

/** Returns: the requests of the page to a path below /api/v1, with their statuses. */
const to = (page, path) => page.answers.filter(({ url }) => new URL(url).pathname === `/api/v1${path}`);

async function shown(page) {
  await page.locator('.card').first().waitFor();
  await page.waitForFunction(() => document.querySelector('.live')?.dataset.live === 'true');
  return page.locator('.card').evaluateAll((cards) => cards.map((card) => [card.dataset.gtin, card.dataset.state]));
}

/** Opens the page and stores all answers that it gets. */
async function openShop(browser, address) {
  const page = await open(browser, address, (opened) => {
    opened.answers = [];
    opened.on('response', (response) => opened.answers.push({ url: response.url(), status: response.status(), headers: response.request().headers() }));
  });
  return page;
}

const browser = await launch();
try {
  const page = await openShop(browser, `${api}/shop/${shop}`);

  // What is shown is what the API says.
  const cards = await shown(page);
  assert.equal(cards.length, 24);
  const stock = new Map((await json(`/api/v1/shops/${shop}/stock?GTIN=${cards.map(([gtin]) => gtin)}`)).map((reading) => [reading.GTIN, reading]));
  const expected = cards.map(([gtin]) => [gtin, !stock.has(gtin) ? 'not_known' : stock.get(gtin).available ? 'in_stock' : 'sold_out']);
  assert.deepEqual(cards, expected);

  // One request for the stock of the page, public and without a token.
  assert.equal(to(page, `/shops/${shop}/stock`).length, 1);
  for (const { url, headers } of page.answers) {
    assert.equal(new URL(url).origin, api);
    assert.deepEqual([headers.authorization, headers.cookie], [undefined, undefined], url);
  }

  // The size of the page.
  const sizes = await page.evaluate(() =>
    performance.getEntries().filter((entry) => entry.encodedBodySize && !entry.name.includes('/api/')).map((entry) => [entry.name, entry.encodedBodySize]),
  );
  const size = sizes.reduce((sum, [, bytes]) => sum + bytes, 0);
  console.log(`storefront page: ${size} bytes in ${sizes.length} files`);
  assert.ok(size <= BUDGET, JSON.stringify(sizes));

  await look(page, 'storefront', folder);

  // The next page and back: what did not change is 304.
  const before = page.answers.length;
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByText('Page 2').waitFor();
  const second = await shown(page);
  assert.equal(second.filter(([gtin]) => cards.some(([other]) => other === gtin)).length, 0);
  await page.getByRole('button', { name: 'Previous' }).click();
  await page.getByText('Page 1').waitFor();
  await page.locator(`.card[data-gtin="${cards[0][0]}"]`).waitFor();
  assert.deepEqual(await shown(page), cards);
  const repeated = page.answers.slice(before).filter(({ url }) => page.answers.slice(0, before).some((first) => first.url === url) && !url.includes('/stream'));
  assert.ok(repeated.length >= 2);
  assert.deepEqual([...new Set(repeated.map(({ status }) => status))], [304]);
  assert.ok((await page.locator('.status[data-status="304"]').count()) >= 2);
  const bytesOf304 = await page.locator('tr:has(.status[data-status="304"]) td:nth-child(3)').first().innerText();
  assert.ok(Number.parseInt(bytesOf304, 10) < 600, bytesOf304);

  // Writes appear by themselves: no request but the stream.
  const gtin = cards[3][0];
  const card = page.locator(`.card[data-gtin="${gtin}"]`);
  const stillBefore = page.answers.length;
  await record(gtin, { kind: 'check', expiry_date: '2030-01-31', quantity: 3 });
  const start = Date.now();
  await card.getByText('Only 3 left').waitFor({ timeout: 5000 });
  console.log(`a write was shown after ${Date.now() - start} ms`);
  assert.match(await card.innerText(), /Best before Jan 31, 2030/);
  await record(gtin, { quantity: 0 });
  await page.locator(`.card[data-gtin="${gtin}"][data-state="sold_out"]`).waitFor({ timeout: 5000 });
  await record(gtin, { quantity: 12 });
  await card.getByText('In stock').waitFor({ timeout: 5000 });
  assert.equal(page.answers.length, stillBefore);

  // Search and categories; a word of a name, no result, and everything again.
  const product = await json(`/api/v1/products/${gtin}`);
  await page.getByRole('searchbox').fill(gtin);
  await page.waitForFunction(() => document.querySelectorAll('.card').length === 1);
  assert.equal(await page.locator('.card h2').innerText(), product.name);
  assert.match(page.url(), new RegExp(`search=${gtin}`));
  await page.getByRole('searchbox').fill('nothing has this name');
  await page.getByText('Nothing found').waitFor();
  await page.getByRole('button', { name: 'Show all products' }).click();
  await page.waitForFunction(() => document.querySelectorAll('.card').length === 24);
  const category = page.locator('.categories button').nth(2);
  const [name, count] = (await category.innerText()).split('\n');
  await category.click();
  await page.getByRole('status').filter({ hasText: `${name} · ${count}` }).waitFor();

  // Without an answer it says so, and continues by itself when there is one.
  await page.route('**/api/v1/products*', (route) => route.abort());
  await page.getByRole('button', { name: 'Read again' }).click();
  await page.getByText('cannot be read now').waitFor();
  await page.unroute('**/api/v1/products*');
  await page.getByText('cannot be read now').waitFor({ state: 'detached', timeout: 10_000 });

  const errors = page.errors.filter((error) => !error.includes('net::ERR_FAILED'));
  assert.deepEqual(errors, []);

  // A shop that does not exist.
  const other = await openShop(browser, `${api}/shop/999999`);
  await other.getByText('There is no shop with this number.').waitFor();
  await look(other, 'storefront-missing', folder);
} finally {
  await browser.close();
}
