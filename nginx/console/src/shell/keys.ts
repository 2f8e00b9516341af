// Keyboard shortcuts. They need Ctrl or ⌘, because a hardware scanner types single letters.

import { go } from '../lib/router';
import { identity } from '../lib/session';
import { lastAct } from '../queue/record';
import { undoLast } from '../staff/act';
import { sheetIsOpen } from '../ui/sheet';

export function startKeys(): void {
  document.addEventListener('keydown', (event) => {
    const alone = (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey;
    if (!alone || identity.peek() === null || sheetIsOpen()) return;
    if (event.key === 'k') {
      event.preventDefault();
      search();
    } else if (event.key === 'z' && lastAct.peek() !== null && !isField(event.target)) {
      event.preventDefault();
      void undoLast();
    }
  });
}

/** Goes to the search of the screen; without one, to that of the shelf. */
function search(): void {
  const field = document.querySelector<HTMLInputElement>('main input[type=search]');
  if (!field) return go('shelf?search');
  field.focus();
  field.select();
}

const isField = (target: EventTarget | null): boolean => target instanceof HTMLElement && /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
