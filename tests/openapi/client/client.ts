// A client of a storefront: node client.js API SHOP GTIN... reads the availability of a page of products, and prints it as JSON.
//
// The test makes api.ts from /openapi.json of a running service; this file has no types of its own.

import createClient from 'openapi-fetch';
import type { components, paths } from './api.js';

declare const process: { argv: string[] };

type Reading = components['schemas']['Reading'];

const [, , baseUrl = '', shop = '', ...GTIN] = process.argv;
// openapi-fetch repeats a parameter by default; this API has its values with commas between.
const api = createClient<paths>({ baseUrl, querySerializer: { array: { style: 'form', explode: false } } });

/** Reads the products in a shop. Throws: Error with the code of the problem. */
async function page(id: number, products: string[]): Promise<Reading[]> {
  const { data, error } = await api.GET('/api/v1/shops/{id}/stock', { params: { path: { id }, query: { GTIN: products } } });
  if (error !== undefined) throw new Error(error.type);
  return data;
}

/** What the compiler has to refuse; each line with an error that does not occur fails the check. Is not called. */
export async function refused(reading: Reading): Promise<void> {
  // @ts-expect-error: the address does not exist
  await api.GET('/api/v1/shops/{id}/bogus', { params: { path: { id: 1 }, query: { GTIN: [] } } });
  // @ts-expect-error: the address has no such method
  await api.DELETE('/api/v1/shops/{id}/stock', { params: { path: { id: 1 } } });
  // @ts-expect-error: GTIN is required
  await api.GET('/api/v1/shops/{id}/stock', { params: { path: { id: 1 } } });
  // @ts-expect-error: an id is a number
  await api.GET('/api/v1/shops/{id}/stock', { params: { path: { id: 'one' }, query: { GTIN: [] } } });
  // @ts-expect-error: a reading has no such field
  void reading.bogus;
  // @ts-expect-error: the quantity may be null
  void (reading.quantity + 1);
  // @ts-expect-error: there are two kinds of dates
  void (reading.date_kind === 'bogus');
}

const outcome: Promise<{ page: Reading[] } | { problem: string }> = page(Number(shop), GTIN).then(
  (found) => ({ page: found }),
  (error: Error) => ({ problem: error.message }),
);
console.log(JSON.stringify(await outcome));
