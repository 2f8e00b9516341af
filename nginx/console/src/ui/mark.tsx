// States are a shape, a word and a colour, so that each of them is enough.

import type { ComponentChildren, JSX } from 'preact';

export type Kind = 'expired' | 'due' | 'unchecked' | 'fine' | 'waiting' | 'plain';

const SHAPES: Record<Kind, JSX.Element> = {
  expired: <path d="M6 .8 11 3.600v5.600L6 12 1 9.200V3.600z" />,
  due: <path d="M6 1 11.500 11H.500z" />,
  unchecked: <circle cx="6" cy="6" r="4.300" class="hollow" />,
  fine: <path d="M1.500 6.500 4.700 9.800 10.500 2.800" class="stroke" />,
  waiting: <circle cx="6" cy="6" r="4.300" class="hollow" />,
  plain: <path d="M1 6h10" class="stroke" />,
};

export function Shape({ kind }: { kind: Kind }): JSX.Element {
  return (
    <svg class={`shape ${kind}`} viewBox="0 0 12 12" aria-hidden="true">
      {SHAPES[kind]}
    </svg>
  );
}

/** A state with its word. */
export function Mark({ kind, children }: { kind: Kind; children: ComponentChildren }): JSX.Element {
  return (
    <span class={`mark ${kind}`}>
      <Shape kind={kind} />
      <span>{children}</span>
    </span>
  );
}
