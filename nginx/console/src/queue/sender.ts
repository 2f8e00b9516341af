// Sends what waits: one batch at a time, by one tab of the browser. An entry leaves only when a JSON answer names its id.

import { signal } from '@preact/signals';
import { CONSOLE_VERSION, isTransient, oldestAccepted, request, signInNeeded, workOffline, type Refused } from '../lib/api';
import { identity, ownerOf } from '../lib/session';
import type { Change, SyncAnswer } from '../lib/types';
import { takeReadings } from '../data/copy';
import type { Entry } from './entry';
import { reloadAll, settled, storage } from './state';
import * as store from './store';

const BATCH_MAX = 100;
const BATCH_BYTES_MAX = 200_000;
const PAUSE_MS_MAX = 60_000;

export const sending = signal(0);
/** When the next attempt starts, milliseconds since 1970; null: nothing waits for a time. */
export const nextTry = signal<number | null>(null);

let timer = 0;
let failures = 0;
let notBefore = 0; // the service said Retry-After
let wanted = false;
let running = false;

/** Sends at once what waits; `anyway` also before the time that the service named. */
export async function sendNow(anyway = false): Promise<void> {
  if (anyway) notBefore = 0;
  wanted = true;
  if (running) return;
  running = true;
  try {
    while (wanted) {
      wanted = false;
      await withLock(sendAll);
    }
  } finally {
    running = false;
  }
}

/** Only one tab sends. Without locks (no https) two tabs may send the same entry, which the service counts once. */
async function withLock(run: () => Promise<void>): Promise<void> {
  if ('locks' in navigator) await navigator.locks.request('codasync-send', run);
  else await run();
}

async function sendAll(): Promise<void> {
  let largest = BATCH_MAX;
  let from = 0;
  for (;;) {
    const of = identity.peek();
    if (storage.peek() !== 'ok' || signInNeeded.peek() || workOffline.peek() || of === null) return;
    if ((oldestAccepted.peek() ?? 0) > CONSOLE_VERSION) return; // the new version sends them
    const wait = notBefore - Date.now();
    if (wait > 0) return later(wait);
    const next = await store.takeBatch(ownerOf(of), from, { entries: largest, bytes: BATCH_BYTES_MAX });
    const { batch } = next;
    from = next.from;
    if (batch.length === 0) {
      failures = 0;
      schedule(null);
      return;
    }
    const then = await sendBatch(batch);
    if (then === 'hold') return;
    if (then === 'again') from = 0;
    else if (then === 'halve') largest = Math.max(1, Math.floor(batch.length / 2));
    else if (then === 'next') {
      failures = 0;
      largest = Math.min(BATCH_MAX, largest * 2);
    } else return later(then);
  }
}

/** What comes next: another batch, all from the first entry, a smaller batch, nothing, or a pause in milliseconds (0: the usual one). */
type Then = 'next' | 'again' | 'halve' | 'hold' | number;

async function sendBatch(batch: Entry[]): Promise<Then> {
  const first = batch[0];
  if (!first) return 'next';
  sending.value = batch.length;
  const answer = await request<SyncAnswer>('POST', '/sync', {
    body: { device: first.device, shop: first.shop, limit: 1, operations: batch.map((entry) => entry.op) },
  });
  sending.value = 0;
  if (!answer.ok) return refused(answer, batch);
  const { epoch, results } = answer.body ?? {};
  if (typeof epoch !== 'string' || !Array.isArray(results)) return 0; // not an answer of the service
  if (!(await store.acceptEpoch(epoch))) {
    await reloadAll();
    return 'again';
  }
  const ids = new Set(batch.map(({ id }) => id));
  const named = results.filter((result) => ids.has(result.id));
  const decisions = named.map(({ id, event, outcome, problem }): store.Decision =>
    outcome === 'rejected' ? { id, problem: problem ?? { type: 'console:unknown', title: '', status: 0, detail: '' } } : { id, outcome, event },
  );
  settled(await store.settle(decisions), decisions);
  takeReadings(first.shop, named.flatMap(({ reading }): Change[] => (reading ? [reading] : [])));
  return named.length > 0 ? 'next' : 0;
}

async function refused(answer: Refused, batch: Entry[]): Promise<Then> {
  if (answer.status === 401) return 'hold'; // signInNeeded is set; the sign-in sends
  if (isTransient(answer)) return answer.retryAfterMs ?? 0;
  if ((answer.status === 400 || answer.status === 413) && batch.length > 1) return 'halve';
  // The shop does not exist or is not one of the token's, or this entry alone is refused.
  const decisions = batch.map(({ id }): store.Decision => ({ id, problem: answer.problem }));
  settled(await store.settle(decisions), decisions);
  return 'next';
}

function later(pause: number): void {
  failures += 1;
  if (pause > 0) {
    notBefore = Date.now() + pause;
    schedule(pause);
  } else {
    const usual = Math.min(PAUSE_MS_MAX, 1000 * 2 ** (failures - 1));
    schedule(usual * (0.75 + Math.random() / 2));
  }
}

function schedule(pause: number | null): void {
  clearTimeout(timer);
  nextTry.value = pause === null ? null : Date.now() + pause;
  if (pause !== null) timer = window.setTimeout(() => void sendNow(), pause);
}
