// A table of rows that can be opened and chosen. Below 600 px each row is a card; the roles keep its meaning then.

import type { Signal } from '@preact/signals';
import type { ComponentChildren, JSX } from 'preact';
import { t } from './words';

export interface Column<T> {
  name: string;
  label: string;
  cell: (row: T) => ComponentChildren;
  numeric?: boolean;
}

export interface TableProps<T> {
  caption: string;
  columns: readonly Column<T>[]; // the first one names the row
  rows: readonly T[];
  keyOf: (row: T) => string;
  onOpen?: (row: T) => void;
  chosen?: Signal<ReadonlySet<string>>;
}

export function Table<T>({ caption, columns, rows, keyOf, onOpen, chosen }: TableProps<T>): JSX.Element {
  return (
    <table class="data" role="table">
      <caption class="visually-hidden">{caption}</caption>
      <thead role="rowgroup">
        <tr role="row">
          {chosen && <ChooseAll keys={rows.map(keyOf)} chosen={chosen} />}
          {columns.map((column) => (
            <th key={column.name} role="columnheader" scope="col" class={column.numeric ? 'numeric' : ''}>
              {column.label}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {rows.map((row) => (
          <Row key={keyOf(row)} row={row} id={keyOf(row)} columns={columns} onOpen={onOpen} chosen={chosen} />
        ))}
      </tbody>
    </table>
  );
}

interface RowProps<T> {
  row: T;
  id: string;
  columns: readonly Column<T>[];
  onOpen: ((row: T) => void) | undefined;
  chosen: Signal<ReadonlySet<string>> | undefined;
}

function Row<T>({ row, id, columns, onOpen, chosen }: RowProps<T>): JSX.Element {
  const [first, ...others] = columns;
  return (
    <tr role="row" data-key={id} class={onOpen ? 'opens' : ''}>
      {chosen && (
        <td role="cell" class="choose">
          <label class="tick">
            <input
              type="checkbox"
              checked={chosen.value.has(id)}
              onChange={(event) => {
                chosen.value = changed(chosen.value, id, event.currentTarget.checked);
              }}
            />
            <span class="visually-hidden">{t('choose_row', { name: id })}</span>
          </label>
        </td>
      )}
      {first && (
        <th role="rowheader" scope="row">
          {onOpen ? (
            <button type="button" class="open" onClick={() => onOpen(row)}>
              {first.cell(row)}
            </button>
          ) : (
            first.cell(row)
          )}
        </th>
      )}
      {others.map((column) => (
        <td key={column.name} role="cell" data-label={column.label} class={column.numeric ? 'numeric' : ''}>
          {column.cell(row)}
        </td>
      ))}
    </tr>
  );
}

function ChooseAll({ keys, chosen }: { keys: readonly string[]; chosen: Signal<ReadonlySet<string>> }): JSX.Element {
  const all = keys.length > 0 && keys.every((key) => chosen.value.has(key));
  return (
    <th role="columnheader" scope="col" class="choose">
      <label class="tick">
        <input
          type="checkbox"
          checked={all}
          onChange={(event) => {
            chosen.value = new Set(event.currentTarget.checked ? keys : []);
          }}
        />
        <span class="visually-hidden">{t('choose_all')}</span>
      </label>
    </th>
  );
}

function changed(set: ReadonlySet<string>, key: string, included: boolean): ReadonlySet<string> {
  const result = new Set(set);
  if (included) result.add(key);
  else result.delete(key);
  return result;
}
