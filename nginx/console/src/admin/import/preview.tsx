// What the import would do: numbers, the first changes, and the rows that it refuses.

import type { JSX } from 'preact';
import { numberText } from '../../lib/format';
import { Icon } from '../../ui/icons';
import { ProblemLine } from '../list';
import { t } from '../words';
import { fieldText } from './columns';
import { Numbers } from './numbers';
import { refusedFile } from './refused_file';
import { changes, cut, file, plan, problem, questions, reading, refused, result, start } from './state';
import type { Change, Values } from './upload';

const REFUSED_SHOWN = 100;

export function Preview(): JSX.Element | null {
  const would = result.value;
  const cleared = changes.value.filter(clears).length;
  const hasToChange = questions.value.length > 0 && questions.value.every(({ parameters }) => parameters.length === 0);
  if (hasToChange) return null;
  return (
    <section class="block" aria-busy={reading.value}>
      <h2>{t('preview')}</h2>
      <ProblemLine problem={problem.value} />
      {cut.value && (
        <p class="problem" role="alert">
          {t('preview_cut')}
        </p>
      )}
      <p role="status" class="hint">
        {reading.value && t('reading_file', { name: file.value?.name ?? '' })}
        {questions.value.length > 0 && t('preview_after_questions')}
      </p>
      {would && (
        <>
          <Numbers />
          {would.created + would.changed === 0 && <p>{t('would_change_nothing')}</p>}
          {cleared > 0 && <p class="would-clear">{t('would_clear', { n: cleared })}</p>}
          {changes.value.length > 0 && <Changes total={would.changes ?? changes.value.length} />}
          {refused.value.length > 0 && <Refused />}
          <footer class="sheet-foot">
            <span class="gap" />
            <button type="button" class="primary" disabled={would.rows === would.refused} onClick={() => void start()}>
              {t('import_rows', { n: would.rows - would.refused })}
            </button>
          </footer>
        </>
      )}
    </section>
  );
}

/** Returns: whether the change removes a value. */
const clears = ({ before, after }: Change): boolean => before !== null && Object.keys(after).some((name) => after[name] === null && (before[name] ?? null) !== null);

function Changes({ total }: { total: number }): JSX.Element {
  return (
    <details open>
      <summary>{t('first_changes', { n: total, shown: numberText(changes.value.length) })}</summary>
      <div class="wide-table" tabIndex={0} role="region" aria-label={t('change')}>
        <table class="columns">
          <thead>
            <tr>
              <th scope="col">GTIN</th>
              <th scope="col">{t('name')}</th>
              <th scope="col">{t('change')}</th>
            </tr>
          </thead>
          <tbody>
            {changes.value.map((change, at) => (
              <tr key={at}>
                <th scope="row">
                  <code>{change.GTIN}</code>
                </th>
                <td>{change.name ?? String(change.after['name'] ?? '')}</td>
                <td>
                  <Difference change={change} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}

function Difference({ change: { before, after } }: { change: Change }): JSX.Element {
  const show = (values: Values, name: string): string => (values[name] === null || values[name] === undefined ? t('empty') : String(values[name]));
  const names = Object.keys(after).filter((name) => (before ? before[name] !== after[name] : after[name] !== null && name !== 'name'));
  return (
    <ul class="changes">
      {!before && <li class="is-new">{t('is_new')}</li>}
      {names.map((name) => (
        <li key={name}>
          <span class="field-name">{fieldText(name)}</span> {before && <del>{show(before, name)}</del>}
          {before && ' → '}
          <ins>{show(after, name)}</ins>
        </li>
      ))}
    </ul>
  );
}

/** The refused rows, with a file of all of them. */
export function Refused(): JSX.Element {
  const rows = refused.value;
  const download = async (): Promise<void> => {
    const original = file.value;
    if (!original) return;
    const text = await refusedFile(original, plan.value, rows);
    const address = URL.createObjectURL(new Blob([`\uFEFF${text}`], { type: 'text/csv' }));
    const link = document.createElement('a');
    link.href = address;
    link.download = `refused-${original.name.replace(/\.(csv|tsv|txt|gz)$/i, '')}.csv`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
  };
  return (
    <details open>
      <summary>{t('refused_are', { n: rows.length })}</summary>
      <div class="wide-table" tabIndex={0} role="region" aria-label={t('refused_rows')}>
        <table class="columns refused">
          <thead>
            <tr>
              <th scope="col">{t('line')}</th>
              <th scope="col">{t('field')}</th>
              <th scope="col">{t('reason')}</th>
            </tr>
          </thead>
          <tbody>
            {rows.slice(0, REFUSED_SHOWN).map(({ line, field, reason }, at) => (
              <tr key={at}>
                <th scope="row">{numberText(line)}</th>
                <td>{fieldText(field)}</td>
                <td>{reason}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <button type="button" onClick={() => void download()}>
        <Icon name="download" size={18} /> {t('download_refused')}
      </button>
    </details>
  );
}
