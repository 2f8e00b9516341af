// The start of the queue, and what makes it send.

import { effect } from '@preact/signals';
import { clockOffset, restoreOffset } from '../lib/clock';
import { reachable, signInNeeded, workOffline } from '../lib/api';
import { identity } from '../lib/session';
import { readSetting, writeSetting } from '../lib/storage';
import { sendNow } from './sender';
import { persisted, reload, storage } from './state';
import { forgetOld, probe } from './store';

export async function startQueue(): Promise<void> {
  const offset = readSetting('clock-offset');
  restoreOffset(offset === null ? null : Number(offset));
  effect(() => writeSetting('clock-offset', clockOffset.value === null ? null : String(clockOffset.value)));
  if (!(await probe())) {
    storage.value = 'none';
    return;
  }
  storage.value = 'ok';
  await reload();
  addEventListener('online', () => void sendNow());
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') void reload().then(() => sendNow());
  });
  // A sign-in, the end of "work offline", or an answer after a time without one.
  effect(() => {
    if (identity.value !== null && !signInNeeded.value && !workOffline.value && reachable.value === 'yes') void sendNow();
  });
  await forgetOld();
}

/** Asks the browser to keep the stored entries, at the first sign-in. */
export async function persist(): Promise<void> {
  if (!navigator.storage?.persist) return;
  persisted.value = (await navigator.storage.persisted()) || (await navigator.storage.persist());
}
