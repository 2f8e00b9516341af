// The queue as the screens show it. The database is the truth; this copy follows it, also after changes by other tabs.

import { batch, computed, signal } from '@preact/signals';
import { identity, ownerOf } from '../lib/session';
import type { Done, Entry } from './entry';
import * as store from './store';

/** Whether entries can be stored: `none` in a window without storage, where each one is saved only when the service answers. */
export const storage = signal<'unknown' | 'ok' | 'none'>('unknown');
export const persisted = signal(false);

const entries = signal<Entry[]>([]);
const confirmed = signal<Done[]>([]);
const DONE_READ = 500;

const owner = computed(() => (identity.value ? ownerOf(identity.value) : ''));
/** The entries of the person who is signed in, in their order. */
export const own = computed(() => entries.value.filter((entry) => entry.owner === owner.value));
/** Their newest confirmed entries, the newest first. */
export const done = computed(() => confirmed.value.filter((entry) => entry.owner === owner.value));
/** All of these, without those that were taken back. */
export const standing = computed(() => {
  const known: (Entry & Partial<Done>)[] = [...own.value, ...done.value];
  const voids = known.flatMap(({ op, state }) => (state === 'queued' ? [op.voids_operation, op.voids] : []));
  const voided = new Set(voids.filter((id) => id !== undefined));
  return known.filter(({ id, event }) => !voided.has(id) && !(event && voided.has(event)));
});
export const queued = computed(() => own.value.filter((entry) => entry.state === 'queued'));
export const refused = computed(() => own.value.filter((entry) => entry.state === 'refused'));

export const queue = computed(() => ({
  waiting: queued.value.length,
  refused: refused.value.length,
  oldest: queued.value[0]?.taken_at ?? null,
}));

/** Entries of others on this device: they are shown, and neither sent nor deleted. */
export const waitingByOthers = computed(() => {
  const counts = new Map<string, { owner: string; name: string; n: number }>();
  for (const entry of entries.value) {
    if (entry.owner === owner.value) continue;
    const found = counts.get(entry.owner) ?? { owner: entry.owner, name: entry.actor, n: 0 };
    counts.set(entry.owner, { ...found, n: found.n + 1 });
  }
  return [...counts.values()];
});

/** Own waiting entries of a shop by GTIN: what the person did and the service has not confirmed. */
export const pending = computed(() => {
  const by = new Map<string, Entry[]>();
  for (const entry of queued.value) {
    const key = `${entry.shop}/${entry.gtin}`;
    const found = by.get(key);
    if (found) found.push(entry);
    else by.set(key, [entry]);
  }
  return by;
});

/** A change of the database, which the other tabs of the browser take over instead of reading all of it again. */
type News = { added: Entry } | { removed: readonly string[] } | { moved: Done[]; decisions: store.Decision[] };

const channel = 'BroadcastChannel' in self ? new BroadcastChannel('codasync-queue') : undefined;
let isOld = false; // news came while the database was read

/** Reads the database: at the start, and when the tab may have missed news. */
export async function reload(): Promise<void> {
  if (storage.peek() !== 'ok') return;
  do {
    isOld = false;
    const [waiting, newest] = await Promise.all([store.allEntries(), store.newestDone(DONE_READ)]);
    batch(() => {
      entries.value = waiting;
      confirmed.value = newest;
    });
  } while (isOld);
}

function take(news: News): void {
  isOld = true;
  batch(() => {
    if ('added' in news) entries.value = [...entries.peek().filter(({ id }) => id !== news.added.id), news.added];
    else if ('removed' in news) entries.value = entries.peek().filter(({ id }) => !news.removed.includes(id));
    else takeSettled(news.moved, news.decisions);
  });
}

let reloading = 0;
channel?.addEventListener('message', ({ data }: MessageEvent<News | 'changed'>) => {
  if (data !== 'changed') return take(data);
  clearTimeout(reloading); // also what a tab with an earlier version says of each change
  reloading = window.setTimeout(() => void reload(), 50);
});

/** Reads the database after a change of many entries; the other tabs do too. */
export async function reloadAll(): Promise<void> {
  channel?.postMessage('changed');
  await reload();
}

function tell(news: News): void {
  take(news);
  channel?.postMessage(news);
}

export const added = (entry: Entry): void => tell({ added: entry });
export const removed = (ids: readonly string[]): void => tell({ removed: ids });
export const settled = (moved: Done[], decisions: store.Decision[]): void => tell({ moved, decisions });

function takeSettled(moved: Done[], decisions: store.Decision[]): void {
  const ids = new Set(moved.map(({ id }) => id));
  const problems = new Map(decisions.flatMap(({ id, problem }) => (problem ? [[id, problem] as const] : [])));
  entries.value = entries.peek().flatMap((entry) => {
    if (ids.has(entry.id)) return [];
    const problem = problems.get(entry.id);
    return [problem ? { ...entry, state: 'refused' as const, problem } : entry];
  });
  confirmed.value = [...moved].reverse().concat(confirmed.peek()).slice(0, DONE_READ);
}
