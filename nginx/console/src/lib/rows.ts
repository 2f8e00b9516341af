// A list of the API that grows by pages: the first page, and "Show more".

import { signal, type Signal } from '@preact/signals';
import { get, nextPage } from './api';
import type { Problem } from './types';

export interface Rows<T> {
  rows: Signal<readonly T[] | null>; // null: nothing was read yet
  total: Signal<number | null>; // null: not counted, or too many to count
  next: Signal<string | null>;
  reading: Signal<boolean>;
  problem: Signal<Problem | null>;
  /** Reads the first page of an address; an answer for an address before is dropped. */
  show: (address: string) => Promise<void>;
  /** Reads the next page. */
  more: () => Promise<void>;
  /** Replaces a row, or removes it with null. */
  put: (is: (row: T) => boolean, row: T | null) => void;
}

export function rowsOf<T>(): Rows<T> {
  const rows = signal<readonly T[] | null>(null);
  const total = signal<number | null>(null);
  const next = signal<string | null>(null);
  const reading = signal(false);
  const problem = signal<Problem | null>(null);
  let running: AbortController | null = null;

  const read = async (address: string, before: readonly T[]): Promise<void> => {
    running?.abort();
    const mine = new AbortController();
    running = mine;
    reading.value = true;
    const answer = await get<T[]>(address, { signal: mine.signal });
    if (mine.signal.aborted) return;
    reading.value = false;
    if (!answer.ok) {
      problem.value = answer.problem;
      return;
    }
    problem.value = null;
    rows.value = [...before, ...answer.body];
    next.value = nextPage(answer.headers) ?? null;
    const count = answer.headers.get('Total-Count');
    if (before.length === 0) total.value = count === null ? null : Number(count);
  };

  return {
    rows,
    total,
    next,
    reading,
    problem,
    show: (address) => read(address, []),
    more: async () => {
      if (next.value !== null) await read(next.value, rows.value ?? []);
    },
    put: (is, row) => {
      const all = rows.value ?? [];
      rows.value = row === null ? all.filter((one) => !is(one)) : all.map((one) => (is(one) ? row : one));
      if (row === null && total.value !== null) total.value -= all.length - rows.value.length;
    },
  };
}

/** Returns: a path with the parameters that have a value. */
export function address(path: string, parameters: Record<string, string | number | boolean | null | undefined>): string {
  const query = new URLSearchParams();
  for (const name of Object.keys(parameters).sort()) {
    const value = parameters[name];
    if (value !== undefined && value !== null && value !== '') query.set(name, String(value));
  }
  const text = query.toString().replaceAll('+', '%20');
  return text ? `${path}?${text}` : path;
}
