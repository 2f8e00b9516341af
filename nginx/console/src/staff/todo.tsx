// The work list of the shop: what to check today, in groups. Rows that were checked move to the end.

import { signal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { copy, justChanged } from '../data/copy';
import { live } from '../data/live';
import { shop } from '../data/shops';
import { readWorkList, writeWorkList, type StoredWorkList } from '../data/store';
import { get, nextPage } from '../lib/api';
import { explain } from '../lib/explain';
import { numberText, timeText } from '../lib/format';
import type { Reason, WorkItem } from '../lib/types';
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
/** Rows of the list that are not in it any more, or that the person has just dealt with. */
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

/** How many rows are left to do; null before the first list. */
export function leftToDo(): number | null {
  const of = list.value;
  return of === null || of.shop !== shop.value?.id ? null : of.items.filter(({ GTIN }) => !finished.value.has(GTIN)).length;
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
  const open = items.filter(({ GTIN }) => !finished.value.has(GTIN) && isShown(GTIN));
  const finishedRows = [...finished.value].filter((gtin) => copy.value.readings.has(gtin) && isShown(gtin));
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
      {current && open.length === 0 && <p class="empty big">{t('nothing_to_check')}</p>}
      {GROUPS.map(({ reason, kind, title }) => {
        const rows = open.filter((each) => each.reason === reason);
        return rows.length > 0 && <Group key={reason} title={t(title)} kind={kind} gtins={rows.map(({ GTIN }) => GTIN)} />;
      })}
      {finishedRows.length > 0 && <Group title={t('done')} kind="fine" gtins={finishedRows} />}
      <ItemSheet onRecorded={(gtin) => (finished.value = new Set([...finished.value, gtin]))} />
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
export function ItemSheet({ onRecorded }: { onRecorded?: (gtin: string) => void }): JSX.Element | null {
  const open = item.value;
  useEffect(() => closeListed, []);
  if (!open || !isListed(open)) return null;
  return (
    <Sheet title={t('item')} onClose={closeItem} side>
      <Card
        of={open}
        onRecorded={() => {
          onRecorded?.(open.gtin);
          closeItem();
        }}
      />
    </Sheet>
  );
}
