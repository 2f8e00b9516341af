// All readings of the shop, searched in the copy of this device.

import { useComputed, useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { copy } from '../data/copy';
import { live } from '../data/live';
import { numberText, timeText } from '../lib/format';
import { locale } from '../lib/i18n';
import { route } from '../lib/router';
import type { Reading } from '../lib/types';
import { pending } from '../queue/state';
import { t } from '../text/app';
import { shown } from './act';
import { useGrowing } from './row';
import { ItemRow, ItemSheet } from './todo';

const SHOWN_AT_FIRST = 1_000;

const fold = (text: string): string => text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();

export function Shelf(): JSX.Element {
  const search = useSignal('');
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (route.peek().query.has('search')) field.current?.focus();
  }, []);
  const order = useSignal<'date' | 'name'>('date');
  const more = useSignal(1);
  const found = useComputed(() => {
    const words = fold(search.value).split(/\s+/).filter((word) => word !== '');
    const matches = ({ name, GTIN }: Pick<Reading, 'name' | 'GTIN'>): boolean => {
      const text = `${fold(name)} ${GTIN}`;
      return words.every((word) => text.includes(word));
    };
    const prefix = `${copy.value.shop}/`;
    // Products that only an own entry has yet.
    const onlyHere = [...pending.value.keys()].filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length)).filter((gtin) => !copy.value.readings.has(gtin));
    const rows = [...copy.value.readings.values(), ...onlyHere.map((gtin) => ({ ...shown(gtin) }))].filter(matches);
    const byName = new Intl.Collator(locale());
    const byDate = (a: Row, b: Row): number => (a.expiry_date ?? '9').localeCompare(b.expiry_date ?? '9') || byName.compare(a.name, b.name);
    return rows.sort(order.value === 'name' ? (a, b) => byName.compare(a.name, b.name) : byDate).map(({ GTIN }) => GTIN);
  });
  const total = found.value.length;
  const limit = useGrowing(Math.min(total, SHOWN_AT_FIRST * more.value));
  return (
    <section class="page list-page">
      <header class="page-head">
        <h1>{t('shelf')}</h1>
        <p class="muted">{t('products_n', { n: total })}</p>
      </header>
      <div class="filters">
        <input ref={field} type="search" aria-label={t('search_shelf')} aria-keyshortcuts="Control+K" placeholder={t('search_shelf')} value={search.value} onInput={(event) => (search.value = event.currentTarget.value)} />
        <select aria-label={t('order')} value={order.value} onChange={(event) => (order.value = event.currentTarget.value as 'date' | 'name')}>
          <option value="date">{t('by_date')}</option>
          <option value="name">{t('by_name')}</option>
        </select>
      </div>
      {!live.value && copy.value.at !== null && <p class="note">{t('list_of', { time: timeText(copy.value.at) })}</p>}
      {!copy.value.complete && total === 0 && <p class="empty">{t('loading')}</p>}
      {copy.value.complete && total === 0 && <p class="empty">{search.value === '' ? t('shelf_empty') : t('nothing_found')}</p>}
      <ul class="rows">
        {found.value.slice(0, limit).map((gtin) => (
          <ItemRow key={gtin} state={shown(gtin)} />
        ))}
      </ul>
      {total > SHOWN_AT_FIRST * more.value && (
        <button type="button" class="show-more" onClick={() => (more.value += 1)}>
          {t('show_more', { n: total - SHOWN_AT_FIRST * more.value })} <span class="visually-hidden">{numberText(total)}</span>
        </button>
      )}
      <ItemSheet />
    </section>
  );
}

type Row = Pick<Reading, 'name' | 'GTIN' | 'expiry_date'>;
