// The database of waiting entries. Version 1 for ever: no update of the console rewrites it, and nothing else is stored here.
//
//   entries  those that the service has not confirmed, by `seq`
//   done     those that it confirmed, for 30 days: after a failover of its database they are sent again
//   state    `device`, `epoch`, `last` (time of the newest operation), `sent` (highest seq that was part of a request)

import { openDB, type DBSchema, type IDBPDatabase, type IDBPTransaction } from 'idb';
import { dropCaches } from '../data/drop';
import { now } from '../lib/clock';
import type { Operation, Outcome, Problem } from '../lib/types';
import type { Done, Entry } from './entry';

interface Schema extends DBSchema {
  entries: { key: number; value: Entry; indexes: { id: string } };
  done: { key: number; value: Done; indexes: { id: string } };
  state: { key: string; value: string | number };
}

const KEPT_MS = 30 * 86_400_000;
export const ENTRIES_MAX = 20_000;

/** The entry could not be stored; `full`: for lack of space. */
export class NotStored extends Error {
  constructor(readonly full: boolean) {
    super('not stored');
  }
}

type Database = IDBPDatabase<Schema>;
type Writing = IDBPTransaction<Schema, ('entries' | 'done' | 'state')[], 'readwrite'>;

let connection: Promise<Database> | undefined;

function open(): Promise<Database> {
  connection ??= openDB<Schema>('codasync-queue', 1, {
    upgrade(database) {
      database.createObjectStore('entries', { keyPath: 'seq', autoIncrement: true }).createIndex('id', 'id', { unique: true });
      database.createObjectStore('done', { keyPath: 'seq' }).createIndex('id', 'id');
      database.createObjectStore('state');
    },
    terminated: () => (connection = undefined),
  });
  connection.catch(() => (connection = undefined));
  return connection;
}

/** Runs it on the database, once more when the connection was lost: iPhones cut it while the app is in the background. */
async function use<T>(run: (database: Database) => Promise<T>): Promise<T> {
  try {
    return await run(await open());
  } catch (error) {
    const lost = error instanceof DOMException && (error.name === 'InvalidStateError' || /connection.*lost/i.test(error.message));
    if (!lost) throw error;
    connection = undefined;
    return run(await open());
  }
}

/** Changes the database in one transaction, which is on the disk when this returns. */
function change<T>(run: (tx: Writing) => Promise<T>): Promise<T> {
  return use(async (database) => {
    const tx = database.transaction(['entries', 'done', 'state'], 'readwrite', { durability: 'strict' });
    try {
      const result = await run(tx);
      await tx.done;
      return result;
    } catch (error) {
      tx.done.catch(() => undefined);
      try {
        tx.abort();
      } catch {
        // it has ended already
      }
      throw error;
    }
  });
}

/** Returns: whether entries can be stored in this window. */
export async function probe(): Promise<boolean> {
  try {
    await change((tx) => tx.objectStore('state').put(Date.now(), 'probe'));
    return true;
  } catch {
    return false;
  }
}

export type Draft = Omit<Entry, 'seq' | 'v' | 'device' | 'state' | 'op'> & { op: Omit<Operation, 'observed_at' | 'id'> };

/**
 * Stores an entry. When this returns, it is on the disk. Its time is later than that of the entry before.
 * Throws: NotStored.
 */
export async function add(draft: Draft): Promise<Entry> {
  const attempt = (): Promise<Entry> =>
    change(async (tx) => {
      const state = tx.objectStore('state');
      const entries = tx.objectStore('entries');
      if ((await entries.count()) >= ENTRIES_MAX) throw new NotStored(true);
      let device = await state.get('device');
      if (typeof device !== 'string') await state.put((device = crypto.randomUUID()), 'device');
      const last = Math.max(Number((await state.get('last')) ?? 0) + 1, Math.round(now()));
      await state.put(last, 'last');
      const op: Operation = { ...draft.op, id: draft.id, observed_at: new Date(last).toISOString() };
      const entry: Entry = { ...draft, op, v: 1, device, state: 'queued' };
      const known = await entries.index('id').get(draft.id);
      if (known) return known; // the same intent, after a lost connection
      return { ...entry, seq: await entries.add(entry) };
    });
  try {
    return await attempt();
  } catch (error) {
    if (error instanceof NotStored) throw error;
    if (!isFull(error)) throw new NotStored(false);
    await dropCaches();
    try {
      return await attempt();
    } catch (again) {
      throw new NotStored(isFull(again));
    }
  }
}

function isFull(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'QuotaExceededError';
}

export const allEntries = (): Promise<Entry[]> => use((database) => database.getAll('entries'));

/** Returns: confirmed entries among the newest `limit` numbers, the newest first. */
export function newestDone(limit: number): Promise<Done[]> {
  return use(async (database) => {
    const store = database.transaction('done').store;
    const last = await store.openKeyCursor(null, 'prev');
    return last ? (await store.getAll(IDBKeyRange.lowerBound(last.key - limit, true))).reverse() : [];
  });
}

export interface Limits {
  entries: number;
  bytes: number; // of their operations
}

const READ_AT_ONCE = 100;

/**
 * Notes the next entries as part of a request: the oldest ones of an owner, of one shop and device; none when nothing waits.
 * The search begins at `from`. Returns: they, and where the next search can begin.
 */
export function takeBatch(owner: string, from: number, limits: Limits): Promise<{ batch: Entry[]; from: number }> {
  return change(async (tx) => {
    for (let start = from; ; ) {
      const read = await tx.objectStore('entries').getAll(IDBKeyRange.lowerBound(start), READ_AT_ONCE);
      const mine = read.filter((entry) => entry.owner === owner && entry.state === 'queued');
      const first = mine[0];
      if (first) {
        const batch = firstOf(mine.filter(({ shop, device }) => shop === first.shop && device === first.device), limits);
        const highest = batch.at(-1)?.seq ?? 0;
        const state = tx.objectStore('state');
        if (Number((await state.get('sent')) ?? 0) < highest) await state.put(highest, 'sent');
        return { batch, from: first.seq ?? start };
      }
      if (read.length < READ_AT_ONCE) return { batch: [], from: start };
      start = (read.at(-1)?.seq ?? start) + 1;
    }
  });
}

/** Returns: the first entries within the limits, and at least one. */
function firstOf(entries: Entry[], limits: Limits): Entry[] {
  let bytes = 0;
  const end = entries.findIndex(({ op }, at) => {
    bytes += JSON.stringify(op).length;
    return at > 0 && (at >= limits.entries || bytes > limits.bytes);
  });
  return end < 0 ? entries : entries.slice(0, end);
}

/** Removes an entry that was never part of a request. Returns: `sent` when it may have been, `gone` when it does not exist. */
export function removeUnsent(id: string): Promise<'removed' | 'sent' | 'gone'> {
  return change(async (tx) => {
    const entry = await tx.objectStore('entries').index('id').get(id);
    if (entry?.seq === undefined) return (await tx.objectStore('done').index('id').getKey(id)) === undefined ? 'gone' : 'sent';
    const sent = Number((await tx.objectStore('state').get('sent')) ?? 0);
    if (entry.seq <= sent) return 'sent';
    await tx.objectStore('entries').delete(entry.seq);
    return 'removed';
  });
}

export function remove(seqs: number[]): Promise<void> {
  return change(async (tx) => {
    for (const seq of seqs) await tx.objectStore('entries').delete(seq);
  });
}

export interface Decision {
  id: string;
  outcome?: Outcome;
  event?: string | undefined;
  problem?: Problem; // refused
}

/** Moves decided entries to `done`, or marks them as refused: all of them or none. Returns: those that were moved. */
export function settle(decisions: Decision[]): Promise<Done[]> {
  return change(async (tx) => {
    const entries = tx.objectStore('entries');
    const done: Done[] = [];
    for (const { id, outcome, event, problem } of decisions) {
      const entry = await entries.index('id').get(id);
      if (entry?.seq === undefined) continue; // undone meanwhile, or decided by another tab
      if (problem) {
        await entries.put({ ...entry, state: 'refused', problem });
      } else if (outcome) {
        const { problem: _, ...rest } = entry;
        const moved: Done = { ...rest, outcome, done_at: Date.now(), ...(event ? { event } : {}) };
        await entries.delete(entry.seq);
        await tx.objectStore('done').put(moved);
        done.push(moved);
      }
    }
    return done;
  });
}

/**
 * Compares the epoch of an answer with the known one. Returns: false when it is another one: the database of the service was
 * restored or failed over, the answer says nothing, and all confirmed entries wait again.
 */
export function acceptEpoch(epoch: string): Promise<boolean> {
  return change(async (tx) => {
    const state = tx.objectStore('state');
    const known = await state.get('epoch');
    if (known === epoch) return true;
    await state.put(epoch, 'epoch');
    if (known === undefined) return true;
    const done = tx.objectStore('done');
    for (const { outcome: _outcome, done_at: _at, event: _event, ...entry } of await done.getAll()) {
      await tx.objectStore('entries').put({ ...entry, state: 'queued' });
    }
    await done.clear();
    return false;
  });
}

/** Deletes confirmed entries that are older than 30 days. */
export function forgetOld(): Promise<void> {
  return change(async (tx) => {
    let cursor = await tx.objectStore('done').openCursor();
    while (cursor && cursor.value.done_at < Date.now() - KEPT_MS) {
      await cursor.delete();
      cursor = await cursor.continue();
    }
  });
}

/** Puts entries under another owner: the same person with a renewed token. */
export function adopt(from: string, to: string): Promise<void> {
  return change(async (tx) => {
    for (const entry of await tx.objectStore('entries').getAll()) {
      if (entry.owner === from) await tx.objectStore('entries').put({ ...entry, owner: to });
    }
  });
}
