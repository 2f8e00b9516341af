// Space for entries that wait: everything that can be read again is dropped.

import { deleteDB } from 'idb';

/** Deletes the copy of the shop and the stored decoder. */
export async function dropCaches(): Promise<void> {
  const names = 'caches' in self ? await caches.keys() : [];
  await Promise.allSettled([deleteDB('codasync-cache'), ...names.filter((name) => name.startsWith('decoder-')).map((name) => caches.delete(name))]);
}
