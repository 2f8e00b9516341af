// The time by the clock of the service, as far as its answers showed it.
//
// What a person did is stored with that time once and never changed: the service compares repeated operations, and an answer
// that comes after the device's clock was set must not move what happened before.

import { signal } from '@preact/signals';

/** Server minus device in milliseconds; null before the first answer. */
export const clockOffset = signal<number | null>(null);
// The header `Date` has whole seconds: a smaller difference is no difference.
const EXACT_MS = 2_000;

/** Takes the header `Date` of an answer. */
export function noteServerTime(date: string | null): void {
  const server = date === null ? Number.NaN : Date.parse(date);
  if (Number.isNaN(server)) return;
  const offset = server + 500 - Date.now();
  const previous = clockOffset.peek();
  if (previous !== null && Math.abs(previous - offset) <= EXACT_MS) return;
  clockOffset.value = Math.abs(offset) <= EXACT_MS ? 0 : offset;
}

/** Sets the offset that was stored before the page was closed; an answer replaces it. */
export function restoreOffset(offset: number | null): void {
  if (clockOffset.peek() === null) clockOffset.value = offset;
}

/** Returns: milliseconds since 1970, by the clock of the service. */
export function now(): number {
  return Date.now() + (clockOffset.peek() ?? 0);
}
