// The page /docs: node docs.mjs API TOKEN READING [SCREENSHOT]

import assert from 'node:assert/strict';
import { launch, open } from './browser.mjs';

const [api, token, reading, screenshot] = process.argv.slice(2);

/** Returns: method, path and summary of every operation of the document. */
async function operations() {
  const document = await (await fetch(`${api}/openapi.json`)).json();
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { summary }]) => `${method.toUpperCase()} ${path} ${summary}`),
  );
}

/** Opens an operation and fills it in. Returns: the status and the body of the answer that the page shows. */
async function tryOut(page, method, path, fill) {
  const block = page.locator(`.opblock-${method}`, { has: page.locator(`[data-path="${path}"]`) });
  await block.locator('.opblock-summary-control').click();
  await block.getByRole('button', { name: 'Try it out' }).click();
  await fill(block);
  await block.getByRole('button', { name: 'Execute' }).click();
  const answer = block.locator('.live-responses-table .response');
  return {
    status: (await answer.locator('.response-col_status').innerText()).split('\n')[0],
    body: JSON.parse(await answer.locator('.highlight-code code').first().innerText()),
  };
}

const browser = await launch();
try {
  const page = await open(browser, `${api}/docs`);
  const expected = await operations();
  await page.locator('.opblock').nth(expected.length - 1).waitFor();
  const shown = await page.locator('.opblock').evaluateAll((blocks) =>
    blocks.map((block) => {
      const text = (name) => block.querySelector(name).textContent;
      const path = block.querySelector('[data-path]').dataset.path;
      return `${text('.opblock-summary-method')} ${path} ${text('.opblock-summary-description')}`;
    }),
  );
  assert.deepEqual(shown.sort(), expected.sort());
  if (screenshot) await page.screenshot({ path: screenshot });

  const path = '/api/v1/stock-readings/{id}';
  const fillId = (block) => block.locator('[data-param-name="id"] input').fill(reading);
  const read = await tryOut(page, 'get', path, fillId);
  assert.deepEqual([read.status, read.body.id], ['200', Number(reading)]);

  await page.locator('.auth-wrapper .btn.authorize').first().click();
  // The other one is the session of a browser.
  const bearer = page.locator('.modal-ux .auth-container').filter({ hasText: 'Bearer' });
  await bearer.locator('input').fill(token);
  await bearer.locator('.btn.authorize').click();
  await bearer.locator('.btn-done').click();
  const write = await tryOut(page, 'patch', path, async (block) => {
    await fillId(block);
    await block.locator('textarea').fill('{"quantity": 23}');
  });
  assert.deepEqual([write.status, write.body.quantity], ['200', 23]);
  await page.locator('.models-control').click();
  await page.locator('.models.is-open').waitFor();
  if (screenshot) await page.screenshot({ path: screenshot.replace('.png', '-open.png'), fullPage: true });

  const hosts = page.requested.filter((url) => !url.startsWith('data:')).map((url) => new URL(url).origin);
  assert.deepEqual([...new Set(hosts)], [api]);
  assert.deepEqual(page.errors, []);

  // The policy is in force: the page can run no text as a script, and reaches no other host.
  const blocked = await page.evaluate(async () => {
    const found = [];
    const script = document.createElement('script');
    script.textContent = 'window.ran = true';
    document.head.append(script);
    if (!window.ran) found.push('inline script');
    const style = document.createElement('style');
    style.textContent = 'body { color: rgb(1, 2, 3) }';
    document.head.append(style);
    if (getComputedStyle(document.body).color !== 'rgb(1, 2, 3)') found.push('inline style');
    await fetch('http://127.0.0.2:1/').catch(() => found.push('other host'));
    return found;
  });
  assert.deepEqual(blocked, ['inline script', 'inline style', 'other host']);
  assert.equal(page.errors.filter((error) => error.includes('Content Security Policy')).length >= 3, true, page.errors.join('\n'));
} finally {
  await browser.close();
}
