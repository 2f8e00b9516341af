// The work list of the shop: what to check today, in groups. Rows that were checked move to the end.

import { computed, signal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { copy, justChanged } from '../data/copy';
import { live } from '../data/live';
import { shop, today } from '../data/shops';
import { readWorkList, writeWorkList, type StoredWorkList } from '../data/store';
import { get, nextPage } from '../lib/api';
import { explain } from '../lib/explain';
import { longDate, numberText, timeText, todayIn } from '../lib/format';
import type { Reason, WorkItem } from '../lib/types';
import { standing } from '../queue/state';
import { t } from '../text/app';
import { announce } from '../ui/announce';
import { Shape, type Kind } from '../ui/mark';
import { Sheet } from '../ui/sheet';
import { shown, type Shown } from './act';
import { Card, DateMark } from './card';
import { closeItem, isListed, item, openItem } from './item';
import { Row, useGrowing } from './row';

const GROUPS: { reason: Reason; kind: Kind; title: 'group_miscounted' | 'group_expired' | 'group_due' | 'group_never' | 'group_stale' }[] = [
  { reason: 'expired', kind: 'expired', title: 'group_expired' },
  { reason: 'due', kind: 'due', title: 'group_due' },
  { reason: 'miscounted', kind: 'unchecked', title: 'group_miscounted' },
  { reason: 'never_checked', kind: 'unchecked', title: 'group_never' },
  { reason: 'stale', kind: 'unchecked', title: 'group_stale' },
];
const ROWS_MAX = 1_000;
const REFRESH_MS = 1_500;

interface List extends StoredWorkList {
  fromStore: boolean;
}

const list = signal<List | null>(null);
/** Rows of the list that are not in it any more. */
const finished = signal<ReadonlySet<string>>(new Set());

async function load(id: number): Promise<void> {
  if (list.peek()?.shop !== id) {
    finished.value = new Set();
    const stored = await readWorkList(id);
    list.value = stored ? { ...stored, fromStore: true } : null;
  }
  const items: WorkItem[] = [];
  let next: string | undefined = `/shops/${id}/work-list?limit=500`;
  while (next !== undefined && items.length < ROWS_MAX) {
    const answer: Awaited<ReturnType<typeof get<WorkItem[]>>> = await get<WorkItem[]>(next);
    if (!answer.ok) return;
    items.push(...answer.body);
    next = nextPage(answer.headers);
  }
  if (shop.peek()?.id !== id) return;
  const before = list.peek();
  const still = new Set(items.map(({ GTIN }) => GTIN));
  if (before?.shop === id) {
    const gone = before.items.filter(({ GTIN }) => !still.has(GTIN)).map(({ GTIN }) => GTIN);
    finished.value = new Set([...finished.peek(), ...gone].filter((gtin) => !still.has(gtin)));
  }
  const stored: StoredWorkList = { shop: id, items: items.map(({ GTIN, reason }) => ({ GTIN, reason })), at: Date.now() };
  list.value = { ...stored, fromStore: false };
  void writeWorkList(stored);
}

/** The categories of the shop's readings; none without an answer of the service: the copy of this device has no categories. */
const categories = signal<readonly string[]>([]);
/** The category that is shown, and its products in the list; null: not known yet. */
const chosen = signal<{ shop: number; category: string; gtins: ReadonlySet<string> | null } | null>(null);

async function loadCategories(id: number): Promise<void> {
  if (chosen.peek()?.shop !== id) chosen.value = null;
  const answer = await get<{ categories: { category: string | null }[] }>(`/overview?shop=${id}`);
  if (shop.peek()?.id === id) categories.value = answer.ok ? answer.body.categories.flatMap(({ category }) => category ?? []) : [];
}

/** Shows one category of the list; all when the name is empty. */
async function choose(id: number, category: string): Promise<void> {
  if (category === '') {
    chosen.value = null;
    return;
  }
  const asked = { shop: id, category, gtins: null };
  chosen.value = asked;
  const answer = await get<WorkItem[]>(`/shops/${id}/work-list?limit=${ROWS_MAX}&category=${encodeURIComponent(category)}`);
  if (chosen.peek() !== asked) return; // another choice came meanwhile
  chosen.value = answer.ok ? { ...asked, gtins: new Set(answer.body.map(({ GTIN }) => GTIN)) } : null;
  if (!answer.ok) announce({ text: explain(answer.problem), tone: 'bad' });
}

/** The products of the shop that the person looked at today. */
const seenToday = computed(() => {
  const of = shop.value;
  const seen = standing.value.filter(({ op, state, shop: id }) => id === of?.id && state === 'queued' && (op.kind === 'check' || op.kind === 'sighting'));
  return new Set(seen.filter(({ op }) => todayIn(of?.time_zone ?? 'UTC', Date.parse(op.observed_at)) === today.value).map(({ gtin }) => gtin));
});

/**
 * Returns: whether nothing is left to do today for a row. The service keeps a reading that is due on the list until its date
 * changes; a person who looked at it today is done with it. One that is expired has to get another date.
 */
function isDone({ GTIN, reason }: Pick<WorkItem, 'GTIN' | 'reason'>): boolean {
  if (finished.value.has(GTIN)) return true;
  const { expiry_date, removed } = shown(GTIN);
  if (reason === 'expired') return removed || expiry_date === null || expiry_date >= today.value;
  return removed || (reason !== 'miscounted' && seenToday.value.has(GTIN));
}

/** Which dates come next, by the copy of this device; empty when none does. */
function nextText(): string {
  const dates = [...copy.value.readings.values()].flatMap(({ expiry_date }) => (expiry_date && expiry_date > today.value ? [expiry_date] : [])).sort();
  const [next] = dates;
  return next === undefined ? '' : t('next_date', { n: dates.lastIndexOf(next) + 1, date: longDate(next) });
}

export function Todo(): JSX.Element {
  const of = shop.value;
  const version = copy.value;
  useEffect(() => {
    if (!of) return;
    const timer = setTimeout(() => void load(of.id), list.peek()?.shop === of.id ? REFRESH_MS : 0);
    return () => clearTimeout(timer);
  }, [of?.id, version]);
  useEffect(() => {
    if (of) void loadCategories(of.id);
  }, [of?.id]);
  const current = list.value?.shop === of?.id ? list.value : null;
  const items = current?.items ?? [];
  const isShown = (gtin: string): boolean => chosen.value?.gtins?.has(gtin) ?? true;
  const listed = items.filter(({ GTIN }) => isShown(GTIN));
  const open = listed.filter((each) => !isDone(each));
  const gone = [...finished.value].filter((gtin) => copy.value.readings.has(gtin) && isShown(gtin));
  const finishedRows = [...new Set([...listed.filter(isDone).map(({ GTIN }) => GTIN), ...gone])];
  const total = open.length + finishedRows.length;
  return (
    <section class="page list-page">
      <header class="page-head">
        <h1>{t('todo')}</h1>
        {current && total > 0 && (
          <p class="progress-text">
            {t('done_of', { done: finishedRows.length, total })}
            <progress max={total} value={finishedRows.length} aria-label={t('done_of', { done: finishedRows.length, total })} />
          </p>
        )}
      </header>
      {of && categories.value.length > 1 && (
        <div class="filters">
          <select aria-label={t('category')} value={chosen.value?.category ?? ''} onChange={(event) => void choose(of.id, event.currentTarget.value)}>
            <option value="">{t('all_categories')}</option>
            {categories.value.map((category) => (
              <option key={category} value={category}>
                {category}
              </option>
            ))}
          </select>
        </div>
      )}
      {current && !live.value && <p class="note">{t('list_of', { time: timeText(current.at) })}</p>}
      {!current && <p class="empty">{t('loading')}</p>}
      {current && open.length === 0 && <p class="empty big">{[t('nothing_to_check'), nextText()].join(' ')}</p>}
      {GROUPS.map(({ reason, kind, title }) => {
        const rows = open.filter((each) => each.reason === reason);
        return rows.length > 0 && <Group key={reason} title={t(title)} kind={kind} gtins={rows.map(({ GTIN }) => GTIN)} />;
      })}
      {finishedRows.length > 0 && <Group title={t('done')} kind="fine" gtins={finishedRows} />}
      <ItemSheet />
    </section>
  );
}

function Group({ title, kind, gtins }: { title: string; kind: Kind; gtins: string[] }): JSX.Element {
  const limit = useGrowing(gtins.length);
  return (
    <section class={`group ${kind}`}>
      <h2>
        <Shape kind={kind} />
        {title} <span class="count-of">{numberText(gtins.length)}</span>
      </h2>
      <ul class="rows">
        {gtins.slice(0, limit).map((gtin) => (
          <ItemRow key={gtin} state={shown(gtin)} />
        ))}
      </ul>
    </section>
  );
}

export function ItemRow({ state }: { state: Shown }): JSX.Element {
  return (
    <Row
      name={state.name}
      quantity={state.quantity}
      waits={state.waits}
      changed={justChanged.value.has(state.GTIN)}
      onOpen={() => openItem(state.GTIN, state.name)}
      mark={<DateMark date={state.expiry_date} checked={state.checked_at} />}
    />
  );
}

function closeListed(): void {
  const open = item.peek();
  if (open && isListed(open)) closeItem();
}

/** The card of the row that was tapped. */
export function ItemSheet(): JSX.Element | null {
  const open = item.value;
  useEffect(() => closeListed, []);
  if (!open || !isListed(open)) return null;
  return (
    <Sheet title={t('item')} onClose={closeItem} side>
      <Card of={open} onRecorded={closeItem} />
    </Sheet>
  );
}
