// What web pages of other origins can do with the API: node cors.mjs API LISTED-PAGE OTHER-PAGE TOKEN READING

import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { launch, open } from './browser.mjs';

const [api, listedPage, otherPage, token, reading] = process.argv.slice(2);

/** Runs fetch() in the page. Returns: what the page can read of the response; the error's name when it cannot. */
function fetchIn(page, path, options = {}) {
  return page.evaluate(
    async ([address, init]) => {
      try {
        const response = await fetch(address, init);
        return { status: response.status, headers: Object.fromEntries(response.headers), body: await response.text() };
      } catch (error) {
        return { error: error.name };
      }
    },
    [api + path, options],
  );
}

const authorization = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' };
const browser = await launch();
try {
  const page = await open(browser, listedPage);

  const miss = await fetchIn(page, reading);
  const hit = await fetchIn(page, reading);
  assert.equal(miss.status, 200);
  assert.equal(hit.body, miss.body);
  for (const header of ['etag', 'x-request-id']) assert.ok(hit.headers[header], header);

  const same = await fetchIn(page, reading, { headers: { 'If-None-Match': hit.headers.etag } });
  assert.equal(same.status, 304);
  assert.equal(same.headers.etag, hit.headers.etag);

  const list = await fetchIn(page, '/api/v1/products?limit=1');
  assert.match(list.headers.link, /rel="next"/);

  const count = {
    method: 'PATCH',
    headers: { ...authorization, 'If-Match': hit.headers.etag, 'Idempotency-Key': crypto.randomUUID() },
    body: '{"quantity": 7}',
  };
  const written = await fetchIn(page, reading, count);
  assert.equal(written.status, 200);
  assert.equal(JSON.parse((await fetchIn(page, reading)).body).quantity, 7);
  const again = await fetchIn(page, reading, count);
  assert.equal(again.headers['idempotency-replayed'], 'true');

  for (const [status, path, options] of [
    [400, '/api/v1/shops?bogus=1'],
    [400, reading, { method: 'PATCH', headers: authorization, body: '{' }],
    [401, '/api/v1/tokens'],
    [403, '/api/v1/tokens', { headers: authorization }],
    [404, '/api/v1/nothing'],
    [404, '/api/v1/shops/999999', { headers: authorization }],
    [405, '/api/v1/shops', { method: 'PUT', headers: authorization, body: '{}' }],
    [412, reading, { method: 'PATCH', headers: { ...authorization, 'If-Match': '"1-9"' }, body: '{"quantity": 8}' }],
    [413, '/api/v1/stock-readings', { method: 'POST', headers: authorization, body: 'x'.repeat(1_000_001) }],
  ]) {
    const refused = await fetchIn(page, path, options);
    assert.equal(refused.status, status, JSON.stringify([path, refused]));
    assert.equal(JSON.parse(refused.body).status, status);
    if (status === 405) assert.match(refused.headers.allow, /POST/);
  }

  const other = await open(browser, otherPage);
  assert.deepEqual(await fetchIn(other, reading), { error: 'TypeError' });
  const blocked = { method: 'PATCH', headers: authorization, body: '{"quantity": 9}' };
  assert.deepEqual(await fetchIn(other, reading, blocked), { error: 'TypeError' });
  assert.equal(JSON.parse((await fetchIn(page, reading)).body).quantity, 7, 'the page wrote without permission');
} finally {
  await browser.close();
}
