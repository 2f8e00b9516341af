// What a page shows of a reading.

import type { Reading, Removed } from './api';

export type State = 'in_stock' | 'sold_out' | 'not_known';

/** The readings of the page by GTIN; a removed one stays, so that an older answer does not bring it back. */
export type Stock = ReadonlyMap<string, Reading | Removed>;

/** Returns: the stock with each reading that is not older than the one it replaces. */
export function merged(stock: Stock, readings: readonly (Reading | Removed)[]): Stock {
  const result = new Map(stock);
  for (const reading of readings) {
    const known = result.get(reading.GTIN);
    if (!known || reading.version >= known.version) result.set(reading.GTIN, reading);
  }
  return result;
}

/** Returns: the reading of a product; null without one. */
export function readingOf(stock: Stock, gtin: string): Reading | null {
  const reading = stock.get(gtin);
  return reading && !reading.removed ? reading : null;
}

/** Returns: what a customer may expect. A product without a reading was never seen in this shop. */
export function stateOf(reading: Reading | null): State {
  if (!reading) return 'not_known';
  return reading.available ? 'in_stock' : 'sold_out';
}
