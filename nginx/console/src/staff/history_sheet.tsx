// The history of a reading: who, when, what, and what came of it. An event can be taken back.

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { shop, today } from '../data/shops';
import { get } from '../lib/api';
import { explain } from '../lib/explain';
import { dateText, timeText } from '../lib/format';
import { identity } from '../lib/session';
import type { StockEvent } from '../lib/types';
import { pending } from '../queue/state';
import { undo } from '../queue/record';
import { t } from '../text/app';
import { Mark } from '../ui/mark';
import { confirm, Sheet } from '../ui/sheet';
import { act, type Shown } from './act';

const EVENTS_MAX = 100;

type What = Pick<StockEvent, 'kind' | 'expiry_date' | 'quantity' | 'delta'>;

/** What an event says, in words. */
export function whatText({ kind, expiry_date, quantity, delta }: What): string {
  const date = expiry_date ? dateText(expiry_date, today.value) : null;
  switch (kind) {
    case 'sighting':
      return date ? t('did_sighting', { date }) : t('did_see');
    case 'check':
      return date ? t('did_check', { date }) : t('did_empty');
    case 'count':
      return t('did_count', { n: quantity ?? 0 });
    case 'adjust':
      return t('did_adjust', { delta: `${(delta ?? 0) > 0 ? '+' : '−'}${Math.abs(delta ?? 0)}` });
    case 'remove':
      return t('did_remove');
    case 'void':
      return t('did_void');
  }
}

export function HistorySheet({ shown, onClose }: { shown: Shown; onClose: () => void }): JSX.Element {
  const events = useSignal<StockEvent[] | null>(null);
  const problem = useSignal('');
  const id = shown.reading?.id;
  const version = shown.reading?.version;
  useEffect(() => {
    if (id === undefined) return;
    void get<StockEvent[]>(`/stock-readings/${id}/history?limit=${EVENTS_MAX}`).then((answer) => {
      if (answer.ok) events.value = answer.body;
      else problem.value = explain(answer.problem);
    });
  }, [id, version]);
  const own = (pending.value.get(`${shop.value?.id}/${shown.GTIN}`) ?? []).slice().reverse();
  const found = events.value ?? [];
  const actorOf = new Map(found.map((event) => [event.id, event.actor]));
  const takeBack = async (event: StockEvent): Promise<void> => {
    if (!(await confirm(t('take_back'), t('take_back_text', { what: whatText(event) }), t('take_back'), false))) return;
    await act({ GTIN: shown.GTIN, name: shown.name }, { kind: 'void', GTIN: shown.GTIN, voids: event.id });
  };
  return (
    <Sheet title={t('history_of', { name: shown.name })} onClose={onClose} side>
      {problem.value && <p class="note">{`${problem.value} ${t('local_only')}`}</p>}
      {!problem.value && id !== undefined && events.value === null && <p class="empty">{t('loading')}</p>}
      {id === undefined && own.length === 0 && <p class="empty">{t('no_history')}</p>}
      <ol class="history">
        {own.map((entry) => (
          <li key={entry.id}>
            <p>
              <strong>{whatText({ kind: entry.op.kind, expiry_date: entry.date, quantity: entry.op.quantity ?? null, delta: entry.op.delta ?? null })}</strong>
              <Mark kind="waiting">{t('on_this_phone')}</Mark>
            </p>
            <p class="muted">
              {identity.value?.name} · {timeText(entry.taken_at)}
            </p>
            <button type="button" class="quiet" onClick={() => void undo(entry.id)}>
              {t('take_back')}
            </button>
          </li>
        ))}
        {found.map((event) => (
          <li key={event.id} class={event.voided_by ? 'voided' : ''}>
            <p>
              {event.voided_by ? <s>{whatText(event)}</s> : <strong>{whatText(event)}</strong>}
              {event.outcome === 'kept' && !event.voided_by && <span class="tag">{t('no_change')}</span>}
            </p>
            <p class="muted">
              {event.actor} · {timeText(event.observed_at, shop.value?.time_zone)}
              {event.reason ? ` · ${event.reason}` : ''}
            </p>
            {event.voided_by && <p class="muted">{t('taken_back_by', { name: actorOf.get(event.voided_by) ?? '' })}</p>}
            {event.voidable && (
              <button type="button" class="quiet" onClick={() => void takeBack(event)}>
                {t('take_back')}
              </button>
            )}
          </li>
        ))}
      </ol>
    </Sheet>
  );
}
