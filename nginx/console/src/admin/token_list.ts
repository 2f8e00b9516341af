// The access tokens, for their screen and for the filter of the audit.

import { signal } from '@preact/signals';
import { shops } from '../data/shops';
import { get, nextPage } from '../lib/api';
import type { Problem, Role } from '../lib/types';
import { t } from './words';

export interface Token {
  id: number;
  name: string;
  person?: string | null;
  role: Role;
  shops: number[];
  created_at: string;
  expires_at: string | null;
  last_used_at?: string | null;
}

/** null: not read yet. */
export const tokens = signal<readonly Token[] | null>(null);
export const tokensProblem = signal<Problem | null>(null);

export async function readTokens(): Promise<void> {
  const found: Token[] = [];
  let next: string | undefined = '/tokens?limit=1000';
  while (next !== undefined) {
    const answer: Awaited<ReturnType<typeof get<Token[]>>> = await get<Token[]>(next);
    if (!answer.ok) {
      tokensProblem.value = answer.problem;
      return;
    }
    found.push(...answer.body);
    next = nextPage(answer.headers);
  }
  tokensProblem.value = null;
  tokens.value = found;
}

/** Returns: the names of the shops of a token. */
export function shopNames(ids: readonly number[]): string {
  return ids.length === 0 ? t('all_shops') : ids.map((id) => shops.value.find((shop) => shop.id === id)?.name ?? String(id)).join(', ');
}
