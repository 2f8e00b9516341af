// Messages: shown above the bottom bar for a time, and read out once. Nothing depends on seeing them in time.
//
// While a sheet is open, the rest of the page can be neither used nor read out. So each sheet has a place for messages, and the
// place of the topmost one is used. A sheet that is opened afterwards covers the message, and one that is closed leaves it.

import { signal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useMemo } from 'preact/hooks';
import { app } from '../text/app';

export interface Message {
  text: string;
  tone: 'good' | 'neutral' | 'bad';
  action?: { label: string; run: () => void };
}

/** `over`: the places at that time. */
const shown = signal<(Message & { over: readonly symbol[] }) | null>(null);
/** What is read out. A new element for each text: the same one twice is read out twice. */
const spoken = signal({ text: '', urgent: false, n: 0 });
const places = signal<readonly symbol[]>([]); // the topmost one is the last
const SPOKEN_MS = 3_000; // afterwards a sheet that closes does not have it read out again
let timer = 0;
let speaking = 0;

/** Shows a message and reads it out; a refusal interrupts what is being read. */
export function announce(message: Message): void {
  shown.value = { ...message, over: places.peek() };
  speak(message.text, message.tone === 'bad');
  clearTimeout(timer);
  timer = window.setTimeout(() => (shown.value = null), message.action || message.tone === 'bad' ? 10_000 : 4_000);
}

/** Reads a text out without showing it. */
export const say = (text: string): void => speak(text, false);

function speak(text: string, urgent: boolean): void {
  spoken.value = { text, urgent, n: spoken.peek().n + 1 };
  clearTimeout(speaking);
  speaking = window.setTimeout(() => (spoken.value = { ...spoken.peek(), text: '' }), SPOKEN_MS);
}

export function dismiss(): void {
  shown.value = null;
}

/** A place for messages: in the page, and in each sheet. */
export function Messages(): JSX.Element {
  const place = useMemo(() => Symbol('place'), []);
  useEffect(() => {
    places.value = [...places.peek(), place];
    return () => {
      places.value = places.peek().filter((each) => each !== place);
    };
  }, []);
  const isTop = places.value.at(-1) === place;
  const message = shown.value?.over.findLast((each) => places.value.includes(each)) === place ? shown.value : null;
  const { text, urgent, n } = spoken.value;
  const read = isTop && text !== '' && <p key={n}>{text}</p>;
  return (
    <>
      <div class="visually-hidden" aria-live="polite">
        {!urgent && read}
      </div>
      <div class="visually-hidden" aria-live="assertive">
        {urgent && read}
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
          <button type="button" class="quiet square" aria-label={app.t('dismiss')} onClick={dismiss}>
            ×
          </button>
        </div>
      )}
    </>
  );
}
