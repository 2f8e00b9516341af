// Who uses the console. The secret is in an HttpOnly cookie that no script can read; this module has only who it belongs to.

import { computed, signal } from '@preact/signals';
import { get, request, signInNeeded, type Answer } from './api';
import { readSetting, writeSetting } from './storage';
import type { Identity } from './types';

function read(): Identity | null {
  try {
    return JSON.parse(readSetting('identity') ?? 'null') as Identity | null;
  } catch {
    return null;
  }
}

/** The person of the last sign-in; it is kept when the session is over, so that work can continue offline. */
export const identity = signal<Identity | null>(read());
export const isAdmin = computed(() => identity.value?.role === 'admin');

/** Whom waiting entries belong to: the person of the token, and without one the token. */
export function ownerOf(of: Identity): string {
  return of.person ? `person:${of.person}` : `token:${of.token_id}`;
}

function keep(of: Identity | null): void {
  identity.value = of;
  writeSetting('identity', of === null ? null : JSON.stringify(of));
}

/** Exchanges a token for a session. The token is not stored. */
export async function signIn(token: string): Promise<Answer<Identity>> {
  const answer = await request<Identity>('POST', '/session', { body: { token } });
  if (answer.ok) {
    keep(answer.body);
    signInNeeded.value = false;
  }
  return answer;
}

/** Asks the service who this is. Without an answer the stored identity stays. */
export async function refresh(): Promise<void> {
  const answer = await get<Identity>('/session');
  if (answer.ok) {
    keep(answer.body);
    signInNeeded.value = false;
  } else if (answer.status === 401 && identity.peek() !== null) {
    signInNeeded.value = true;
  }
}

/** Ends the session. Returns: false when the service could not be reached; the cookie is still valid then. */
export async function signOut(): Promise<boolean> {
  const answer = await request<undefined>('DELETE', '/session');
  if (!answer.ok && answer.status !== 401) return false;
  keep(null);
  signInNeeded.value = false;
  return true;
}
