// Who changed what: by person, subject and time.

import { computed, signal } from '@preact/signals';
import type { ComponentChildren, JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { timeText } from '../lib/format';
import { go, route } from '../lib/router';
import { readTokens, shopNames, tokens } from './token_list';
import { Choice, ListEnd, Screen } from './list';
import { address, rowsOf } from '../lib/rows';
import { type Column, Table } from './table';
import { type Key, t } from './words';

export type Subject = 'shop' | 'product' | 'token' | 'reading' | 'thresholds';

export interface AuditEntry {
  id: number;
  at: string;
  token: number;
  actor: string;
  action: 'create' | 'change' | 'delete' | 'revoke' | 'void';
  subject: Subject;
  subject_id: string;
  before: Record<string, unknown> | null;
  after: Record<string, unknown> | null;
}

const PAGE = 50;
const SUBJECTS: Record<Subject, Key> = {
  product: 'product',
  shop: 'shop',
  token: 'token',
  thresholds: 'rules',
  reading: 'taken_back_entry',
};
const COMMAND_LINE = '0';

const actor = signal('');
const subject = signal('');
const subjectId = signal('');
const from = signal('');
const until = signal('');
const list = rowsOf<AuditEntry>();

/** The filter as parameters; a day of a date field begins in the time zone of the browser. */
const shown = computed(() =>
  address('/audit', {
    actor: actor.value,
    subject: subject.value,
    subject_id: subject.value ? subjectId.value : '',
    from: from.value && new Date(`${from.value}T00:00`).toISOString(),
    until: until.value && new Date(Date.parse(`${until.value}T00:00`) + 86_400_000).toISOString(),
    limit: PAGE,
  }),
);

export function Audit(): JSX.Element {
  const { query } = route.value;
  useEffect(() => {
    void readTokens();
  }, []);
  useEffect(() => {
    if (!query.has('subject')) return;
    subject.value = query.get('subject') ?? '';
    subjectId.value = query.get('subject_id') ?? '';
  }, [query.toString()]);
  useEffect(() => {
    void list.show(shown.value);
  }, [shown.value]);
  const columns: Column<AuditEntry>[] = [
    { name: 'what', label: t('what'), cell: (entry) => t(`did_${entry.action}`, { what: `${t(SUBJECTS[entry.subject])} ${nameOf(entry)}` }) },
    { name: 'at', label: t('when'), cell: (entry) => <time dateTime={entry.at}>{timeText(entry.at)}</time> },
    { name: 'actor', label: t('who'), cell: (entry) => (entry.token === 0 ? t('command_line') : entry.actor) },
    { name: 'change', label: t('change'), cell: (entry) => <Changes entry={entry} /> },
  ];
  return (
    <Screen title={t('audit')}>
      <div class="filters">
        <Choice
          label={t('who')}
          value={actor}
          options={[
            { value: '', label: t('all') },
            ...(tokens.value ?? []).map(({ id, name }) => ({ value: String(id), label: name })),
            { value: COMMAND_LINE, label: t('command_line') },
          ]}
        />
        <Choice
          label={t('subject')}
          value={subject}
          options={[{ value: '', label: t('all') }, ...Object.entries(SUBJECTS).map(([value, key]) => ({ value, label: t(key) }))]}
        />
        {subject.value && <SubjectId />}
        <Day label={t('from')} value={from} />
        <Day label={t('until')} value={until} />
      </div>
      <Table
        caption={t('audit')}
        columns={columns}
        rows={list.rows.value ?? []}
        keyOf={(entry) => String(entry.id)}
        onOpen={(entry) => open(entry)}
      />
      <ListEnd list={list} empty={t('no_audit')} />
    </Screen>
  );
}

function SubjectId(): JSX.Element {
  return (
    <label class="choice">
      <span>{subject.value === 'product' ? 'GTIN' : t('number')}</span>
      <input
        type="text"
        inputMode="numeric"
        maxLength={18}
        value={subjectId.value}
        onChange={(event) => {
          subjectId.value = event.currentTarget.value.trim();
        }}
      />
    </label>
  );
}

function Day({ label, value }: { label: string; value: typeof from }): JSX.Element {
  return (
    <label class="choice">
      <span>{label}</span>
      <input
        type="date"
        value={value.value}
        onChange={(event) => {
          value.value = event.currentTarget.value;
        }}
      />
    </label>
  );
}

function nameOf({ before, after, subject_id }: AuditEntry): string {
  const name = after?.['name'] ?? before?.['name'];
  return typeof name === 'string' ? name : subject_id;
}

function open({ subject, subject_id }: AuditEntry): void {
  if (subject === 'product') go(`products/${subject_id}`);
  else if (subject === 'shop') go(`shops/${subject_id}`);
  else if (subject === 'thresholds') go(`rules/${subject_id}`);
  else if (subject === 'token') go('tokens');
  else go(`audit?subject=reading&subject_id=${subject_id}`);
}

const LABELS: Partial<Record<string, Key>> = {
  name: 'name',
  brand: 'brand',
  category: 'category',
  time_zone: 'time_zone',
  role: 'role',
  shops: 'shops',
  person: 'person',
  expires_at: 'ends',
  days: 'due_days',
  stale_days: 'stale_days',
};
const COMPUTED = new Set(['id', 'version', 'updated_at', 'created_at', 'restricted']);

/** The fields whose values changed: old → new. */
function Changes({ entry }: { entry: AuditEntry }): ComponentChildren {
  const { before, after } = entry;
  const names = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])].filter(
    (name) => !COMPUTED.has(name) && JSON.stringify(before?.[name] ?? null) !== JSON.stringify(after?.[name] ?? null),
  );
  return (
    <ul class="changes">
      {names.map((name) => (
        <li key={name}>
          <span class="field-name">{LABELS[name] ? t(LABELS[name]) : name}</span> {before && name in before && <del>{show(name, before[name])}</del>}
          {before && name in before && after && name in after && ' → '}
          {after && name in after && <ins>{show(name, after[name])}</ins>}
        </li>
      ))}
    </ul>
  );
}

function show(name: string, value: unknown): string {
  if (name === 'shops' && Array.isArray(value)) return shopNames(value as number[]);
  if (value === null || value === undefined || (Array.isArray(value) && value.length === 0)) return t('empty');
  if (name === 'expires_at') return timeText(String(value));
  if (name === 'role' && (value === 'staff' || value === 'admin')) return t(value);
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
