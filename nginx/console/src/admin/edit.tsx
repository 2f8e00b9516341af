// The sheet in which a row is changed or made. What another person changed meanwhile is compared field by field.

import { useSignal } from '@preact/signals';
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';
import { get, request } from '../lib/api';
import { explain } from '../lib/explain';
import type { Problem } from '../lib/types';
import { announce } from '../ui/announce';
import { confirm, Sheet } from '../ui/sheet';
import { changes, compare, decided, type Difference, type Fields } from './compare';
import { Conflict } from './conflict';
import { t } from './words';

export interface FieldSpec {
  name: string;
  label: string;
  hint?: string;
  /** The field may be empty, and is null then. */
  optional?: boolean;
  /** Values to choose from; others can be typed. */
  suggestions?: readonly string[];
  numeric?: boolean;
  type?: 'text' | 'date' | 'password';
  /** What a password manager may fill in. */
  autocomplete?: 'off' | 'current-password';
}

export interface EditProps<T> {
  title: string;
  /** The address of the row below /api/v1; null: a new one. */
  path: string | null;
  /** Where a new row is made. */
  collection: string;
  fields: readonly FieldSpec[];
  /** What a comparison names: "product", for the audit. */
  subject: string;
  initial?: Fields;
  onClose: () => void;
  onSaved: (row: T) => void;
  /** Deletes the row after a question. Returns: whether it is deleted. */
  remove?: (row: T, tag: string) => Promise<boolean>;
  children?: (row: T) => ComponentChildren;
}

interface Loaded<T> {
  row: T;
  tag: string;
}

export function EditSheet<T extends object>(props: EditProps<T>): JSX.Element {
  const { path, fields, onClose, onSaved } = props;
  const base = useSignal<Loaded<T> | null>(null);
  const values = useSignal<Fields>(props.initial ?? Object.fromEntries(fields.map(({ name }) => [name, null])));
  const problem = useSignal<Problem | null>(null);
  const saving = useSignal(false);
  const differences = useSignal<Difference[] | null>(null);

  const load = async (): Promise<Loaded<T> | null> => {
    const answer = await get<T>(path as string);
    if (answer.ok) return { row: answer.body, tag: answer.headers.get('ETag') ?? '' };
    problem.value = answer.problem;
    return null;
  };
  useEffect(() => {
    if (path === null) return;
    void load().then((loaded) => {
      if (!loaded) return;
      base.value = loaded;
      values.value = pick(loaded.row, fields);
    });
  }, [path]);

  const began = (): Fields => (base.value ? pick(base.value.row, fields) : (props.initial ?? {}));
  const unsaved = (): boolean => Object.keys(changes(began(), values.value)).length > 0;
  const close = async (): Promise<void> => {
    if (!unsaved() || (await confirm(t('discard_title'), t('discard_text'), t('discard')))) onClose();
  };
  const done = (row: T): void => {
    announce({ text: t('saved'), tone: 'good' });
    onSaved(row);
    onClose();
  };

  const save = async (send: Fields): Promise<void> => {
    if (saving.value) return;
    if (base.value && Object.keys(send).length === 0) {
      onSaved(base.value.row);
      onClose();
      return;
    }
    saving.value = true;
    problem.value = null;
    const answer =
      path === null
        ? await request<T>('POST', props.collection, { body: withoutNulls(send) })
        : await request<T>('PATCH', path, { body: send, ifMatch: base.value?.tag ?? '' });
    saving.value = false;
    if (answer.ok) done(answer.body);
    else if (answer.status === 412) await reconcile();
    else problem.value = answer.problem;
  };

  // Another person was faster, or an answer was lost and this is the row as it was saved then.
  const reconcile = async (): Promise<void> => {
    const now = await load();
    if (!now) return;
    const found = compare(began(), values.value, pick(now.row, fields));
    base.value = now;
    if (found.every(({ choice }) => choice === 'now')) done(now.row);
    else differences.value = found;
  };

  // The sheet opens before the row is read; the first field gets the focus when it is there.
  const form = useRef<HTMLFormElement>(null);
  const ready = path === null || base.value !== null;
  useEffect(() => {
    if (ready) form.current?.querySelector('input')?.focus();
  }, [ready, differences.value !== null]);

  useEffect(() => {
    if (problem.value?.errors) form.current?.querySelector<HTMLElement>('[aria-invalid]')?.focus();
  }, [problem.value]);

  const mine = differences.value;
  const body = (
    <form
      ref={form}
      class="edit"
      onSubmit={(event) => {
        event.preventDefault();
        void save(mine ? decided(mine) : path === null ? values.value : changes(began(), values.value));
      }}
      onKeyDown={(event) => {
        if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) event.currentTarget.requestSubmit();
      }}
    >
      {problem.value && (
        <p class="problem" role="alert">
          {problem.value.status === 404 ? t('deleted_meanwhile') : explainForm(problem.value, fields.map(({ name }) => name))}
        </p>
      )}
      {mine ? (
        <Conflict subject={props.subject} path={path ?? ''} fields={fields} differences={mine} onChoose={(next) => (differences.value = next)} />
      ) : (
        fields.map((field) => (
          <Field
            key={field.name}
            field={field}
            value={values.value[field.name] ?? null}
            errors={problem.value?.errors?.[field.name] ?? []}
            onInput={(value) => (values.value = { ...values.value, [field.name]: value })}
          />
        ))
      )}
      {!mine && base.value && props.children?.(base.value.row)}
      <footer class="sheet-foot">
        {!mine && base.value && props.remove && (
          <button
            type="button"
            class="quiet danger"
            onClick={async () => {
              const { row, tag } = base.value as Loaded<T>;
              if (await props.remove?.(row, tag)) onClose();
            }}
          >
            {t('delete')}
          </button>
        )}
        <span class="gap" />
        <button type="button" onClick={() => void close()}>
          {t('cancel')}
        </button>
        <button type="submit" class="primary" disabled={saving.value || (mine?.some(({ choice }) => choice === null) ?? false)}>
          {saving.value ? t('saving') : t('save')}
        </button>
      </footer>
    </form>
  );
  return (
    <Sheet title={props.title} side onClose={() => void close()}>
      {ready ? body : <Waiting problem={problem.value} />}
    </Sheet>
  );
}

/** Returns: what is wrong; the fields of the form have their own texts. */
export function explainForm(problem: Problem, fields: readonly string[]): string {
  const named = Object.keys(problem.errors ?? {});
  return named.length > 0 && named.every((name) => fields.includes(name)) ? t('check_fields') : explain(problem);
}

function Waiting({ problem }: { problem: Problem | null }): JSX.Element {
  if (!problem) return <p role="status">{t('reading')}</p>;
  return (
    <p class="problem" role="alert">
      {problem.status === 404 ? t('deleted_meanwhile') : explain(problem)}
    </p>
  );
}

interface FieldProps {
  field: FieldSpec;
  value: string | number | null;
  errors: readonly string[];
  onInput: (value: string | null) => void;
}

export function Field({ field, value, errors, onInput }: FieldProps): JSX.Element {
  const id = useId();
  const notes = [field.hint ? `${id}-hint` : '', errors.length > 0 ? `${id}-error` : ''].filter(Boolean).join(' ');
  return (
    <div class="field">
      <label for={id}>{field.label}</label>
      <input
        id={id}
        name={field.name}
        type={(field.type ?? 'text') as 'text'} // Preact's types need one literal
        autocomplete={field.autocomplete ?? 'off'}
        maxLength={255}
        required={!field.optional}
        inputMode={field.numeric ? 'numeric' : undefined}
        list={field.suggestions ? `${id}-list` : undefined}
        value={value ?? ''}
        aria-describedby={notes || undefined}
        aria-invalid={errors.length > 0 || undefined}
        onInput={(event) => onInput(event.currentTarget.value === '' ? null : event.currentTarget.value)}
      />
      {field.suggestions && (
        <datalist id={`${id}-list`}>
          {field.suggestions.map((suggestion) => (
            <option key={suggestion} value={suggestion} />
          ))}
        </datalist>
      )}
      {field.hint && (
        <small id={`${id}-hint`} class="hint">
          {field.hint}
        </small>
      )}
      {errors.length > 0 && (
        <small id={`${id}-error`} class="error">
          {errors.join(' ')}
        </small>
      )}
    </div>
  );
}

function pick(row: object, fields: readonly FieldSpec[]): Fields {
  const values = row as Record<string, string | number | null>;
  return Object.fromEntries(fields.map(({ name }) => [name, values[name] ?? null]));
}

function withoutNulls(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
}
