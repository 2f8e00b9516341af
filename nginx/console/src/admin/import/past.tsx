// The imports before, each with what became of its rows.

import type { JSX } from 'preact';
import { numberText, timeText } from '../../lib/format';
import { type Column, Table } from '../table';
import { t } from '../words';
import { past, type PastImport, readPast } from './state';
import { UndoButton } from './undo';

export function PastImports(): JSX.Element {
  const columns: Column<PastImport>[] = [
    { name: 'when', label: t('when'), cell: (one) => timeText(one.started_at) },
    { name: 'what', label: t('what'), cell: (one) => t(one.kind === 'products' ? 'products' : 'readings') },
    { name: 'who', label: t('who'), cell: (one) => one.actor },
    { name: 'rows', label: t('new_and_changed'), cell: (one) => `${numberText(one.created)} + ${numberText(one.changed)}`, numeric: true },
    { name: 'refused', label: t('refused_rows'), cell: (one) => numberText(one.refused), numeric: true },
    { name: 'outcome', label: t('outcome'), cell: outcomeText },
    {
      name: 'undo',
      label: t('undo_import'),
      cell: (one) => (one.undone_at || one.ended_at === null ? '–' : <UndoButton id={one.id} onUndone={() => void readPast()} />),
    },
  ];
  return (
    <section>
      <h2>{t('past_imports')}</h2>
      <Table caption={t('past_imports')} columns={columns} rows={past.value ?? []} keyOf={(one) => one.id} />
    </section>
  );
}

function outcomeText({ undone_at, outcome }: PastImport): string {
  if (undone_at) return t('undone_at', { time: timeText(undone_at) });
  return outcome ? t(`outcome_${outcome}`) : t('outcome_running');
}
