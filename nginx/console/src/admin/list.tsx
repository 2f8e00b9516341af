// What all lists of the admin's screens have: the heading, a line with filters, the table, "Show more", and what went wrong.

import type { Signal } from '@preact/signals';
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';
import { explain } from '../lib/explain';
import { numberText } from '../lib/format';
import type { Problem } from '../lib/types';
import type { Rows } from '../lib/rows';
import { t } from './words';

const TYPING_PAUSE_MS = 250;

export function Screen({ title, actions, children }: { title: string; actions?: ComponentChildren; children: ComponentChildren }): JSX.Element {
  return (
    <section class="admin page">
      <header class="screen-head">
        <h1>{title}</h1>
        <div class="actions">{actions}</div>
      </header>
      {children}
    </section>
  );
}

/** A text field that changes its signal after a pause in typing. */
export function SearchField({ label, value }: { label: string; value: Signal<string> }): JSX.Element {
  const timer = useRef(0);
  useEffect(() => () => clearTimeout(timer.current), []);
  return (
    <input
      type="search"
      class="search-field"
      aria-label={label}
      placeholder={label}
      maxLength={255}
      defaultValue={value.peek()}
      onInput={(event) => {
        const typed = event.currentTarget.value.trim();
        clearTimeout(timer.current);
        timer.current = window.setTimeout(() => {
          value.value = typed;
        }, TYPING_PAUSE_MS);
      }}
    />
  );
}

export interface Option {
  value: string;
  label: string;
}

/** A labelled choice that changes its signal. */
export function Choice({ label, value, options }: { label: string; value: Signal<string>; options: readonly Option[] }): JSX.Element {
  const id = useId();
  return (
    <span class="choice">
      <label for={id}>{label}</label>
      <select
        id={id}
        value={value.value}
        onChange={(event) => {
          value.value = event.currentTarget.value;
        }}
      >
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
    </span>
  );
}

export function ProblemLine({ problem }: { problem: Problem | null }): JSX.Element | null {
  if (!problem) return null;
  return (
    <p class="problem" role="alert">
      {explain(problem)}
    </p>
  );
}

/** What is below a list: how many rows there are, and the button for the next ones. */
export function ListEnd<T>({ list, empty }: { list: Rows<T>; empty: string }): JSX.Element {
  const rows = list.rows.value;
  const total = list.total.value;
  return (
    <footer class="list-end">
      <ProblemLine problem={list.problem.value} />
      <p role="status">
        {rows === null && !list.problem.value && t('reading')}
        {rows?.length === 0 && empty}
        {rows !== null && rows.length > 0 && total !== null && t('shown_of', { shown: numberText(rows.length), n: total })}
      </p>
      {list.next.value !== null && (
        <button type="button" disabled={list.reading.value} onClick={() => void list.more()}>
          {t('show_more')}
        </button>
      )}
    </footer>
  );
}
