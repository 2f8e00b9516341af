// Undo of the last entry: in the top bar, also after the message about it is gone.

import type { JSX } from 'preact';
import { lastAct } from '../queue/record';
import { undoLast } from '../staff/act';
import { t } from '../text/app';
import { Icon } from '../ui/icons';

export function UndoButton(): JSX.Element | null {
  const last = lastAct.value;
  if (!last) return null;
  return (
    <button type="button" class="quiet square" aria-label={t('undo_of', { name: last.name })} onClick={() => void undoLast()}>
      <Icon name="undo" />
    </button>
  );
}
