// The queue: what is only on this device, what was refused and needs the person, and what was confirmed.

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { shops, today } from '../data/shops';
import { reachable, signInNeeded, workOffline } from '../lib/api';
import { clockOffset, now } from '../lib/clock';
import { explain } from '../lib/explain';
import { agoText, durationText, timeText } from '../lib/format';
import type { Done, Entry } from '../queue/entry';
import { identity } from '../lib/session';
import { correct, discard, takeOver, undo } from '../queue/record';
import { nextTry, sendNow, sending } from '../queue/sender';
import { done, queued, refused, storage, waitingByOthers } from '../queue/state';
import { ENTRIES_MAX } from '../queue/store';
import { t } from '../text/app';
import { announce } from '../ui/announce';
import { Icon } from '../ui/icons';
import { Mark } from '../ui/mark';
import { confirm, Sheet } from '../ui/sheet';
import { whatText } from './history_sheet';
import { useGrowing } from './row';

const OLD_MS = 24 * 3_600_000;
const VERY_OLD_MS = 5 * OLD_MS;
const MANY = 5_000;
const SHOWN_AT_FIRST = 500;
const CONFIRMED_SHOWN = 200;
const CLOCK_WRONG_MS = 2 * 60_000;

function what(entry: Entry): string {
  return whatText({ kind: entry.op.kind, expiry_date: entry.date, quantity: entry.op.quantity ?? null, delta: entry.op.delta ?? null });
}

const shopName = (id: number): string => shops.value.find((each) => each.id === id)?.name ?? String(id);

export function Waiting(): JSX.Element {
  const waiting = queued.value;
  const oldest = waiting[0]?.taken_at;
  const age = oldest === undefined ? 0 : Date.now() - oldest;
  const more = useSignal(1);
  const most = SHOWN_AT_FIRST * more.value;
  const limit = useGrowing(Math.min(waiting.length, most));
  const clock = clockOffset.value ?? 0;
  return (
    <section class="page narrow">
      <header class="page-head">
        <h1>{t('waiting')}</h1>
        {waiting.length > 0 && (
          <button type="button" class="primary" onClick={() => void sendNow(true)} disabled={sending.value > 0}>
            <Icon name="send" size={20} />
            {t('send_now')}
          </button>
        )}
      </header>
      {storage.value === 'none' && <p class="note bad">{t('cannot_store')}</p>}
      <State waiting={waiting.length} />
      {Math.abs(clock) > CLOCK_WRONG_MS && <p class="note">{t(clock < 0 ? 'clock_ahead' : 'clock_behind', { time: durationText(Math.abs(clock)) })}</p>}
      {waiting.length >= MANY && <p class="note bad">{t('many_waiting', { n: waiting.length, most: ENTRIES_MAX })}</p>}
      {age > OLD_MS && <p class="note bad">{t('waited_long', { n: waiting.length, ago: agoText(oldest ?? 0, Date.now()) })}</p>}
      {(age > VERY_OLD_MS || waiting.length >= MANY || refused.value.length > 0) && <ExportButton entries={[...waiting, ...refused.value]} />}
      {waiting.length > 0 && (
        <ul class="rows entries">
          {waiting.slice(0, limit).map((entry) => (
            <li key={entry.id} class="lazy entry">
              <EntryText entry={entry} mark={<Mark kind="waiting">{t('on_this_phone')}</Mark>} time={agoText(entry.taken_at, Date.now())} />
              <button type="button" class="quiet" aria-label={t('take_back_of', { what: what(entry), name: entry.name })} onClick={() => void undo(entry.id)}>
                {t('take_back')}
              </button>
            </li>
          ))}
        </ul>
      )}
      {waiting.length > most && (
        <button type="button" class="show-more" onClick={() => (more.value += 1)}>
          {t('show_more', { n: waiting.length - most })}
        </button>
      )}
      {refused.value.length > 0 && (
        <section class="group expired">
          <h2>{t('needs_you')}</h2>
          <ul class="rows entries">
            {refused.value.map((entry) => (
              <RefusedEntry key={entry.id} entry={entry} />
            ))}
          </ul>
        </section>
      )}
      {waitingByOthers.value.length > 0 && (
        <section class="group">
          <h2>{t('of_others')}</h2>
          <ul class="rows">
            {waitingByOthers.value.map(({ owner, name, n }) => (
              <li key={owner} class="entry">
                {t('waits_for', { name, n })}
                {name === identity.value?.name && (
                  <button type="button" onClick={() => void confirm(t('take_over'), t('take_over_text', { name, n }), t('send'), false).then((yes) => (yes ? takeOver(owner) : undefined))}>
                    {t('take_over')}
                  </button>
                )}
              </li>
            ))}
          </ul>
        </section>
      )}
      <Confirmed />
    </section>
  );
}

function State({ waiting }: { waiting: number }): JSX.Element {
  if (waiting === 0) return refused.value.length === 0 ? <p class="empty big good">{t('everything_saved')}</p> : <></>;
  if (reachable.value === 'busy' && !signInNeeded.value && !workOffline.value) return <Busy />;
  let text = t('will_be_sent', { n: waiting });
  if (signInNeeded.value) text = t('sign_in_to_send', { n: waiting });
  else if (workOffline.value) text = t('offline_by_choice', { n: waiting });
  else if (reachable.value === 'portal') text = t('problem_portal');
  else if (reachable.value === 'no') text = t('no_connection_n', { n: waiting });
  return <p class="note">{text}</p>;
}

/** Counts the seconds until the next attempt. */
function Busy(): JSX.Element {
  const [, tick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => tick((n) => n + 1), 1_000);
    return () => clearInterval(timer);
  }, []);
  return <p class="note">{t('busy_next', { n: Math.max(1, Math.round(((nextTry.value ?? 0) - Date.now()) / 1000)) })}</p>;
}

function EntryText({ entry, mark, time }: { entry: Entry; mark: JSX.Element; time: string }): JSX.Element {
  return (
    <div class="row-main">
      <strong>{entry.name || entry.gtin}</strong>
      <span>{what(entry)}</span>
      <span class="row-state">
        {mark}
        <span class="muted">
          {shopName(entry.shop)} · {time}
        </span>
      </span>
    </div>
  );
}

function RefusedEntry({ entry }: { entry: Entry }): JSX.Element {
  const correcting = useSignal(false);
  const reason = entry.problem ? explain(entry.problem) : '';
  return (
    <li class="entry refused">
      <EntryText entry={entry} mark={<Mark kind="expired">{t('not_saved_short')}</Mark>} time={timeText(entry.taken_at)} />
      <p>{reason}</p>
      <div class="choices">
        <button type="button" class="primary" onClick={() => (correcting.value = true)}>
          {t('correct')}
        </button>
        <button
          type="button"
          onClick={() => void confirm(t('discard'), t('discard_text', { what: what(entry), name: entry.name }), t('discard')).then((yes) => (yes ? discard([entry]) : undefined))}
        >
          {t('discard')}
        </button>
        <button type="button" class="quiet" onClick={() => void copyText(entry)}>
          {t('copy')}
        </button>
      </div>
      {correcting.value && <CorrectSheet entry={entry} onClose={() => (correcting.value = false)} />}
    </li>
  );
}

async function copyText(entry: Entry): Promise<void> {
  try {
    await navigator.clipboard.writeText(JSON.stringify({ shop: entry.shop, ...entry.op, problem: entry.problem }, null, 2));
    announce({ text: t('copied'), tone: 'neutral' });
  } catch {
    announce({ text: t('not_copied'), tone: 'bad' });
  }
}

/** A refused entry with other values: the shop, the name of a new product, the date. */
function CorrectSheet({ entry, onClose }: { entry: Entry; onClose: () => void }): JSX.Element {
  const name = useSignal(entry.op.name ?? entry.name);
  const date = useSignal(entry.date ?? '');
  const chosen = useSignal(shops.value.some((each) => each.id === entry.shop) ? entry.shop : (shops.value[0]?.id ?? 0));
  const dated = entry.op.kind === 'sighting' || entry.op.kind === 'check';
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const result = await correct(entry, chosen.value, name.value.trim(), dated ? date.value || null : undefined);
    if (result.how === 'stored') onClose();
    else announce({ text: t('not_stored'), tone: 'bad' });
  };
  return (
    <Sheet title={t('correct')} onClose={onClose}>
      <form class="fields" onSubmit={(event) => void submit(event)}>
        <label for="correct-shop">{t('shop')}</label>
        <select id="correct-shop" value={String(chosen.value)} onChange={(event) => (chosen.value = Number(event.currentTarget.value))}>
          {shops.value.map((each) => (
            <option key={each.id} value={String(each.id)}>
              {each.name}
            </option>
          ))}
        </select>
        <label for="correct-name">{t('product_name')}</label>
        <input id="correct-name" value={name.value} maxLength={255} onInput={(event) => (name.value = event.currentTarget.value)} />
        {dated && (
          <>
            <label for="correct-date">{t('date')}</label>
            <input id="correct-date" type="date" value={date.value} min="2000-01-01" onInput={(event) => (date.value = event.currentTarget.value)} />
          </>
        )}
        <button type="submit" class="primary">
          {t('send')}
        </button>
      </form>
    </Sheet>
  );
}

function ExportButton({ entries }: { entries: Entry[] }): JSX.Element {
  const save = (): void => {
    const url = URL.createObjectURL(new Blob([JSON.stringify(entries, null, 2)], { type: 'application/json' }));
    const link = document.createElement('a');
    link.href = url;
    link.download = `codasync-waiting-${today.value}.json`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  };
  return (
    <button type="button" onClick={save}>
      <Icon name="download" size={20} />
      {t('export_file')}
    </button>
  );
}

const OUTCOMES = { applied: 'saved', kept: 'kept', duplicate: 'saved' } as const;

function Confirmed(): JSX.Element | null {
  const found: Done[] = done.value.slice(0, CONFIRMED_SHOWN);
  const limit = useGrowing(found.length);
  if (found.length === 0) return null;
  return (
    <section class="group fine">
      <h2>{t('confirmed')}</h2>
      <ul class="rows entries">
        {found.slice(0, limit).map((entry) => (
          <li key={entry.id} class="lazy entry">
            <EntryText entry={entry} mark={<Mark kind="fine">{t(OUTCOMES[entry.outcome])}</Mark>} time={agoText(entry.taken_at, now())} />
          </li>
        ))}
      </ul>
    </section>
  );
}
