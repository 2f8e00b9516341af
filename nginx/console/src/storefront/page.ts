// The state of the page: the shop, what was searched, one page of products, and their stock.

import { batch, computed, signal } from '@preact/signals';
import { type Category, follow, type Product, Refused, read, type Shop, stockOfPage } from './api';
import { todayIn } from '../lib/format';
import { merged, type Stock } from './stock';

const PRODUCTS_OF_A_PAGE = 24;
const RETRY_MS = 5000;

/** The number in the address, /shop/{id}. */
export const shopId = Number(/^\/shop\/([1-9]\d{0,15})/.exec(location.pathname)?.[1] ?? 0);

const chosen = new URLSearchParams(location.search);
export const search = signal(chosen.get('search') ?? '');
export const category = signal(chosen.get('category') ?? '');

export const shop = signal<Shop | null>(null);
export const categories = signal<readonly Category[]>([]);
export const products = signal<readonly Product[] | null>(null);
export const total = signal<number | null>(null);
export const stock = signal<Stock>(new Map());
export const changedNow = signal<ReadonlySet<string>>(new Set());
export const live = signal(false);
export const problem = signal<'' | 'no_shop' | 'not_public' | 'unreachable'>('');
/** The addresses of the pages before, and the one after. */
const before = signal<readonly string[]>([]);
const next = signal<string | null>(null);
export const pageNumber = computed(() => before.value.length + 1);
export const hasNext = computed(() => next.value !== null);

/** The time, in steps of a minute, for "2 hours ago". */
export const now = signal(Date.now());

let address = firstAddress();
let endStream = () => {};
let generation = 0;
let retry: ReturnType<typeof setTimeout>;

/** Returns: the address of the first page. Its parameters are sorted, as in cached addresses. */
function firstAddress(): string {
  const query = new URLSearchParams();
  if (category.value) query.set('category', category.value);
  query.set('count', 'true');
  query.set('limit', String(PRODUCTS_OF_A_PAGE));
  query.set('ordering', 'name');
  if (search.value) query.set('search', search.value);
  return `/api/v1/products?${query.toString().replaceAll('+', '%20')}`;
}

/** Shows the first page of what is searched. */
export function begin(): void {
  const query = new URLSearchParams();
  if (search.value) query.set('search', search.value);
  if (category.value) query.set('category', category.value);
  history.replaceState(null, '', query.size ? `?${query}` : location.pathname);
  before.value = [];
  show(firstAddress());
}

export function showNext(): void {
  if (next.value === null) return;
  before.value = [...before.value, address];
  show(next.value);
}

export function showPrevious(): void {
  const previous = before.value.at(-1);
  if (previous === undefined) return;
  before.value = before.value.slice(0, -1);
  show(previous);
}

/** Reads the page again; what did not change is 304. */
export function readAgain(): void {
  show(address);
}

async function show(wanted: string): Promise<void> {
  address = wanted;
  clearTimeout(retry);
  generation += 1;
  const mine = generation;
  try {
    const [about, groups, page] = await Promise.all([
      read<Shop>(`/api/v1/shops/${shopId}`),
      read<Category[]>('/api/v1/categories'),
      read<Product[]>(wanted),
    ]);
    if (mine !== generation) return; // the person searched for something else meanwhile
    const samePage = sameProducts(products.value, page.body);
    if (!samePage) followPage(page.body);
    const readings = await stockOfPage(shopId, page.body);
    if (mine !== generation) return;
    batch(() => {
      shop.value = about.body;
      categories.value = groups.body;
      products.value = page.body;
      next.value = page.next;
      if (page.total !== null || pageNumber.value === 1) total.value = page.total;
      stock.value = merged(samePage ? stock.value : keptStock(page.body), readings);
      problem.value = '';
    });
  } catch (error) {
    if (mine !== generation) return;
    failed(error instanceof Refused ? error.status : 0);
  }
}

function failed(status: number): void {
  if (status === 404) problem.value = 'no_shop';
  else if (status === 401 || status === 403) problem.value = 'not_public';
  else {
    problem.value = 'unreachable';
    retry = setTimeout(readAgain, RETRY_MS);
  }
}

function sameProducts(one: readonly Product[] | null, other: readonly Product[]): boolean {
  return one !== null && one.length === other.length && one.every((product, at) => product.GTIN === other[at]?.GTIN);
}

/** Returns: what the stream brought for the products of a new page before they were read. */
function keptStock(page: readonly Product[]): Stock {
  return new Map([...stock.value].filter(([gtin]) => page.some((product) => product.GTIN === gtin)));
}

/** The stream is opened before the page is read, so that no change between the two is missed. */
function followPage(page: readonly Product[]): void {
  endStream();
  live.value = false;
  if (page.length === 0) return;
  endStream = follow(shopId, page, {
    changed: (reading) => {
      stock.value = merged(stock.value, [reading]);
      mark(reading.GTIN);
    },
    readAgain,
    live: (open) => {
      live.value = open;
    },
  });
}

const MARKED_MS = 3000;

function mark(gtin: string): void {
  changedNow.value = new Set([...changedNow.value, gtin]);
  setTimeout(() => {
    changedNow.value = new Set([...changedNow.value].filter((one) => one !== gtin));
  }, MARKED_MS);
}

/** Starts the page. */
export function start(): void {
  if (!shopId) {
    problem.value = 'no_shop';
    return;
  }
  begin();
  let today = '';
  setInterval(() => {
    now.value = Date.now();
    // Dates expire at the shop's midnight, without an event in the stream.
    const day = shop.value ? todayIn(shop.value.time_zone, now.value) : '';
    if (today && day !== today) readAgain();
    today = day;
  }, 60_000);
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') {
      now.value = Date.now();
      readAgain();
    }
  });
}
