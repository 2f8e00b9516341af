// Debian's Chromium, and the checks that every test of a page makes.

import assert from 'node:assert/strict';
import { chromium } from 'playwright-core';

/** Starts Chromium. Without its sandbox, because tests may run as root; it opens pages of the tests only. */
export function launch() {
  return chromium.launch({ executablePath: '/usr/bin/chromium', chromiumSandbox: false });
}

/** Opens an address in a new tab; `prepare` gets it before. Returns: the tab, with the requests and the errors that it had. */
export async function open(browser, address, prepare = () => {}) {
  const page = await browser.newPage();
  await prepare(page);
  page.requested = [];
  page.errors = [];
  page.on('request', (request) => page.requested.push(request.url()));
  page.on('pageerror', (error) => page.errors.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') page.errors.push(message.text());
  });
  const response = await page.goto(address);
  assert.equal(response.status(), 200, address);
  return page;
}
