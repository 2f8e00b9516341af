// A line over the last hours. A minute without a number interrupts it.

import type { JSX } from 'preact';
import { timeText } from '../lib/format';
import { useWidth } from './width';

const HEIGHT = 120;
const TOP = 10;
const BOTTOM = 24;

interface LineProps {
  label: string; // what is shown, with its newest value
  times: readonly string[];
  values: readonly (number | null)[];
  most: number;
}

export function Line({ label, times, values, most }: LineProps): JSX.Element {
  const [box, width] = useWidth<HTMLDivElement>(400);
  const base = HEIGHT - BOTTOM;
  const x = (at: number): number => (values.length < 2 ? width : (at / (values.length - 1)) * width);
  const y = (value: number): number => base - (value / most) * (base - TOP);
  const runs: [number, number][][] = [[]];
  values.forEach((value, at) => {
    if (value === null) runs.push([]);
    else runs.at(-1)?.push([x(at), y(value)]);
  });
  const path = (run: [number, number][]): string => run.map(([px, py], at) => `${at === 0 ? 'M' : 'L'}${px.toFixed(1)} ${py.toFixed(1)}`).join('');
  return (
    <div ref={box} class="chart">
      <svg width={width} height={HEIGHT} role="img" aria-label={label}>
        <line class="grid" x1={0} x2={width} y1={TOP} y2={TOP} />
        <line class="axis" x1={0} x2={width} y1={base} y2={base} />
        {runs.filter((run) => run.length > 0).map((run, at) => (
          <g key={at}>
            <path class="area" d={`${path(run)}L${run.at(-1)?.[0].toFixed(1)} ${base}L${run[0]?.[0].toFixed(1)} ${base}Z`} />
            <path class="line" d={path(run)} />
            {run.length === 1 && <circle class="point" cx={run[0]?.[0]} cy={run[0]?.[1]} r={3} />}
          </g>
        ))}
        {times.length > 1 && (
          <>
            <text class="date first" x={0} y={HEIGHT - 6}>
              {clock(times[0] ?? '')}
            </text>
            <text class="date last" x={width} y={HEIGHT - 6}>
              {clock(times.at(-1) ?? '')}
            </text>
          </>
        )}
      </svg>
    </div>
  );
}

/** Returns: the time of day. */
function clock(time: string): string {
  return timeText(time).split(/,\s*/).at(-1) ?? '';
}
