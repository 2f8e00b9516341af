// Taking an import back, after a question.

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { explain } from '../../lib/explain';
import { announce } from '../../ui/announce';
import { Icon } from '../../ui/icons';
import { confirm } from '../../ui/sheet';
import { type Key, t } from '../words';
import { undo } from './upload';

const counted = (key: Key, n: number): string => (n > 0 ? t(key, { n }) : '');

export function UndoButton({ id, onUndone }: { id: string; onUndone: () => void }): JSX.Element {
  const running = useSignal(false);
  const done = useSignal('');
  const run = async (): Promise<void> => {
    if (!(await confirm(t('undo_import_title'), t('undo_import_text'), t('undo_import')))) return;
    running.value = true;
    const answer = await undo(id);
    running.value = false;
    if (answer && 'complete' in answer) {
      done.value = [
        counted('undone_events', answer.taken_back),
        counted('undone_products', answer.products_restored + answer.products_removed),
        counted('undone_kept', answer.products_changed_since + answer.products_in_use),
        answer.complete ? '' : t('undone_partly'),
      ].join(' ');
      announce({ text: t('undone'), tone: 'good' });
    } else announce({ text: answer ? explain(answer) : t('undo_cut'), tone: 'bad' });
    onUndone();
  };
  return (
    <div class="undo-import">
      {done.value === '' && (
        <button type="button" disabled={running.value} onClick={() => void run()}>
          <Icon name="undo" size={18} /> {running.value ? t('undoing') : t('undo_import')}
        </button>
      )}
      <p role="status">{done.value}</p>
    </div>
  );
}
