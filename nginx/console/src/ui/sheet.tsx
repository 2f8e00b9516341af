// Sheets and questions. The browser's <dialog> keeps the focus inside, closes on Escape and returns the focus.

import { signal } from '@preact/signals';
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';
import { app } from '../text/app';
import { Messages } from './announce';
import { Icon } from './icons';

/** Whether a sheet is open; a new version of the console is not started meanwhile. */
export const sheetIsOpen = (): boolean => document.querySelector('dialog[open]') !== null;

export interface SheetProps {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
  side?: boolean; // at the right side on wide screens
  wide?: boolean;
}

export function Sheet({ title, onClose, children, side, wide }: SheetProps): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useId();
  useEffect(() => {
    const before = document.activeElement;
    dialog.current?.showModal();
    return () => {
      // What opened the sheet may be removed with it, such as a row that moves to another group.
      if (before instanceof HTMLElement) before.focus();
      setTimeout(() => {
        if (document.activeElement === document.body) document.getElementById('content')?.focus({ preventScroll: true });
      });
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      class={`sheet${side ? ' side' : ''}${wide ? ' wide' : ''}`}
      aria-labelledby={heading}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => {
        if (event.target === dialog.current) onClose(); // outside of the content
      }}
    >
      <div class="sheet-body">
        <header>
          <h2 id={heading} tabIndex={-1} autofocus>
            {title}
          </h2>
          <button type="button" class="quiet square" aria-label={app.t('close')} onClick={onClose}>
            <Icon name="close" />
          </button>
        </header>
        {children}
      </div>
      <Messages />
    </dialog>
  );
}

interface Question {
  title: string;
  text: string;
  choices: { label: string; value: string; danger?: boolean; primary?: boolean }[];
  answer: (value: string | null) => void;
}

const question = signal<Question | null>(null);

/** Puts a question. Returns: the value of the choice; null when the person closed it. */
export function ask(title: string, text: string, choices: Question['choices']): Promise<string | null> {
  return new Promise((resolve) => {
    question.value = { title, text, choices, answer: resolve };
  });
}

/** Puts a yes-or-no question. */
export async function confirm(title: string, text: string, yes: string, danger = true): Promise<boolean> {
  return (await ask(title, text, [{ label: yes, value: 'yes', danger, primary: !danger }])) === 'yes';
}

export function Questions(): JSX.Element | null {
  const asked = question.value;
  if (!asked) return null;
  const close = (value: string | null): void => {
    question.value = null;
    asked.answer(value);
  };
  return (
    <Sheet title={asked.title} onClose={() => close(null)}>
      <p>{asked.text}</p>
      <div class="choices">
        {asked.choices.map((choice) => (
          <button key={choice.value} type="button" class={choice.danger ? 'danger' : choice.primary ? 'primary' : ''} onClick={() => close(choice.value)}>
            {choice.label}
          </button>
        ))}
        <button type="button" onClick={() => close(null)}>
          {app.t('cancel')}
        </button>
      </div>
    </Sheet>
  );
}
