// The shop: search, categories, and the products of the page with their stock.

import { useSignalEffect } from '@preact/signals';
import type { Product, Reading } from './api';
import {
  begin,
  categories,
  category,
  changedNow,
  hasNext,
  live,
  now,
  pageNumber,
  problem,
  products,
  readAgain,
  search,
  shop,
  showNext,
  showPrevious,
  stock,
  total,
} from './page';
import { readingOf, type State, stateOf } from './stock';
import { agoText, dateText, numberText } from '../lib/format';
import { t } from './words';

const TYPING_PAUSE_MS = 250;
const FEW = 5;
const SHAPES: Record<State, string> = { in_stock: '●', sold_out: '✕', not_known: '○' };

export function Storefront() {
  useSignalEffect(() => {
    if (shop.value) document.title = shop.value.name;
  });
  return (
    <>
      <header class="top">
        <div class="name">
          <h1>{shop.value?.name ?? 'CodaSync'}</h1>
          <p class="live" data-live={live.value}>
            <span aria-hidden="true">{live.value ? '●' : '○'}</span> {live.value ? t('live') : t('not_live')}
          </p>
        </div>
        <Search />
      </header>
      <Categories />
      <main id="products">
        <p class="sum" role="status">
          {sum()}
        </p>
        {problem.value && (
          <p class="problem" role="alert">
            {t(problem.value)}
          </p>
        )}
        <Products />
        <Pages />
      </main>
    </>
  );
}

/** Returns: what the list is, in words; it is spoken when it changes. */
function sum(): string {
  if (!products.value) return problem.value ? '' : t('loading');
  const name = category.value || t('all');
  return total.value === null ? name : `${name} · ${t('products', { n: total.value })}`;
}

let typing: ReturnType<typeof setTimeout>;

function Search() {
  const typed = (value: string) => {
    search.value = value.trim();
    clearTimeout(typing);
    typing = setTimeout(begin, TYPING_PAUSE_MS);
  };
  return (
    <search class="search">
      <input
        type="search"
        aria-label={t('search')}
        placeholder={t('search')}
        maxLength={255}
        defaultValue={search.value}
        onInput={(event) => typed(event.currentTarget.value)}
      />
    </search>
  );
}

function Categories() {
  const choose = (name: string) => {
    category.value = name;
    begin();
  };
  const choice = (name: string, label: string, count?: number) => (
    <li key={name}>
      <button type="button" aria-pressed={category.value === name} onClick={() => choose(name)}>
        <span>{label}</span>
        {count !== undefined && <small>{numberText(count)}</small>}
      </button>
    </li>
  );
  return (
    <nav class="categories" aria-label={t('categories')}>
      <ul>
        {choice('', t('all'))}
        {categories.value.map(({ name, products: count }) => choice(name, name, count))}
      </ul>
    </nav>
  );
}

function Products() {
  const list = products.value;
  if (!list) return null;
  if (list.length === 0) return <Nothing />;
  return (
    <ul class="cards">
      {list.map((product) => (
        <Card key={product.GTIN} product={product} />
      ))}
    </ul>
  );
}

function Nothing() {
  const showAll = () => {
    search.value = '';
    category.value = '';
    const field = document.querySelector<HTMLInputElement>('input[type=search]');
    if (field) field.value = '';
    begin();
  };
  return (
    <div class="nothing">
      <p>{search.value ? t('nothing', { what: search.value }) : t('nothing_here')}</p>
      {(search.value || category.value) && (
        <button type="button" class="plain" onClick={showAll}>
          {t('show_all')}
        </button>
      )}
    </div>
  );
}

function Card({ product }: { product: Product }) {
  const reading = readingOf(stock.value, product.GTIN);
  const state = stateOf(reading);
  const changed = changedNow.value.has(product.GTIN);
  return (
    <li class="card" data-state={state} data-gtin={product.GTIN}>
      <span class={`tile hue-${hueOf(product.category ?? '')}`} aria-hidden="true">
        {[...product.name][0]}
      </span>
      <div class="what">
        <h2>{product.name}</h2>
        <p class="brand">{product.brand ?? product.category ?? product.GTIN}</p>
      </div>
      <p class="state">
        <span aria-hidden="true">{SHAPES[state]}</span> {stateText(state, reading)}
      </p>
      <p class="date">{dateLine(reading)}</p>
      <p class="fresh" data-changed={changed}>{changed ? t('changed') : freshText(reading)}</p>
    </li>
  );
}

function stateText(state: State, reading: Reading | null): string {
  const left = reading?.quantity;
  if (state === 'in_stock' && left != null && left <= FEW) return t('few', { n: left });
  return t(state);
}

function dateLine(reading: Reading | null): string {
  if (!reading?.available || !reading.expiry_date) return '';
  const day = dateText(reading.expiry_date);
  return t(reading.date_kind === 'use_by' ? 'use_by' : 'best_before', { date: day });
}

function freshText(reading: Reading | null): string {
  if (!reading) return t('never_seen');
  return reading.checked_at ? t('checked', { when: agoText(reading.checked_at, now.value) }) : t('never_checked');
}

const HUES = 8;

/** Returns: the number of a colour, the same for all products of a category. */
function hueOf(name: string): number {
  let sum = 0;
  for (const character of name) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) % 9973;
  return sum % HUES;
}

function Pages() {
  if (!products.value?.length) return null;
  return (
    <nav class="pages" aria-label={t('page', { n: pageNumber.value })}>
      <button type="button" disabled={pageNumber.value === 1} onClick={showPrevious}>
        {t('previous')}
      </button>
      <span>{t('page', { n: pageNumber.value })}</span>
      <button type="button" disabled={!hasNext.value} onClick={showNext}>
        {t('next')}
      </button>
      <button type="button" class="plain" onClick={readAgain}>
        {t('again')}
      </button>
    </nav>
  );
}
