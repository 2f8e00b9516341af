// Keyboard shortcuts. They need Ctrl or ⌘, because a hardware scanner types single letters.

import { go } from '../lib/router';
import { identity } from '../lib/session';
import { lastAct } from '../queue/record';
import { undoLast } from '../staff/act';
import { sheetIsOpen } from '../ui/sheet';

const ROW = '.rows .row, .data .open';

export function startKeys(): void {
  document.addEventListener('keydown', (event) => {
    if (moves(event)) return event.preventDefault();
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

/** Moves the focus between the rows of a list. Returns: whether the key does that. */
function moves({ key, target, ctrlKey, metaKey, altKey, shiftKey }: KeyboardEvent): boolean {
  const step = { ArrowDown: 1, ArrowUp: -1 }[key];
  if (step === undefined || ctrlKey || metaKey || altKey || shiftKey || !(target instanceof HTMLElement) || !target.matches(ROW)) return false;
  const rows = [...document.querySelectorAll<HTMLElement>(ROW)];
  rows[rows.indexOf(target) + step]?.focus();
  return true;
}

/** Goes to the search of the screen; without one, to that of the shelf. */
function search(): void {
  const field = document.querySelector<HTMLInputElement>('main input[type=search]');
  if (!field) return go('shelf?search');
  field.focus();
  field.select();
}

const isField = (target: EventTarget | null): boolean => target instanceof HTMLElement && /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
