// The card of an item: what is known, and everything that can be recorded with one or two taps.

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { today } from '../data/shops';
import { now } from '../lib/clock';
import { agoText, dateText, daysBetween, daysText, numberText } from '../lib/format';
import { t } from '../text/app';
import { announce } from '../ui/announce';
import { Icon } from '../ui/icons';
import { Mark, type Kind } from '../ui/mark';
import { act, shown } from './act';
import { CheckSheet } from './check_sheet';
import { CountSheet } from './count_sheet';
import { DatePad } from './date_pad';
import { signalLook } from './feedback';
import { HistorySheet } from './history_sheet';
import { item, nameItem, recordDate, setRecorded, type Item } from './item';

/** Days in which a date counts as near, for its colour only; the work list has the shop's own rules. */
const NEAR_DAYS = 3;

export function kindOf(date: string | null, checked: string | null): Kind {
  if (date === null) return checked ? 'plain' : 'unchecked';
  const days = daysBetween(today.value, date);
  return days < 0 ? 'expired' : days <= NEAR_DAYS ? 'due' : 'fine';
}

/** The shortest date in words, with its mark. */
export function DateMark({ date, checked }: { date: string | null; checked: string | null }): JSX.Element {
  const kind = kindOf(date, checked);
  if (date === null) return <Mark kind={kind}>{checked ? t('no_date') : t('never_checked')}</Mark>;
  return (
    <Mark kind={kind}>
      {kind === 'expired' ? `${t('expired')} ` : ''}
      {dateText(date, today.value)} · {daysText(daysBetween(today.value, date))}
    </Mark>
  );
}

// A second tap on the same button within this time is the same intent.
const SAME_INTENT_MS = 600;

export function Card({ of, onRecorded }: { of: Item; onRecorded?: () => void }): JSX.Element {
  const sheet = useSignal<'check' | 'count' | 'history' | null>(null);
  const state = shown(of.gtin, of.name);
  const lastTap = useRef({ what: '', at: 0 });
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    heading.current?.scrollIntoView({ block: 'nearest' });
  }, [of.gtin]);
  if (of.looking) return <p class="card empty">{t('looking_up')}</p>;
  if (of.name === '' && state.name === '') return <NewProduct of={of} />;
  const name = state.name || of.name;
  const subject = { GTIN: of.gtin, name };

  const once = (what: string, run: () => void): void => {
    const at = performance.now();
    if (lastTap.current.what === what && at - lastTap.current.at < SAME_INTENT_MS) return;
    lastTap.current = { what, at };
    run();
  };
  const close = (): void => {
    sheet.value = null;
    lastTap.current.what = ''; // what was done in the sheet is between two taps on its button
  };
  // Two quick taps on −1 are two packs, so these are not held back.
  const adjust = (delta: number): void => {
    lastTap.current.what = 'adjust';
    if (delta < 0 && state.quantity !== null && state.quantity + delta < 0) {
      signalLook();
      announce({ text: t('problem_below_zero', { n: state.quantity }), tone: 'bad' });
      return;
    }
    void act(subject, { kind: 'adjust', GTIN: of.gtin, delta });
  };
  const pick = async (date: string): Promise<void> => {
    if (await recordDate({ ...of, name }, date)) onRecorded?.();
  };
  return (
    <article class="card" aria-label={name}>
      <header class="card-head">
        <h2 ref={heading}>{name}</h2>
        <p class="muted gtin">{of.gtin}</p>
      </header>
      <div class="card-state">
        <DateMark date={state.expiry_date} checked={state.checked_at} />
        <span class="quantity">{state.quantity === null ? t('not_counted') : `× ${numberText(state.quantity)}`}</span>
        {state.waits && <Mark kind="waiting">{t('on_this_phone')}</Mark>}
      </div>
      {state.checked_at && <p class="muted card-checked">{t('checked_ago', { ago: agoText(state.checked_at, now()) })}</p>}
      {of.recorded ? (
        <div class="card-recorded">
          <Mark kind={of.recorded < today.value ? 'expired' : 'fine'}>
            {of.recorded < today.value ? t('take_off') : t('recorded_date', { date: dateText(of.recorded, today.value) })}
          </Mark>
          <button type="button" class="quiet" onClick={() => setRecorded(of.gtin, null)}>
            {t('other_date')}
          </button>
        </div>
      ) : (
        <DatePad key={of.gtin} onPick={(date) => void pick(date)} />
      )}
      <div class="card-actions">
        <button type="button" onClick={() => (sheet.value = 'check')}>
          <Icon name="check" size={20} />
          {t('check')}
        </button>
        <button type="button" onClick={() => adjust(-1)} disabled={state.quantity === null}>
          −1<span class="visually-hidden"> {t('one_less')}</span>
        </button>
        <button type="button" onClick={() => adjust(1)} disabled={state.quantity === null}>
          +1<span class="visually-hidden"> {t('one_more')}</span>
        </button>
        <button type="button" onClick={() => once('count', () => (sheet.value = 'count'))}>
          {t('count')}
        </button>
        <button type="button" class="square" aria-label={t('history')} onClick={() => (sheet.value = 'history')}>
          <Icon name="history" size={22} />
        </button>
      </div>
      {sheet.value === 'check' && (
        <CheckSheet
          subject={subject}
          known={state.expiry_date}
          onClose={(done) => {
            close();
            if (done) onRecorded?.();
          }}
        />
      )}
      {sheet.value === 'count' && <CountSheet subject={subject} known={state.quantity} onClose={close} />}
      {sheet.value === 'history' && <HistorySheet shown={state} onClose={close} />}
    </article>
  );
}

function NewProduct({ of }: { of: Item }): JSX.Element {
  const name = useSignal('');
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  return (
    <form
      class="card"
      onSubmit={(event) => {
        event.preventDefault();
        if (name.value.trim() !== '' && item.value?.gtin === of.gtin) void nameItem(name.value.trim());
      }}
    >
      <h2>{t('unknown_product')}</h2>
      <p class="muted gtin">{of.gtin}</p>
      <p>{of.read?.restricted ? t('in_store_code') : of.isNew === null ? t('name_offline') : t('name_new')}</p>
      <label for="new-name">{t('product_name')}</label>
      <input id="new-name" ref={field} maxLength={255} value={name.value} onInput={(event) => (name.value = event.currentTarget.value)} />
      <button type="submit" class="primary" disabled={name.value.trim() === ''}>
        {t('next')}
      </button>
    </form>
  );
}
