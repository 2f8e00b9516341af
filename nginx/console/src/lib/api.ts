// Requests to the service. A refusal and a missing answer are values; nothing is thrown.

import { signal } from '@preact/signals';
import { noteServerTime } from './clock';
import type { Problem } from './types';

export const API = '/api/v1';
const TIMEOUT_MS = 15_000;

export interface Received<T> {
  ok: true;
  status: number;
  body: T;
  headers: Headers;
}

export interface Refused {
  ok: false;
  status: number; // 0: no answer of the service
  problem: Problem;
  retryAfterMs?: number;
}

export type Answer<T> = Received<T> | Refused;

export interface Options {
  body?: unknown;
  ifMatch?: string;
  idempotencyKey?: string;
  /** A token that is sent itself, where the session is not enough. */
  bearer?: string;
  timeoutMs?: number;
  signal?: AbortSignal;
}

/** What the last request showed: `portal` is a network that answers with a page of its own. */
export const reachable = signal<'yes' | 'no' | 'portal' | 'busy'>(navigator.onLine ? 'yes' : 'no');
/** The cookie is missing, over, or revoked; set by any 401 and cleared by a sign-in. */
export const signInNeeded = signal(false);
/** The person decided to send nothing for now. */
export const workOffline = signal(false);
/** The oldest version of the console that the service accepts, as its answers say. */
export const oldestAccepted = signal<number | null>(null);

/** Header of answers with the oldest accepted version, and the version of this console's use of the API. */
export const VERSION_HEADER = 'Oldest-Console';
export const CONSOLE_VERSION = 1;

function local(code: string, detail: string): Refused {
  return { ok: false, status: 0, problem: { type: `console:${code}`, title: detail, status: 0, detail } };
}

function isProblem(value: unknown): value is Problem {
  return typeof value === 'object' && value !== null && 'type' in value && 'detail' in value;
}

/** Sends a request. `path` is below /api/v1, or absolute. The answer of a 204 has the body undefined. */
export async function request<T>(method: string, path: string, options: Options = {}): Promise<Answer<T>> {
  const headers: Record<string, string> = { Accept: 'application/json' };
  if (options.body !== undefined) headers['Content-Type'] = 'application/json';
  if (options.ifMatch !== undefined) headers['If-Match'] = options.ifMatch;
  if (options.idempotencyKey !== undefined) headers['Idempotency-Key'] = options.idempotencyKey;
  if (options.bearer !== undefined) headers['Authorization'] = `Bearer ${options.bearer}`;
  const limit = AbortSignal.timeout(options.timeoutMs ?? TIMEOUT_MS);
  const both = options.signal && 'any' in AbortSignal ? AbortSignal.any([limit, options.signal]) : limit;
  let response: Response;
  let text: string;
  try {
    response = await fetch(path.startsWith('/') && !path.startsWith(API) ? API + path : path, {
      method,
      headers,
      body: options.body === undefined ? null : JSON.stringify(options.body),
      credentials: 'same-origin',
      cache: 'no-cache', // with the ETag: never an old answer
      redirect: 'manual', // a portal redirects, the service never does
      signal: both,
    });
    text = await response.text();
  } catch {
    if (options.signal?.aborted) return local('cancelled', 'Cancelled.');
    reachable.value = 'no';
    return limit.aborted ? local('timeout', 'No answer in time.') : local('offline', 'No connection.');
  }
  const body = parse(text);
  if (response.type === 'opaqueredirect' || (body === undefined && text !== '')) {
    reachable.value = 'portal';
    return local('portal', 'This network answers with its own page.');
  }
  noteServerTime(response.headers.get('Date'));
  const oldest = response.headers.get(VERSION_HEADER);
  if (oldest && /^\d+$/.test(oldest)) oldestAccepted.value = Number(oldest);
  const busy = response.status === 429 || response.status >= 500;
  reachable.value = busy ? 'busy' : 'yes';
  if (response.ok) return { ok: true, status: response.status, body: body as T, headers: response.headers };
  if (response.status === 401 && !path.startsWith('/session') && options.bearer === undefined) signInNeeded.value = true;
  const problem = isProblem(body) ? body : { type: 'console:unknown', title: '', status: response.status, detail: `HTTP ${response.status}` };
  const seconds = Number(response.headers.get('Retry-After'));
  return { ok: false, status: response.status, problem, ...(seconds > 0 ? { retryAfterMs: seconds * 1000 } : {}) };
}

/** Returns: undefined for a text that is not JSON. */
function parse(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export const get = <T>(path: string, options?: Options): Promise<Answer<T>> => request<T>('GET', path, options);

/** Returns: whether the request may be sent again as it is: no answer, or one that says "later". */
export function isTransient(answer: Refused): boolean {
  return answer.status === 0 || answer.status === 408 || answer.status === 425 || answer.status === 429 || answer.status >= 500;
}

/** Returns: the address of the next page of a list; undefined on the last one. */
export function nextPage(headers: Headers): string | undefined {
  return /<([^>]+)>;\s*rel="next"/.exec(headers.get('Link') ?? '')?.[1];
}
