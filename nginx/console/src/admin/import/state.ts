// The steps of an import: file, columns and preview, progress, result.

import { batch, computed, signal } from '@preact/signals';
import type { Problem } from '../../lib/types';
import { get } from '../../lib/api';
import {
  type Change,
  type End,
  type ImportKind,
  type Parameters,
  type Plan,
  type PlannedColumn,
  type Progress,
  type Question,
  type RefusedRow,
  type Result,
  upload,
} from './upload';

export type Step = 'file' | 'preview' | 'running' | 'result';

/** An import as GET /imports lists it. */
export interface PastImport {
  id: string;
  kind: ImportKind;
  actor: string;
  started_at: string;
  ended_at: string | null;
  outcome: Result['outcome'] | null;
  rows: number;
  refused: number;
  created: number;
  changed: number;
  unchanged: number;
  undone_at: string | null;
}

export const FIELDS: Record<ImportKind, readonly string[]> = {
  products: ['gtin', 'name', 'brand', 'category'],
  'stock-readings': ['gtin', 'shop', 'expiry_date', 'quantity', 'name', 'date_kind', 'kind', 'observed_at'],
};
/** The target of a column that is not imported. */
export const NOT_IMPORTED = '';

export const kind = signal<ImportKind>('products');
export const file = signal<File | null>(null);
export const step = signal<Step>('file');
export const reading = signal(false); // a preview is on its way

/** What the person decided: targets of columns by their number, and the other parameters. */
export const targets = signal<ReadonlyMap<number, string>>(new Map());
export const answers = signal<Readonly<Record<string, string>>>({});
/** Empty cells clear the brand or category of a product, instead of changing nothing. */
export const clearEmpty = signal(false);

export const plan = signal<Plan | null>(null);
export const questions = signal<readonly Question[]>([]);
export const changes = signal<readonly Change[]>([]);
export const refused = signal<readonly RefusedRow[]>([]);
export const progress = signal<Progress | null>(null);
export const result = signal<Result | null>(null);
export const problem = signal<Problem | null>(null);
export const cut = signal(false);

let running = new AbortController();

/** Whether the file has a column whose empty cells can clear a field. */
export const canClear = computed(() => kind.value === 'products' && (plan.value?.columns.some((column) => ['brand', 'category'].includes(targetOf(column))) ?? false));

const parameters = computed<Parameters>(() => [
  ...[...targets.value].map(
    ([number, field]) => (field === NOT_IMPORTED ? ['ignore', `#${number}`] : ['map', `${field}=#${number}`]) as [string, string],
  ),
  ...Object.entries(answers.value).filter(([, value]) => value !== ''),
  ...(canClear.value && clearEmpty.value ? [['clear_empty', 'true'] as const] : []),
]);

function clear(): void {
  batch(() => {
    questions.value = [];
    changes.value = [];
    refused.value = [];
    progress.value = null;
    result.value = null;
    problem.value = null;
    cut.value = false;
  });
}

const receiver = {
  plan: (of: Plan) => (plan.value = of),
  progress: (of: Progress) => (progress.value = of),
  refused: (rows: RefusedRow[]) => (refused.value = [...refused.value, ...rows]),
  change: (some: Change[]) => (changes.value = [...changes.value, ...some]),
};

function take(end: End): void {
  if (end.is === 'result') result.value = end.result;
  else if (end.is === 'problem') problem.value = end.problem;
  else if (end.is === 'cut') cut.value = true;
  else {
    questions.value = end.questions;
    if (end.plan) plan.value = end.plan;
  }
}

/** Takes a file; what was decided for the file before does not count any more. */
export function choose(chosen: File): void {
  batch(() => {
    file.value = chosen;
    targets.value = new Map();
    answers.value = {};
    clearEmpty.value = false;
    plan.value = null;
  });
  void preview();
}

/** Reads what the import would do. */
export async function preview(): Promise<void> {
  const chosen = file.value;
  if (!chosen) return;
  running.abort();
  const mine = new AbortController();
  running = mine;
  clear();
  step.value = 'preview';
  reading.value = true;
  const end = await upload(kind.value, chosen, [...parameters.value, ['dry_run', 'true']], receiver, mine.signal);
  if (mine.signal.aborted) return;
  reading.value = false;
  take(end);
}

/** Imports the file with what was decided. */
export async function start(): Promise<void> {
  const chosen = file.value;
  if (!chosen) return;
  running.abort();
  const mine = new AbortController();
  running = mine;
  clear();
  step.value = 'running';
  const end = await upload(kind.value, chosen, parameters.value, receiver, mine.signal);
  take(end);
  if (end.is === 'cut' && plan.value?.import) await readRecord(plan.value.import);
  step.value = end.is === 'question' ? 'preview' : 'result';
  void readPast();
}

/** Cancels a running import; what it took stays, and the record of the import says what that is. */
export function cancel(): void {
  running.abort();
}

/** Without the last line of the answer, the record says how the import ended. */
async function readRecord(id: string): Promise<void> {
  for (let attempt = 0; attempt < 20; attempt += 1) {
    const answer = await get<PastImport>(`/imports/${id}`);
    if (answer.ok && answer.body.ended_at !== null) {
      const { outcome, ...record } = answer.body;
      result.value = { ...record, import: id, outcome: outcome ?? 'failed', reason: null, repeated: 0, failed: 0 };
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

/** Begins again with another file. */
export function beginAgain(): void {
  running.abort();
  clear();
  batch(() => {
    file.value = null;
    plan.value = null;
    step.value = 'file';
    reading.value = false;
  });
}

/** Returns: the field that a column is for. */
export function targetOf(column: PlannedColumn): string {
  return targets.value.get(column.number) ?? (['used', 'fallback', 'compared'].includes(column.use) ? (column.field ?? NOT_IMPORTED) : NOT_IMPORTED);
}

/** Decides what a column is for. A field has one column that a person chose, so another choice of it goes. */
export function setTarget(column: PlannedColumn, field: string): void {
  const next = new Map([...targets.value].filter(([, other]) => other === NOT_IMPORTED || other !== field));
  next.set(column.number, field);
  targets.value = next;
  void preview();
}

/** The imports before, the newest first; null: not read yet. */
export const past = signal<readonly PastImport[] | null>(null);

export async function readPast(): Promise<void> {
  const answer = await get<PastImport[]>('/imports?limit=20');
  if (answer.ok) past.value = answer.body;
}
