// What a tap or a scan does: it records, says what happened, and gives the signal.

import { copy } from '../data/copy';
import { shop, today } from '../data/shops';
import { dateText } from '../lib/format';
import { explain } from '../lib/explain';
import { lastAct, record, undo, type Subject, type What } from '../queue/record';
import { effectOf } from '../queue/overlay';
import { pending } from '../queue/state';
import { t } from '../text/app';
import { announce } from '../ui/announce';
import { signalGood, signalLook } from './feedback';
import type { Reading } from '../lib/types';

/** A reading with the effect of own entries that wait. */
export interface Shown {
  GTIN: string;
  name: string;
  expiry_date: string | null;
  quantity: number | null;
  checked_at: string | null;
  reading: Reading | null; // what the service confirmed
  waits: boolean; // an own entry has an effect that is not confirmed
  removed: boolean;
}

/** Returns: the state of a product in the chosen shop as the person has to see it. */
export function shown(gtin: string, name = ''): Shown {
  const reading = copy.value.readings.get(gtin) ?? null;
  const entries = pending.value.get(`${copy.value.shop}/${gtin}`) ?? [];
  return effectOf(gtin, name, reading, entries);
}

/** Records, and shows what came of it. Returns: whether it is on this device, or saved. */
export async function act(subject: Subject, what: What): Promise<boolean> {
  const of = shop.peek();
  if (of === null) return false;
  const before = shown(subject.GTIN, subject.name);
  const date = subject.date ?? what.expiry_date ?? null;
  const result = await record(of.id, subject, what);
  switch (result.how) {
    case 'failed':
      signalLook();
      announce({ text: t(result.reason === 'full' ? 'phone_full' : 'not_stored'), tone: 'bad' });
      return false;
    case 'refused':
      signalLook();
      announce({ text: `${t('not_saved')} ${explain(result.problem)}`, tone: 'bad' });
      return false;
    case 'saved':
      signalGood();
      announce({ text: t('saved'), tone: 'good' });
      return true;
    case 'stored': {
      const passed = date !== null && date < today.peek();
      if (passed) signalLook();
      else signalGood();
      announce({ text: `${before.name}: ${outcomeText(what, date, before)}`, tone: passed ? 'bad' : 'good', action: { label: t('undo'), run: () => void undoLast() } });
      return true;
    }
  }
}

function outcomeText(what: What, date: string | null, before: Shown): string {
  const day = (date: string): string => dateText(date, today.peek());
  const known = before.expiry_date;
  switch (what.kind) {
    case 'sighting': {
      if (!date) return t('recorded');
      if (date < today.peek()) return t('recorded_expired', { date: day(date) });
      if (known === null) return t('recorded_date', { date: day(date) });
      if (date < known) return t('now_shortest', { date: day(date), before: day(known) });
      return date === known ? t('confirmed_date', { date: day(date) }) : t('kept_date', { date: day(date), known: day(known) });
    }
    case 'check':
      return date ? t('checked_date', { date: day(date) }) : t('checked_empty');
    case 'count':
      return t('counted', { n: what.quantity ?? 0 });
    case 'adjust':
      return t('adjusted', { delta: `${(what.delta ?? 0) > 0 ? '+' : '−'}${Math.abs(what.delta ?? 0)}` });
    default:
      return t('recorded');
  }
}

/** Takes the last entry back. */
export async function undoLast(): Promise<void> {
  const last = lastAct.peek();
  if (last === null) return;
  const how = await undo(last.id);
  const text = { removed: 'undone_removed', discarded: 'undone_discarded', voided: 'undone_voided', nothing: 'nothing_to_undo', failed: 'not_stored' } as const;
  announce({ text: t(text[how], { name: last.name }), tone: how === 'failed' ? 'bad' : 'neutral' });
}
