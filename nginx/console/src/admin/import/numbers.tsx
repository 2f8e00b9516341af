// The numbers of an import, or of its preview.

import type { JSX } from 'preact';
import { numberText } from '../../lib/format';
import { t } from '../words';
import { result } from './state';

/** What became of the rows, or would. */
export function Numbers(): JSX.Element | null {
  const end = result.value;
  if (!end) return null;
  const number = (label: string, value: number, kindOf = ''): JSX.Element => (
    <div class={kindOf}>
      <dt>{label}</dt>
      <dd>{numberText(value)}</dd>
    </div>
  );
  return (
    <dl class="results">
      {number(t('rows'), end.rows)}
      {number(t('new_rows'), end.created, 'good')}
      {number(t('changed_rows'), end.changed, 'good')}
      {number(t('unchanged_rows'), end.unchanged)}
      {number(t('refused_rows'), end.refused, end.refused > 0 ? 'bad' : '')}
      {end.failed > 0 && number(t('failed_rows'), end.failed, 'bad')}
    </dl>
  );
}
