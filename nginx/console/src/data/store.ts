// The database of what can be read again: the copy of shops and the last lists. It may be dropped at any time, so a failure
// of it is no failure of the console.

import { openDB, type DBSchema, type IDBPDatabase } from 'idb';
import type { Reading, WorkItem } from '../lib/types';

export interface Position {
  shop: number;
  epoch: string;
  cursor: string;
  complete: boolean; // the shop was read to its end once
  at: number;
}

export interface StoredWorkList {
  shop: number;
  items: Pick<WorkItem, 'GTIN' | 'reason'>[];
  at: number;
}

interface Schema extends DBSchema {
  readings: { key: [number, string]; value: Reading; indexes: { shop: number } };
  positions: { key: number; value: Position };
  worklists: { key: number; value: StoredWorkList };
}

let connection: Promise<IDBPDatabase<Schema>> | undefined;

function open(): Promise<IDBPDatabase<Schema>> {
  connection ??= openDB<Schema>('codasync-cache', 1, {
    upgrade(database) {
      database.createObjectStore('readings', { keyPath: ['shop', 'GTIN'] }).createIndex('shop', 'shop');
      database.createObjectStore('positions', { keyPath: 'shop' });
      database.createObjectStore('worklists', { keyPath: 'shop' });
    },
    blocking(_from, _to, event) {
      (event.target as IDBDatabase).close(); // another tab drops it
      connection = undefined;
    },
    terminated: () => (connection = undefined),
  });
  connection.catch(() => (connection = undefined));
  return connection;
}

async function attempt<T>(run: (database: IDBPDatabase<Schema>) => Promise<T>, otherwise: T): Promise<T> {
  try {
    return await run(await open());
  } catch {
    connection = undefined;
    return otherwise;
  }
}

export function readCopy(shop: number): Promise<{ readings: Reading[]; position: Position | undefined }> {
  return attempt(
    async (database) => {
      const tx = database.transaction(['readings', 'positions']);
      const [readings, position] = await Promise.all([tx.objectStore('readings').index('shop').getAll(shop), tx.objectStore('positions').get(shop)]);
      return { readings, position };
    },
    { readings: [], position: undefined },
  );
}

export const readPosition = (shop: number): Promise<Position | undefined> => attempt((database) => database.get('positions', shop), undefined);

export function writeCopy(changed: Reading[], removed: [number, string][], position?: Position): Promise<void> {
  return attempt(async (database) => {
    const tx = database.transaction(['readings', 'positions'], 'readwrite');
    const readings = tx.objectStore('readings');
    void Promise.all([...changed.map((reading) => readings.put(reading)), ...removed.map((key) => readings.delete(key))]);
    if (position) void tx.objectStore('positions').put(position);
    await tx.done;
  }, undefined);
}

export function clearCopy(shop: number): Promise<void> {
  return attempt(async (database) => {
    const tx = database.transaction(['readings', 'positions'], 'readwrite');
    let cursor = await tx.objectStore('readings').index('shop').openCursor(shop);
    while (cursor) {
      await cursor.delete();
      cursor = await cursor.continue();
    }
    await tx.objectStore('positions').delete(shop);
    await tx.done;
  }, undefined);
}

export const readWorkList = (shop: number): Promise<StoredWorkList | undefined> => attempt((database) => database.get('worklists', shop), undefined);

export function writeWorkList(list: StoredWorkList): Promise<void> {
  return attempt(async (database) => {
    await database.put('worklists', list);
  }, undefined);
}
