// The copy of the chosen shop: its readings by GTIN. A reading is replaced only by one with a higher pair of versions, so
// repeats and the order of arrival do not matter.

import { signal } from '@preact/signals';
import type { Change, Reading } from '../lib/types';
import { writeCopy, type Position } from './store';

export interface Copy {
  shop: number;
  readings: ReadonlyMap<string, Reading>;
  complete: boolean; // the shop was read to its end once
  at: number | null; // when it was last known to be current
}

const EMPTY: Copy = { shop: 0, readings: new Map(), complete: false, at: null };
export const copy = signal<Copy>(EMPTY);
/** GTINs whose reading was changed by someone else within the last seconds. */
export const justChanged = signal<ReadonlySet<string>>(new Set());

const SHOWN_MS = 3_000;
// The versions of readings that were removed: an older change that comes late does not bring them back.
const tombstones = new Map<string, [number, number]>();
// Readings that this tab wrote: their changes are not marked.
const ownWrites = new Set<string>();

export function start(shop: number, readings: Reading[], complete: boolean, at: number | null): void {
  tombstones.clear();
  ownWrites.clear();
  copy.value = { shop, readings: new Map(readings.map((reading) => [reading.GTIN, reading])), complete, at };
}

const isNewer = (a: [number, number], b: [number, number]): boolean => a[0] > b[0] || (a[0] === b[0] && a[1] > b[1]);

export interface Taking {
  position?: Position | undefined; // where the feed is after these changes
  mark?: boolean; // shows them as changed by someone else
  relayed?: boolean; // another tab stores them
}

/** Takes changes of the feed into the copy. */
export function take(shop: number, changes: Change[], { position, mark, relayed }: Taking = {}): void {
  const before = copy.peek();
  if (before.shop !== shop) return;
  const readings = new Map(before.readings);
  const changed: Reading[] = [];
  const removed: [number, string][] = [];
  for (const change of changes) {
    const known = readings.get(change.GTIN);
    const versions: [number, number] = [change.version, change.product_version ?? known?.product_version ?? 0];
    const known_versions: [number, number] | undefined = known ? [known.version, known.product_version ?? 0] : tombstones.get(change.GTIN);
    if (known_versions && !isNewer(versions, known_versions)) continue;
    if (change.removed) {
      readings.delete(change.GTIN);
      tombstones.set(change.GTIN, versions);
      removed.push([shop, change.GTIN]);
    } else {
      const reading = { ...change, product_version: versions[1] };
      readings.set(change.GTIN, reading);
      changed.push(reading);
    }
  }
  const complete = before.complete || (position?.complete ?? false);
  if (changed.length > 0 || removed.length > 0 || complete !== before.complete || position) {
    copy.value = { shop, readings, complete, at: position?.at ?? before.at };
    if (!relayed) void writeCopy(changed, removed, position);
  }
  if (mark) markChanged(changed.map(({ GTIN }) => GTIN).filter((gtin) => !ownWrites.delete(gtin)));
}

/** Takes readings that the service returned for own entries. Before the first complete reading of the shop they are ignored. */
export function takeReadings(shop: number, readings: Change[]): void {
  if (!copy.peek().complete) return;
  for (const { GTIN } of readings) ownWrites.add(GTIN);
  take(shop, readings);
}

function markChanged(gtins: string[]): void {
  if (gtins.length === 0) return;
  justChanged.value = new Set([...justChanged.peek(), ...gtins]);
  setTimeout(() => {
    const left = new Set(justChanged.peek());
    for (const gtin of gtins) left.delete(gtin);
    justChanged.value = left;
  }, SHOWN_MS);
}
