// A row of a list, and lists of many rows: all rows are in the document, so that the browser's search and screen readers have
// them; the browser leaves out the work for those that are not visible (content-visibility).

import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { numberText } from '../lib/format';
import { t } from '../text/app';
import { Icon } from '../ui/icons';
import { Mark } from '../ui/mark';

const FIRST = 40;
const STEP = 60;

/** Returns: how many rows to render now. The first screen comes at once, the rest in pieces while the browser is idle. */
export function useGrowing(total: number): number {
  const [limit, setLimit] = useState(FIRST);
  useEffect(() => {
    if (limit >= total) return;
    const timer = setTimeout(() => setLimit((n) => n + STEP), 30);
    return () => clearTimeout(timer);
  }, [limit, total]);
  return Math.min(limit, total);
}

export interface RowProps {
  name: string;
  mark: JSX.Element;
  quantity: number | null;
  waits: boolean;
  changed: boolean;
  onOpen: () => void;
}

export function Row({ name, mark, quantity, waits, changed, onOpen }: RowProps): JSX.Element {
  return (
    <li class="lazy">
      <button type="button" class={`row${changed ? ' changed' : ''}`} onClick={onOpen}>
        <span class="row-main">
          <span class="row-head">
            <strong>{name}</strong>
            {quantity !== null && <span class="quantity">× {numberText(quantity)}</span>}
          </span>
          <span class="row-state">
            {mark}
            {waits && <Mark kind="waiting">{t('on_this_phone')}</Mark>}
            {changed && <span class="tag">{t('changed')}</span>}
          </span>
        </span>
        <Icon name="chevron" size={18} />
      </button>
    </li>
  );
}
