// Messages: shown above the bottom bar for a time, and read out once. Nothing depends on seeing them in time.

import { signal } from '@preact/signals';
import type { JSX } from 'preact';

export interface Message {
  text: string;
  tone: 'good' | 'neutral' | 'bad';
  action?: { label: string; run: () => void };
}

const shown = signal<Message | null>(null);
const spoken = signal('');
const urgent = signal('');
let timer = 0;

/** Shows a message and reads it out; a refusal interrupts what is being read. */
export function announce(message: Message): void {
  shown.value = message;
  if (message.tone === 'bad') urgent.value = message.text;
  else spoken.value = message.text;
  clearTimeout(timer);
  timer = window.setTimeout(() => (shown.value = null), message.action || message.tone === 'bad' ? 10_000 : 4_000);
}

/** Reads a text out without showing it. */
export function say(text: string): void {
  spoken.value = text;
}

export function dismiss(): void {
  shown.value = null;
}

export function Messages({ dismissLabel }: { dismissLabel: string }): JSX.Element {
  const message = shown.value;
  return (
    <>
      <div class="visually-hidden" aria-live="polite">
        {spoken.value}
      </div>
      <div class="visually-hidden" aria-live="assertive">
        {urgent.value}
      </div>
      {message && (
        <div class={`message ${message.tone}`}>
          <span>{message.text}</span>
          {message.action && (
            <button
              type="button"
              class="quiet"
              onClick={() => {
                dismiss();
                message.action?.run();
              }}
            >
              {message.action.label}
            </button>
          )}
          <button type="button" class="quiet square" aria-label={dismissLabel} onClick={dismiss}>
            ×
          </button>
        </div>
      )}
    </>
  );
}
