// Sends a file to the import and reads what it answers, line by line as it happens.

import { API, signInNeeded } from '../../lib/api';
import type { Problem } from '../../lib/types';

export type ImportKind = 'products' | 'stock-readings';

/** What an import does with a column; `unnamed`: a row with a value in it is refused. */
export type Use = 'used' | 'fallback' | 'compared' | 'ignored' | 'known' | 'not_used' | 'unnamed';

export interface PlannedColumn {
  number: number;
  name: string;
  use: Use;
  field: string | null;
  samples: string[];
}

export interface Plan {
  import: string | null;
  encoding: string;
  compressed: boolean;
  separator: string | null; // this and the next are null for JSON lines
  header_line: number | null;
  columns: PlannedColumn[];
  notes: string[];
  bytes: number;
}

export interface RefusedRow {
  line: number;
  field: string;
  reason: string;
}

export type Values = Record<string, string | number | null>;

/** A product or a reading before and after; `before` null: it is new. */
export interface Change {
  line?: number;
  GTIN: string;
  name?: string;
  before: Values | null;
  after: Values;
}

export interface Progress {
  rows: number;
  refused: number;
  bytes: number;
  bytes_total: number;
}

export interface Result {
  import: string | null;
  outcome: 'done' | 'stopped' | 'cancelled' | 'failed';
  reason: string | null;
  rows: number;
  refused: number;
  created: number;
  changed: number;
  unchanged: number;
  repeated: number;
  failed: number;
  changes?: number;
}

export interface Question {
  question: string;
  parameters: string[];
}

export type Parameters = readonly (readonly [name: string, value: string])[];

export interface Receiver {
  plan: (plan: Plan) => void;
  progress: (progress: Progress) => void;
  refused: (rows: RefusedRow[]) => void;
  change: (changes: Change[]) => void;
}

/** How an import ended. `cut`: the answer stopped before its last line, so what was taken is not known here. */
export type End =
  | { is: 'result'; result: Result }
  | { is: 'question'; questions: Question[]; plan: Plan | null }
  | { is: 'problem'; problem: Problem }
  | { is: 'cut' };

type Line = { event: 'plan' | 'progress' | 'refused' | 'change' | 'result' };

/** Imports a file, or with `dry_run` among the parameters only says what it would do. Aborting cancels it. */
export async function upload(kind: ImportKind, file: File, parameters: Parameters, receiver: Receiver, signal: AbortSignal): Promise<End> {
  const query = new URLSearchParams(parameters.map(([name, value]) => [name, value]));
  try {
    const response = await fetch(`${API}/import/${kind}?${query.toString().replaceAll('+', '%20')}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/octet-stream', Accept: 'application/x-ndjson' },
      body: file,
      signal,
    });
    if (response.ok && response.body) return await read(response.body, receiver);
    if (response.status === 401) signInNeeded.value = true;
    const problem = (await response.json()) as Problem & { questions?: Question[]; plan?: Plan | null };
    if (problem.questions) return { is: 'question', questions: problem.questions, plan: problem.plan ?? null };
    return { is: 'problem', problem };
  } catch {
    return { is: 'cut' };
  }
}

async function read(body: ReadableStream<Uint8Array>, receiver: Receiver): Promise<End> {
  let end: End = { is: 'cut' };
  for await (const lines of linesOf(body)) {
    const refused: RefusedRow[] = [];
    const changes: Change[] = [];
    for (const line of lines as (Line & object)[]) {
      if (line.event === 'plan') receiver.plan(line as unknown as Plan);
      else if (line.event === 'progress') receiver.progress(line as unknown as Progress);
      else if (line.event === 'refused') refused.push(line as unknown as RefusedRow);
      else if (line.event === 'change') changes.push(line as unknown as Change);
      else end = { is: 'result', result: line as unknown as Result };
    }
    if (refused.length > 0) receiver.refused(refused);
    if (changes.length > 0) receiver.change(changes);
  }
  return end;
}

/** The lines of each piece that arrived, as values. */
async function* linesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<unknown[]> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  for (;;) {
    const { value, done } = await reader.read();
    const parts = (rest + (done ? '' : decoder.decode(value, { stream: true }))).split('\n');
    rest = parts.pop() ?? '';
    if (parts.length > 0) yield parts.filter((part) => part !== '').map((part) => JSON.parse(part) as unknown);
    if (done) return;
  }
}

export interface UndoResult {
  complete: boolean;
  events: number;
  taken_back: number;
  products_restored: number;
  products_removed: number;
  products_changed_since: number;
  products_in_use: number;
}

/** Takes an import back. Returns: what was done; the problem of a refusal; null without a complete answer. */
export async function undo(id: string): Promise<UndoResult | Problem | null> {
  try {
    const response = await fetch(`${API}/imports/${id}/undo`, { method: 'POST', headers: { 'Content-Type': 'application/json' } });
    const lines = (await response.text()).trim().split('\n');
    const last = JSON.parse(lines.at(-1) ?? '') as { event?: string };
    if (!response.ok) return last as unknown as Problem;
    return last.event === 'result' ? (last as unknown as UndoResult) : null;
  } catch {
    return null;
  }
}
