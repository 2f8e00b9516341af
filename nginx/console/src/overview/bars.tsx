// The readings that expire on each of the next days, as bars; the arrow keys move between them.

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { dateText, daysBetween, longDate, numberText } from '../lib/format';
import { useWidth } from './width';
import { t } from './words';

const HEIGHT = 230;
const TOP = 24; // room for the number above the highest bar
const BOTTOM = 40;
const BAR_MAX = 34;
const NUMBER_WIDTH = 8; // of a digit
const LABEL_WIDTH = 56; // of a date

interface BarsProps {
  today: string;
  dueDays: number;
  days: readonly { date: string; readings: number }[];
  onOpen: (date: string) => void;
}

export function Bars({ today, dueDays, days, onOpen }: BarsProps): JSX.Element {
  const [box, width] = useWidth<HTMLDivElement>(900);
  const current = useSignal(0);
  const step = width / days.length;
  const bar = Math.min(BAR_MAX, step * 0.72);
  const most = Math.max(1, ...days.map(({ readings }) => readings));
  const scale = (HEIGHT - TOP - BOTTOM) / most;
  const base = HEIGHT - BOTTOM;
  const widest = Math.max(...days.map(({ readings }) => numberText(readings).length)) * NUMBER_WIDTH;
  const heightOf = (readings: number): number => (readings === 0 ? 0 : Math.max(3, readings * scale));
  const move = (event: KeyboardEvent): void => {
    const by = { ArrowRight: 1, ArrowLeft: -1, Home: -days.length, End: days.length }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    current.value = Math.min(days.length - 1, Math.max(0, current.value + by));
    const bars = (event.currentTarget as Element).querySelectorAll<SVGElement>('[role=button]');
    bars[current.value]?.focus();
  };
  return (
    <div ref={box} class="chart">
      <svg width={width} height={HEIGHT} role="group" aria-label={t('bars')} onKeyDown={move}>
        <line class="axis" x1={0} x2={width} y1={base} y2={base} />
        {[most / 2, most].map((value) => (
          <line key={value} class="grid" x1={0} x2={width} y1={base - value * scale} y2={base - value * scale} />
        ))}
        {days.map(({ date, readings }, at) => {
          const height = heightOf(readings);
          const weekday = new Date(`${date}T00:00Z`).getUTCDay();
          return (
            <g
              key={date}
              role="button"
              tabIndex={at === current.value ? 0 : -1}
              class={`bar ${daysBetween(today, date) <= dueDays ? 'due' : ''}`}
              aria-label={t('bar', { n: readings, date: longDate(date) })}
              data-date={date}
              data-readings={readings}
              onFocus={() => (current.value = at)}
              onClick={() => onOpen(date)}
              onKeyDown={(event) => {
                if (event.key === 'Enter' || event.key === ' ') {
                  event.preventDefault();
                  onOpen(date);
                }
              }}
            >
              <rect class={weekday === 0 || weekday === 6 ? 'day weekend' : 'day'} x={step * at} y={0} width={step} height={base} />
              <rect class="value" x={step * (at + 0.5) - bar / 2} y={base - height} width={bar} height={height} rx={Math.min(4, bar / 4)} />
            </g>
          );
        })}
        <g class="texts" aria-hidden="true">
          {days.map(({ date, readings }, at) => {
            const middle = step * (at + 0.5);
            const label = dateLabel(at, middle, width);
            return (
              <g key={date}>
                {readings > 0 && step >= widest + 2 && (
                  <text class="number" x={middle} y={base - heightOf(readings) - 6}>
                    {numberText(readings)}
                  </text>
                )}
                {label && (
                  <text class={`date ${label}`} x={label === 'first' ? 0 : label === 'last' ? width : middle} y={base + 18}>
                    {at === 0 ? t('today') : dateText(date, today)}
                  </text>
                )}
              </g>
            );
          })}
        </g>
      </svg>
    </div>
  );
}

/** Returns: where the text of a day's date begins; null for the days between, which have none. */
function dateLabel(at: number, middle: number, width: number): 'first' | 'middle' | 'last' | null {
  if (at % 7 !== 0) return null;
  if (at === 0) return 'first';
  return middle + LABEL_WIDTH / 2 > width ? 'last' : 'middle';
}
