// How long the console takes to start on a phone: node console_speed.mjs URL TOKEN ROUNDS
//
// It prints one JSON object: `starts`, the milliseconds of each start by what was measured; `processor`, those of them in which the main
// thread of the page ran, which depend less on other work of the machine; `bytes` and `files` of a first load, as they are
// transferred. A start ends when the field that the person needs first (the token, the code) is on the screen and takes
// what is typed. tests/bench/run console uses it.

import assert from 'node:assert/strict';
import { eventually, launch, Person } from './console.mjs';

const [url, token, rounds] = process.argv.slice(2);
const network = (latency, down, up) => ({ offline: false, latency, downloadThroughput: (down * 1e6) / 8, uploadThroughput: (up * 1e6) / 8 });
const MOBILE = network(150, 1.6, 0.75);
const FAST_3G = network(562.5, 1.44, 0.675); // as the tools of the browser have it
const SLOWER = 4; // the processor

/** Opens the page in a new tab. Returns: milliseconds until its field accepts input, those of its main thread, and what it loaded. */
async function start(context, field, conditions) {
  const page = await context.newPage();
  const devtools = await context.newCDPSession(page);
  await devtools.send('Network.enable');
  if (conditions) await devtools.send('Network.emulateNetworkConditions', conditions);
  await devtools.send('Emulation.setCPUThrottlingRate', { rate: SLOWER });
  await devtools.send('Performance.enable', { timeDomain: 'threadTicks' });
  await page.addInitScript((selector) => {
    const look = () => {
      const isShown = document.querySelector(selector)?.getClientRects().length > 0;
      // After the frame that shows it.
      requestAnimationFrame(isShown ? () => setTimeout(() => (window.usableAt = performance.now())) : look);
    };
    requestAnimationFrame(look);
  }, field);
  await page.goto(url, { waitUntil: 'commit' });
  await page.waitForFunction(() => window.usableAt !== undefined);
  const { metrics } = await devtools.send('Performance.getMetrics');
  const usableAt = await page.evaluate(() => window.usableAt);
  await page.locator(field).press('7');
  assert.equal(await page.locator(field).inputValue(), '7');
  const loaded = await page.evaluate(() => [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')].map(({ name, transferSize }) => [new URL(name).pathname, transferSize]));
  await page.close();
  return { usableAt, processor: metrics.find(({ name }) => name === 'TaskDuration').value * 1000, loaded: loaded.filter(([name]) => name === '/' || name.startsWith('/assets/')) };
}

const browser = await launch();
const starts = {};
const processor = {};
let first = [];

async function measure(name, ...how) {
  const found = await start(...how);
  (starts[name] ??= []).push(found.usableAt);
  (processor[name] ??= []).push(found.processor);
  return found;
}

for (let round = 0; round < Number(rounds); round += 1) {
  const unknown = await browser.newContext({ viewport: { width: 360, height: 780 } });
  first = (await measure('cold', unknown, '#token', MOBILE)).loaded;
  await unknown.close();
}

// A person who works with it: signed in, a shop is chosen, and the service worker has its files.
const anna = await Person.with(browser, url);
await anna.signIn(token);
await anna.page.locator('.page .row').first().click();
await anna.page.locator('.screen-scan .page').waitFor();
await anna.page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
await eventually(() => anna.page.evaluate(() => navigator.serviceWorker.controller !== null), 'the service worker answers');
await anna.page.close();
for (let round = 0; round < Number(rounds); round += 1) {
  await measure('repeat', anna.context, '#code', MOBILE);
  await measure('repeat_fast_3g', anna.context, '#code', FAST_3G);
  await anna.context.setOffline(true);
  await measure('repeat_offline', anna.context, '#code', null);
  await anna.context.setOffline(false);
}
await browser.close();
console.log(JSON.stringify({ starts, processor, bytes: first.reduce((sum, [, size]) => sum + size, 0), files: first.length }));
