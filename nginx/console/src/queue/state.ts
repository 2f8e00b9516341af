// The queue as the screens show it. The database is the truth; this copy follows it, also after changes by other tabs.

import { computed, signal } from '@preact/signals';
import { identity, ownerOf } from '../lib/session';
import type { Done, Entry } from './entry';
import * as store from './store';

/** Whether entries can be stored: `none` in a window without storage, where each one is saved only when the service answers. */
export const storage = signal<'unknown' | 'ok' | 'none'>('unknown');
export const persisted = signal(false);

const entries = signal<Entry[]>([]);
/** The newest confirmed entries, the newest first. */
export const done = signal<Done[]>([]);
export const DONE_SHOWN = 200;

const owner = computed(() => (identity.value ? ownerOf(identity.value) : ''));
/** The entries of the person who is signed in, in their order. */
export const own = computed(() => entries.value.filter((entry) => entry.owner === owner.value));
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
    by.set(key, [...(by.get(key) ?? []), entry]);
  }
  return by;
});

const channel = 'BroadcastChannel' in self ? new BroadcastChannel('codasync-queue') : undefined;

export async function reload(): Promise<void> {
  if (storage.peek() !== 'ok') return;
  entries.value = await store.allEntries();
  done.value = await store.newestDone(DONE_SHOWN);
}

let reloading = 0;
channel?.addEventListener('message', () => {
  clearTimeout(reloading);
  reloading = window.setTimeout(() => void reload(), 50);
});

function changed(): void {
  channel?.postMessage('changed');
}

export function added(entry: Entry): void {
  entries.value = [...entries.peek().filter(({ id }) => id !== entry.id), entry];
  changed();
}

export function removed(ids: readonly string[]): void {
  entries.value = entries.peek().filter(({ id }) => !ids.includes(id));
  changed();
}

export function settled(moved: Done[], decisions: store.Decision[]): void {
  const ids = new Set(moved.map(({ id }) => id));
  const problems = new Map(decisions.flatMap(({ id, problem }) => (problem ? [[id, problem] as const] : [])));
  entries.value = entries.peek().flatMap((entry) => {
    if (ids.has(entry.id)) return [];
    const problem = problems.get(entry.id);
    return [problem ? { ...entry, state: 'refused' as const, problem } : entry];
  });
  done.value = [...moved].reverse().concat(done.peek()).slice(0, DONE_SHOWN);
  changed();
}
