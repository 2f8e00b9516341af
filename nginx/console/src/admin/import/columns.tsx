// The columns of the file: three values of each, and the field that it is for. What is not clear is a question.

import type { JSX } from 'preact';
import { useId } from 'preact/hooks';
import { shops } from '../../data/shops';
import { type Key, t } from '../words';
import { answers, canClear, clearEmpty, FIELDS, kind, NOT_IMPORTED, plan, preview, questions, setTarget, targetOf } from './state';
import type { PlannedColumn } from './upload';

export function Columns(): JSX.Element | null {
  const of = plan.value;
  const left = of?.columns.filter((column) => targetOf(column) === NOT_IMPORTED) ?? [];
  return (
    <>
      {questions.value.length > 0 && <Questions />}
      {of && (
        <section class="block">
          <h2>{t('columns')}</h2>
          {of.header_line !== null && <p class="hint">{t('columns_about', { encoding: of.encoding, line: of.header_line })}</p>}
          {of.notes.map((note) => (
            <p key={note} class="hint">
              {note}
            </p>
          ))}
          <div class="wide-table" tabIndex={0} role="region" aria-label={t('columns')}>
            <table class="columns">
              <thead>
                <tr>
                  <th scope="col">{t('column')}</th>
                  <th scope="col">{t('samples')}</th>
                  <th scope="col">{t('target')}</th>
                </tr>
              </thead>
              <tbody>
                {of.columns.map((column) => (
                  <ColumnRow key={column.number} column={column} />
                ))}
              </tbody>
            </table>
          </div>
          {canClear.value && <ClearEmpty />}
          {left.length > 0 && (
            <p class="not-imported">
              <b>{t('not_imported')}</b> {left.map(({ name, number }) => name || `#${number}`).join(', ')}
            </p>
          )}
        </section>
      )}
    </>
  );
}

const FIELD_TEXTS: Record<string, Key> = {
  gtin: 'field_gtin',
  name: 'name',
  brand: 'brand',
  category: 'category',
  shop: 'shop',
  expiry_date: 'field_date',
  quantity: 'field_quantity',
  date_kind: 'field_date_kind',
  kind: 'field_kind',
  observed_at: 'field_observed',
};

export function fieldText(field: string): string {
  const key = FIELD_TEXTS[field.toLowerCase()];
  return key ? t(key) : field;
}

function ColumnRow({ column }: { column: PlannedColumn }): JSX.Element {
  const label = column.name || `#${column.number}`;
  return (
    <tr>
      <th scope="row">{label}</th>
      <td class="samples">{column.samples.filter((sample) => sample !== '').join(' · ') || '–'}</td>
      <td>
        <select
          aria-label={t('target_of', { name: label })}
          value={targetOf(column)}
          onChange={(event) => setTarget(column, event.currentTarget.value)}
        >
          <option value={NOT_IMPORTED}>{t('not_imported_option')}</option>
          {FIELDS[kind.value].map((field) => (
            <option key={field} value={field}>
              {fieldText(field)}
            </option>
          ))}
        </select>
        {column.use === 'fallback' && <small class="hint">{t('use_fallback')}</small>}
        {column.use === 'compared' && <small class="hint">{t('use_compared')}</small>}
        {column.use === 'unnamed' && <small class="hint">{t('use_unnamed')}</small>}
      </td>
    </tr>
  );
}

function ClearEmpty(): JSX.Element {
  const hint = useId();
  return (
    <div>
      <label class="option">
        <input
          type="checkbox"
          checked={clearEmpty.value}
          aria-describedby={hint}
          onChange={(event) => {
            clearEmpty.value = event.currentTarget.checked;
            void preview();
          }}
        />
        <span>{t('clear_empty')}</span>
      </label>
      <p id={hint} class="hint">
        {t('clear_empty_hint')}
      </p>
    </div>
  );
}

const ENCODINGS = ['utf-8', 'utf-16le', 'utf-16be', 'windows-1252', 'iso-8859-15', 'iso-8859-1', 'windows-1250', 'iso-8859-2', 'macintosh'];
const DATE_FORMATS = ['DD.MM.YYYY', 'DD/MM/YYYY', 'MM/DD/YYYY', 'DD.MM.YY', 'MM/DD/YY', 'DD-MMM-YY', 'MM/YYYY', 'excel'];

function Questions(): JSX.Element {
  const needed = [...new Set(questions.value.flatMap(({ parameters }) => parameters))];
  return (
    <form
      class="block questions"
      onSubmit={(event) => {
        event.preventDefault();
        void preview();
      }}
    >
      <h2>{t(needed.length > 0 ? 'questions' : 'cannot_import')}</h2>
      <div role="alert">
        <ul>
          {questions.value.map(({ question }) => (
            <li key={question}>{question}</li>
          ))}
        </ul>
      </div>
      <div class="filters">
        {needed.map((name) => (
          <Answer key={name} name={name} />
        ))}
      </div>
      {needed.some((name) => name !== 'map' && name !== 'ignore') ? (
        <button type="submit" class="primary">
          {t('answer')}
        </button>
      ) : (
        <p class="hint">{t(plan.value ? 'answer_in_columns' : 'file_has_to_change')}</p>
      )}
    </form>
  );
}

interface Choice {
  value: string;
  label: string;
}

/** The choices that answer a question; undefined: a text does. */
function choicesOf(name: string): Choice[] | undefined {
  const plain = (values: readonly string[]): Choice[] => values.map((value) => ({ value, label: value }));
  if (name === 'encoding') return plain(ENCODINGS);
  if (name === 'shop') return shops.value.map(({ id, name: label }) => ({ value: String(id), label }));
  if (name === 'restore_zeros') return [{ value: 'true', label: t('yes') }];
  if (name === 'decimal') {
    return [
      { value: ',', label: t('decimal_comma') },
      { value: '.', label: t('decimal_point') },
    ];
  }
  if (name === 'lots') return (['sum', 'last', 'refuse'] as const).map((value) => ({ value, label: t(`lots_${value}`) }));
  return undefined;
}

const ANSWER_TEXTS: Partial<Record<string, Key>> = {
  encoding: 'encoding',
  shop: 'shop',
  restore_zeros: 'restore_zeros',
  decimal: 'decimal',
  lots: 'lots',
  date_format: 'date_format',
  max_refused: 'max_refused',
};

function Answer({ name }: { name: string }): JSX.Element | null {
  const id = useId();
  if (name === 'map' || name === 'ignore') return null; // the table of columns answers it
  const choices = choicesOf(name);
  const set = (value: string): void => {
    answers.value = { ...answers.value, [name]: value };
  };
  const label = ANSWER_TEXTS[name];
  return (
    <span class="choice">
      <label for={id}>{label ? t(label) : name}</label>
      {choices ? (
        <select id={id} value={answers.value[name] ?? ''} onChange={(event) => set(event.currentTarget.value)}>
          <option value="">…</option>
          {choices.map(({ value, label: text }) => (
            <option key={value} value={value}>
              {text}
            </option>
          ))}
        </select>
      ) : (
        <>
          <input
            id={id}
            type="text"
            list={`${id}-list`}
            maxLength={40}
            value={answers.value[name] ?? ''}
            onInput={(event) => set(event.currentTarget.value)}
          />
          {name === 'date_format' && (
            <datalist id={`${id}-list`}>
              {DATE_FORMATS.map((format) => (
                <option key={format} value={format} />
              ))}
            </datalist>
          )}
        </>
      )}
    </span>
  );
}
