// The numbers of the overview, and when they are read again: after each change of the shop, or every some seconds.

import { signal } from '@preact/signals';
import { API, get } from '../lib/api';
import type { Problem } from '../lib/types';

export interface Counts {
  readings: number;
  units: number;
  expired: number;
  due: number;
  not_checked: number;
  checked_at: string | null;
}

export interface Overview extends Counts {
  today: string;
  days: { date: string; readings: number }[];
  shops: (Counts & { shop: number })[];
  categories: (Counts & { category: string | null })[];
}

export interface Minute {
  minute: string;
  writes: number | null;
  look_ups: number | null;
  hits: number | null;
}

export const DAYS = 30;
export const DUE_DAYS = 7;
const MINUTES = 180;
const CHANGES_PAUSE_MS = 300; // changes that arrive together are one request
const POLL_MS = 15_000; // of all shops; a browser has too few connections for a stream of each
const STATS_MS = 20_000;

export const overview = signal<Overview | null>(null);
export const problem = signal<Problem | null>(null);
export const live = signal(false);
export const minutes = signal<readonly Minute[] | null>(null);

/** Reads the overview of a shop, 0: of all, now and after changes. Returns: a function that ends it. */
export function follow(shop: number): () => void {
  const ended = new AbortController();
  let timer = 0;
  let source: EventSource | undefined;
  const read = async (): Promise<void> => {
    const answer = await get<Overview>(`/overview?days=${DAYS}&due_days=${DUE_DAYS}${shop ? `&shop=${shop}` : ''}`, { signal: ended.signal });
    if (ended.signal.aborted) return;
    if (answer.ok) overview.value = answer.body;
    else if (answer.status !== 0) overview.value = null;
    problem.value = answer.ok ? null : answer.problem;
    if (!shop) live.value = answer.ok;
    again(shop && live.value ? 60_000 : POLL_MS); // with a stream only the day changes without an event
  };
  const again = (after: number): void => {
    clearTimeout(timer);
    timer = window.setTimeout(() => void read(), after);
  };
  const visible = (): void => {
    if (document.visibilityState === 'visible') void read();
  };
  if (shop) {
    source = new EventSource(`${API}/shops/${shop}/stream`);
    source.addEventListener('position', () => {
      live.value = true;
      again(0);
    });
    for (const name of ['reading', 'resync']) source.addEventListener(name, () => again(CHANGES_PAUSE_MS));
    source.onerror = () => {
      live.value = false;
      again(POLL_MS);
    };
  }
  document.addEventListener('visibilitychange', visible);
  overview.value = null; // the numbers before are of another shop
  void read();
  return () => {
    ended.abort();
    source?.close();
    clearTimeout(timer);
    document.removeEventListener('visibilitychange', visible);
    live.value = false;
  };
}

/** Reads what was written and found in the cache in the last hours, again and again. Returns: a function that ends it. */
export function followStats(): () => void {
  const read = async (): Promise<void> => {
    const answer = await get<Minute[]>(`/stats?minutes=${MINUTES}`);
    if (answer.ok) minutes.value = answer.body;
  };
  void read();
  const timer = setInterval(() => void read(), STATS_MS);
  return () => clearInterval(timer);
}
