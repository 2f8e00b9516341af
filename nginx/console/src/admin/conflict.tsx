// The comparison after a change by another person: Field · Yours · Now, with a choice for each field.

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { get } from '../lib/api';
import { agoText } from '../lib/format';
import { now } from '../lib/clock';
import type { AuditEntry } from './audit';
import type { Choice, Difference } from './compare';
import type { FieldSpec } from './edit';
import { address } from '../lib/rows';
import { t } from './words';

interface ConflictProps {
  subject: string;
  path: string;
  fields: readonly FieldSpec[];
  differences: readonly Difference[];
  onChoose: (next: Difference[]) => void;
}

export function Conflict({ subject, path, fields, differences, onChoose }: ConflictProps): JSX.Element {
  const who = useSignal<AuditEntry | null>(null);
  useEffect(() => {
    const subjectId = path.split('/').at(-1) ?? '';
    void get<AuditEntry[]>(address('/audit', { limit: 1, subject, subject_id: subjectId })).then((answer) => {
      if (answer.ok) who.value = answer.body[0] ?? null;
    });
  }, [differences]);
  const labels = new Map(fields.map(({ name, label }) => [name, label]));
  const choose = (field: string, choice: Choice): void =>
    onChoose(differences.map((one) => (one.field === field ? { ...one, choice } : one)));
  const cell = (difference: Difference, choice: Choice, label: string) => (
    <td>
      <label class={`version ${difference.choice === choice ? 'kept' : ''}`}>
        <input
          type="radio"
          name={`choice-${difference.field}`}
          checked={difference.choice === choice}
          onChange={() => choose(difference.field, choice)}
        />
        <span class="visually-hidden">
          {labels.get(difference.field)}, {label}:
        </span>
        <span>{difference[choice] ?? t('empty')}</span>
      </label>
    </td>
  );
  return (
    <div class="conflict">
      <p role="alert">
        {who.value ? t('changed_by', { name: who.value.actor, when: agoText(who.value.at, now()) }) : t('changed_by_another')} {t('choose_version')}
      </p>
      <table>
        <thead>
          <tr>
            <th scope="col">{t('field')}</th>
            <th scope="col">{t('yours')}</th>
            <th scope="col">{t('now')}</th>
          </tr>
        </thead>
        <tbody>
          {differences.map((difference) => (
            <tr key={difference.field}>
              <th scope="row">{labels.get(difference.field)}</th>
              {cell(difference, 'yours', t('yours'))}
              {cell(difference, 'now', t('now'))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
