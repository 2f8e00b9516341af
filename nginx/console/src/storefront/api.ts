// Reads the public API as a storefront should: one request for all products of a page, entity tags, and the stream.
//
// No token and no cookie. The README's section for storefronts shows read() and stockOfPage().

import { watchedFetch as fetch, watchedSource as EventSource } from './asked';

/** A shop, as GET /api/v1/shops/{id} returns it. */
export interface Shop {
  id: number;
  name: string;
  time_zone: string;
}

/** A product, as GET /api/v1/products returns it. */
export interface Product {
  GTIN: string;
  name: string;
  brand: string | null;
  category: string | null;
}

/** A category, as GET /api/v1/categories returns it. */
export interface Category {
  name: string;
  products: number;
}

/** The stock of one product in one shop. */
export interface Reading {
  GTIN: string;
  version: number;
  expiry_date: string | null;
  date_kind: 'use_by' | 'best_before' | 'sell_by' | null;
  quantity: number | null;
  available: boolean;
  expired: boolean;
  checked_at: string | null;
  removed?: false;
}

/** A reading that was removed. */
export interface Removed {
  GTIN: string;
  version: number;
  removed: true;
}

/** An answer: its rows, the address of the next page (null on the last one), and the rows of all pages where they were counted. */
export interface Answer<Body> {
  body: Body;
  next: string | null;
  total: number | null;
}

/** The service refused a request, or did not answer (status 0). */
export class Refused extends Error {
  constructor(readonly status: number) {
    super(`status ${status}`);
  }
}

const kept = new Map<string, { tag: string; answer: Answer<unknown> }>();
const KEPT_MAX = 100; // answers of at most 24 products: some 500 KB

/**
 * Reads an address. The second time it sends the entity tag of the first answer: 304 means that this is still the same.
 * Throws: Refused.
 */
export async function read<Body>(address: string): Promise<Answer<Body>> {
  const known = kept.get(address);
  const response = await fetch(address, known && { headers: { 'If-None-Match': known.tag } });
  if (response.status === 304 && known) return known.answer as Answer<Body>;
  if (!response.ok) throw new Refused(response.status);
  const answer = { body: (await response.json()) as Body, next: nextPage(response), total: totalCount(response) };
  const tag = response.headers.get('ETag');
  if (tag) keep(address, { tag, answer });
  return answer;
}

/** The stock of all products of a page, in one request. */
export async function stockOfPage(shop: number, products: readonly Product[]): Promise<Reading[]> {
  if (products.length === 0) return [];
  const list = products.map((product) => product.GTIN).join(',');
  return (await read<Reading[]>(`/api/v1/shops/${shop}/stock?GTIN=${list}`)).body;
}

/** What a page does with the stream of its products. */
export interface Follower {
  changed: (reading: Reading | Removed) => void;
  /** The changes since the last position are not available: the page is read again. */
  readAgain: () => void;
  /** Whether changes arrive. */
  live: (open: boolean) => void;
}

/** Follows the changes of the products of a page. Returns: a function that ends it. */
export function follow(shop: number, products: readonly Product[], follower: Follower): () => void {
  const list = products.map((product) => product.GTIN).join(',');
  let position = '';
  let source: EventSource;
  let again: ReturnType<typeof setTimeout>;
  const connect = () => {
    source = new EventSource(`/api/v1/shops/${shop}/stream?GTIN=${list}&since=${position}`);
    const moved = (event: MessageEvent) => {
      position = event.lastEventId;
    };
    source.addEventListener('position', (event) => {
      moved(event);
      follower.live(true);
    });
    source.addEventListener('reading', (event) => {
      moved(event);
      follower.changed(JSON.parse(event.data));
    });
    source.addEventListener('resync', (event) => {
      moved(event);
      follower.readAgain();
    });
    source.onerror = () => {
      follower.live(false);
      if (source.readyState === EventSource.CLOSED) again = setTimeout(connect, 3000); // a response with an error
    };
  };
  connect();
  return () => {
    clearTimeout(again);
    source.close();
  };
}

function keep(address: string, entry: { tag: string; answer: Answer<unknown> }): void {
  kept.delete(address);
  kept.set(address, entry);
  if (kept.size > KEPT_MAX) kept.delete(kept.keys().next().value as string);
}

function nextPage(response: Response): string | null {
  return /<([^>]+)>; rel="next"/.exec(response.headers.get('Link') ?? '')?.[1] ?? null;
}

function totalCount(response: Response): number | null {
  const count = response.headers.get('Total-Count');
  return count === null ? null : Number(count);
}
