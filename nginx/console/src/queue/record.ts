// What a person does becomes an entry. It is on this device when the promise is fulfilled; sending is not waited for.

import { computed, signal } from '@preact/signals';
import { takeReadings } from '../data/copy';
import { request, type Answer } from '../lib/api';
import { now } from '../lib/clock';
import { identity, ownerOf } from '../lib/session';
import type { Operation, Outcome, Problem, SyncAnswer } from '../lib/types';
import type { Entry } from './entry';
import { sendNow } from './sender';
import { added, done, own, reloadAll, removed, standing, storage } from './state';
import * as store from './store';

export type What = Omit<Operation, 'id' | 'observed_at'>;

export type Recorded =
  | { how: 'stored'; entry: Entry } // on this device, and on its way
  | { how: 'saved'; outcome: Outcome } // without storage: the service has it
  | { how: 'failed'; reason: 'full' | 'storage' } // nothing was recorded
  | { how: 'refused'; problem: Problem };

/** The ids of the last entries of this tab, the newest last. */
const acts = signal<readonly string[]>([]);
const ACTS_MAX = 50;

/** The newest entry of this tab that still has an effect: the one that undo takes back. */
export const lastAct = computed<{ id: string; name: string } | null>(() => {
  if (acts.value.length === 0) return null;
  const names = new Map(standing.value.map(({ id, name }) => [id, name]));
  const id = acts.value.findLast((each) => names.has(each));
  return id === undefined ? null : { id, name: names.get(id) ?? '' };
});

/** The product that it was done to; `date`: what its codes say, where `what` has codes. */
export interface Subject {
  GTIN: string;
  name: string;
  date?: string | null;
}

/** Records what was done to a product of a shop. */
export async function record(shop: number, { GTIN, name, date }: Subject, what: What): Promise<Recorded> {
  const of = identity.peek();
  if (of === null) return { how: 'failed', reason: 'storage' };
  const id = crypto.randomUUID();
  if (storage.peek() === 'none') return recordDirectly(shop, { ...what, id, observed_at: new Date(now()).toISOString() });
  let entry: Entry;
  try {
    entry = await store.add({ id, owner: ownerOf(of), actor: of.name, shop, gtin: GTIN, name, date: date ?? what.expiry_date ?? null, taken_at: Date.now(), op: what });
  } catch (error) {
    return { how: 'failed', reason: error instanceof store.NotStored && error.full ? 'full' : 'storage' };
  }
  added(entry);
  if (what.kind !== 'void') acts.value = [...acts.peek(), id].slice(-ACTS_MAX);
  void sendNow();
  return { how: 'stored', entry };
}

// A window without storage has a device of its own for each request; the id makes a repeat harmless.
async function recordDirectly(shop: number, op: Operation): Promise<Recorded> {
  const body = { device: op.id, shop, limit: 1, operations: [op] };
  const answer: Answer<SyncAnswer> = await request<SyncAnswer>('POST', '/sync', { body });
  if (!answer.ok) return { how: 'refused', problem: answer.problem };
  const result = answer.body.results.find(({ id }) => id === op.id);
  if (!result || result.outcome === 'rejected') {
    const unknown: Problem = { type: 'console:offline', title: '', status: 0, detail: '' };
    return { how: 'refused', problem: result?.problem ?? unknown };
  }
  if (result.reading) takeReadings(shop, [result.reading]);
  return { how: 'saved', outcome: result.outcome };
}

export type Undone = 'removed' | 'discarded' | 'voided' | 'nothing' | 'failed';

/** Takes an entry back: one that was never sent, or was refused, is removed, any other is voided by a further entry. */
export async function undo(id: string): Promise<Undone> {
  acts.value = acts.peek().filter((each) => each !== id);
  const entry = own.peek().find((each) => each.id === id) ?? done.peek().find((each) => each.id === id);
  if (!entry) return 'nothing';
  if (entry.state === 'refused') {
    await discard([entry]);
    return 'discarded';
  }
  const found = await store.removeUnsent(id);
  if (found !== 'sent') {
    removed([id]);
    return found === 'removed' ? 'removed' : 'nothing';
  }
  const result = await record(entry.shop, { GTIN: entry.gtin, name: entry.name }, { kind: 'void', GTIN: entry.gtin, voids_operation: id });
  return result.how === 'stored' ? 'voided' : 'failed';
}

/** Puts a refused entry right: the corrected one has an id of its own. `date` is left out where the entry has none. */
export async function correct(entry: Entry, shop: number, name: string, date?: string | null): Promise<Recorded> {
  const { id: _id, observed_at: _at, ...what } = entry.op;
  if (name !== '' && what.kind !== 'adjust' && what.kind !== 'remove' && what.kind !== 'void') what.name = name;
  if (date !== undefined && date !== entry.date) {
    delete what.codes; // their date was wrong
    what.GTIN = entry.gtin;
    what.expiry_date = date;
  }
  const result = await record(shop, { GTIN: entry.gtin, name, date: date ?? entry.date }, what);
  if (result.how === 'stored') await discard([entry]);
  return result;
}

/** Takes over the entries of an earlier token of the same person, and sends them. */
export async function takeOver(owner: string): Promise<void> {
  const of = identity.peek();
  if (of === null) return;
  await store.adopt(owner, ownerOf(of));
  await reloadAll();
  void sendNow();
}

/** Deletes entries of this device that the person does not need. */
export async function discard(entries: Entry[]): Promise<void> {
  await store.remove(entries.flatMap(({ seq }) => (seq === undefined ? [] : [seq])));
  removed(entries.map(({ id }) => id));
}
