// A page that follows a shop with the code of the README, while instances are replaced and killed:
// node stream.mjs API PAGE TOKEN READING CODE
//
// It prints the name of what is to happen to the servers, and waits for a line after it.

import assert from 'node:assert/strict';
import readline from 'node:readline';
import { launch, open } from './browser.mjs';

const [api, address, token, reading, code] = process.argv.slice(2);
const input = readline.createInterface({ input: process.stdin });
const steps = input[Symbol.asyncIterator]();

/** Has something done with the servers. */
async function happen(what) {
  console.log(what);
  assert.equal((await steps.next()).value, 'done');
}

/** Writes a quantity, again until it is acknowledged. */
async function write(quantity) {
  for (let attempt = 0; attempt < 100; ++attempt) {
    const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' };
    const answer = await fetch(api + reading, { method: 'PATCH', headers, body: JSON.stringify({ quantity }) }).catch(() => null);
    if (answer?.status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.fail('a write was not acknowledged');
}

const browser = await launch();
try {
  const page = await open(browser, address);
  const shop = (await (await fetch(api + reading)).json()).shop;
  const here = code.replaceAll('/api/v1/shops/1/', `${api}/api/v1/shops/${shop}/`);
  await page.evaluate((text) => {
    window.seen = [];
    window.resyncs = 0;
    window.keepNewer = (row) => window.seen.push(row);
    window.readShopAgain = () => (window.resyncs += 1);
    window.ids = [];
    const Original = window.EventSource;
    window.EventSource = class extends Original {
      constructor(...of) {
        super(...of);
        window.source = this;
        this.addEventListener('reading', (event) => window.ids.push(event.lastEventId));
      }
    };
    window.eval(`${text}; follow();`);
  }, here);
  const isOpen = () => page.waitForFunction(() => window.source.readyState === 1, null, { timeout: 30_000 });

  let quantity = 0;
  for (const what of ['', 'replace', 'kill one', 'kill all', 'reload']) {
    await isOpen();
    let over = false;
    const writing = (async () => {
      while (!over) await write((quantity += 1));
    })();
    if (what) await happen(what);
    over = true;
    await writing;
    await write((quantity += 1));
    const last = quantity;
    await page.waitForFunction((wanted) => window.seen.at(-1)?.quantity === wanted, last, { timeout: 30_000 });
  }
  const { seen, ids, resyncs } = await page.evaluate(() => ({ seen: window.seen, ids: window.ids, resyncs: window.resyncs }));
  assert.equal(resyncs, 0);
  assert.equal(new Set(ids).size, ids.length, 'an event came twice');
  const versions = seen.map((row) => row.version);
  assert.deepEqual(versions, [...versions].sort((a, b) => a - b));
} finally {
  input.close();
  await browser.close();
}
