// The overview: what expires when, what is expired and not checked, by shop and category; for admins what the service does.

import { computed, signal, useSignal } from '@preact/signals';
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useId } from 'preact/hooks';
import { loadShops, shops } from '../data/shops';
import { now } from '../lib/clock';
import { explain } from '../lib/explain';
import { agoText, dateText, numberText, timeText } from '../lib/format';
import { locale } from '../lib/i18n';
import { go, route } from '../lib/router';
import { isAdmin } from '../lib/session';
import { Icon } from '../ui/icons';
import { type Kind, Shape } from '../ui/mark';
import { Bars } from './bars';
import { type Counts, DUE_DAYS, follow, followStats, live, type Minute, minutes, overview, problem } from './data';
import { DaySheet } from './day_sheet';
import { Line } from './line';
import { t } from './words';

const openDay = signal<string | null>(null);

const days = computed(() => overview.value?.days ?? []);

export function OverviewScreen(): JSX.Element {
  const asked = Number(route.value.query.get('shop'));
  const only = shops.value.length === 1 ? shops.value[0]?.id : undefined;
  const shop = only ?? (asked > 0 ? asked : 0);
  const id = useId();
  useEffect(() => follow(shop), [shop]);
  useEffect(() => {
    void loadShops();
  }, []);
  const found = overview.value;
  return (
    <section class="overview page">
      <header class="screen-head">
        <h1>{t('overview')}</h1>
        <p class="state" role="status">
          <span aria-hidden="true">{live.value ? '●' : '◐'}</span> {live.value ? t('live') : t('not_live')}
        </p>
        <p class="printed">{t('as_of', { time: timeText(now()) })}</p>
        <div class="actions">
          {only === undefined && (
            <>
              <label class="visually-hidden" for={id}>
                {t('shop')}
              </label>
              <select
                id={id}
                value={String(shop)}
                onChange={({ currentTarget: { value } }) => go(value === '0' ? 'overview' : `overview?shop=${value}`)}
              >
                <option value="0">{t('all_shops')}</option>
                {shops.value.map(({ id: each, name }) => (
                  <option key={each} value={each}>
                    {name}
                  </option>
                ))}
              </select>
            </>
          )}
          <button type="button" class="no-print" onClick={() => print()}>
            <Icon name="print" size={18} /> {t('print')}
          </button>
        </div>
      </header>
      {problem.value && (
        <p class="problem" role="alert">
          {explain(problem.value)}
        </p>
      )}
      {!found && !problem.value && <p>{t('reading')}</p>}
      {found && (
        <>
          <Tiles counts={found} />
          <Chart title={t('by_day')} table={<DayTable />}>
            <Bars today={found.today} dueDays={DUE_DAYS} days={days.value} onOpen={(date) => (openDay.value = date)} />
            {days.value.every(({ readings }) => readings === 0) && <p class="empty">{t('nothing_expires')}</p>}
          </Chart>
          <div class="groups">
            {!shop && (
              <Groups
                title={t('by_shop')}
                first={t('shop')}
                rows={found.shops.map((row) => ({ ...row, name: nameOf(row.shop), href: `#/overview?shop=${row.shop}` }))}
              />
            )}
            <Groups
              title={t('by_category')}
              first={t('category')}
              rows={found.categories.map((row) => ({ ...row, name: row.category ?? t('no_category') }))}
            />
          </div>
        </>
      )}
      {isAdmin.value && <Stats />}
      {openDay.value && <DaySheet date={openDay.value} shop={shop} onClose={() => (openDay.value = null)} />}
    </section>
  );
}

const nameOf = (id: number): string => shops.value.find((shop) => shop.id === id)?.name ?? String(id);

function Tiles({ counts }: { counts: Counts }): JSX.Element {
  const tile = (kind: Kind, label: string, value: number): JSX.Element => (
    <div class={`tile ${kind}`}>
      <dt>
        {kind !== 'plain' && <Shape kind={kind} />} {label}
      </dt>
      <dd>{numberText(value)}</dd>
    </div>
  );
  return (
    <dl class="tiles">
      {tile('expired', t('expired'), counts.expired)}
      {tile('due', t('due', { n: DUE_DAYS }), counts.due)}
      {tile('unchecked', t('not_checked'), counts.not_checked)}
      {tile('plain', t('readings'), counts.readings)}
      {tile('plain', t('units'), counts.units)}
    </dl>
  );
}

/** A chart with a button that shows its numbers as a table. */
function Chart({ title, table, children }: { title: string; table: JSX.Element; children: ComponentChildren }): JSX.Element {
  const asTable = useSignal(false);
  return (
    <section class="block" aria-label={title}>
      <header>
        <h2>{title}</h2>
        <button type="button" class="quiet no-print" aria-pressed={asTable.value} onClick={() => (asTable.value = !asTable.value)}>
          {asTable.value ? t('show_chart') : t('show_table')}
        </button>
      </header>
      {asTable.value ? (
        <div class="table" tabIndex={0} role="region" aria-label={title}>
          {table}
        </div>
      ) : (
        children
      )}
    </section>
  );
}

function DayTable(): JSX.Element {
  return (
    <table class="numbers">
      <thead>
        <tr>
          <th scope="col">{t('day')}</th>
          <th scope="col">{t('readings')}</th>
        </tr>
      </thead>
      <tbody>
        {days.value.map(({ date, readings }) => (
          <tr key={date}>
            <th scope="row">{dateText(date)}</th>
            <td>{numberText(readings)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

type GroupRow = Counts & { name: string; href?: string };

const GROUPS_SHOWN = 10;

function Groups({ title, first, rows }: { title: string; first: string; rows: readonly GroupRow[] }): JSX.Element {
  const all = useSignal(false);
  return (
    <section class="block" aria-label={title}>
      <h2>{title}</h2>
      <table class="numbers">
        <thead>
          <tr>
            <th scope="col">{first}</th>
            <th scope="col">{t('expired_short')}</th>
            <th scope="col">{t('due_short')}</th>
            <th scope="col">{t('readings')}</th>
            <th scope="col" class="wide">
              {t('units')}
            </th>
            <th scope="col" class="wide">
              {t('checked')}
            </th>
          </tr>
        </thead>
        <tbody>
          {(all.value ? rows : rows.slice(0, GROUPS_SHOWN)).map((row) => (
            <tr key={row.name}>
              <th scope="row">{row.href ? <a href={row.href}>{row.name}</a> : row.name}</th>
              <td class={row.expired > 0 ? 'expired' : ''}>{numberText(row.expired)}</td>
              <td>{numberText(row.due)}</td>
              <td>{numberText(row.readings)}</td>
              <td class="wide">{numberText(row.units)}</td>
              <td class="wide">{row.checked_at ? agoText(row.checked_at, now()) : t('never')}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length > GROUPS_SHOWN && !all.value && (
        <button type="button" class="quiet no-print" onClick={() => (all.value = true)}>
          {t('show_all', { n: rows.length })}
        </button>
      )}
    </section>
  );
}

function Stats(): JSX.Element | null {
  useEffect(followStats, []);
  const list = minutes.value;
  if (!list || list.length === 0) return null;
  const writes = list.map((minute) => minute.writes);
  const rates = list.map(rateOf);
  const percent = (rate: number | null): string =>
    rate === null ? t('not_measured') : rate.toLocaleString(locale(), { style: 'percent', maximumFractionDigits: 1 });
  const newest = (values: readonly (number | null)[]): number | null => values.findLast((value) => value !== null) ?? null;
  const writesNow = newest(writes);
  const writesText = writesNow === null ? t('not_measured') : numberText(writesNow);
  const mostWrites = Math.max(1, ...writes.map((value) => value ?? 0));
  const times = list.map(({ minute }) => minute);
  const table = (what: string, values: readonly (number | null)[], text: (value: number | null) => string): JSX.Element => (
    <table class="numbers">
      <thead>
        <tr>
          <th scope="col">{t('minute')}</th>
          <th scope="col">{what}</th>
        </tr>
      </thead>
      <tbody>
        {times.map((time, at) => (
          <tr key={time}>
            <th scope="row">{timeText(time)}</th>
            <td>{text(values[at] ?? null)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
  return (
    <div class="groups stats">
      <Chart title={t('writes')} table={table(t('writes'), writes, (value) => (value === null ? t('not_measured') : numberText(value)))}>
        <p class="big">{writesText}</p>
        <Line label={t('now_is', { what: t('writes'), value: writesText })} times={times} values={writes} most={mostWrites} />
      </Chart>
      <Chart title={t('hit_rate')} table={table(t('hit_rate'), rates, percent)}>
        <p class="big">{percent(newest(rates))}</p>
        <Line label={t('now_is', { what: t('hit_rate'), value: percent(newest(rates)) })} times={times} values={rates} most={1} />
      </Chart>
    </div>
  );
}

/** Returns: which part of the reads was in the cache; null when nothing was read. */
function rateOf({ look_ups, hits }: Minute): number | null {
  return look_ups && hits !== null ? hits / look_ups : null;
}
