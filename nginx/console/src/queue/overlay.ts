// The effect of entries that wait on a reading, by the rules of the service: the earlier date wins, a check replaces, a count
// is the base of later changes. It is what the person sees until the service answers.

import type { Reading } from '../lib/types';
import type { Shown } from '../staff/act';
import type { Entry } from './entry';

export function effectOf(gtin: string, name: string, reading: Reading | null, entries: readonly Entry[]): Shown {
  const voided = new Set(entries.flatMap(({ op }) => (op.voids_operation ? [op.voids_operation] : [])));
  const shown: Shown = {
    GTIN: gtin,
    name: reading?.name ?? name,
    expiry_date: reading?.expiry_date ?? null,
    quantity: reading?.quantity ?? null,
    checked_at: reading?.checked_at ?? null,
    reading,
    waits: entries.length > 0,
    removed: false,
  };
  for (const { op, name: entryName, date } of entries) {
    if (voided.has(op.id)) continue;
    if (shown.name === '') shown.name = entryName;
    switch (op.kind) {
      case 'sighting':
        shown.removed = false;
        shown.checked_at = op.observed_at;
        if (date && (shown.expiry_date === null || date < shown.expiry_date)) shown.expiry_date = date;
        if (op.quantity !== undefined) shown.quantity = op.quantity;
        break;
      case 'check':
        shown.removed = false;
        shown.checked_at = op.observed_at;
        shown.expiry_date = date;
        if (op.quantity !== undefined) shown.quantity = op.quantity;
        break;
      case 'count':
        shown.removed = false;
        shown.checked_at = op.observed_at;
        shown.quantity = op.quantity ?? null;
        break;
      case 'adjust':
        if (shown.quantity !== null) shown.quantity += op.delta ?? 0;
        break;
      case 'remove':
        shown.removed = true;
        break;
      case 'void':
        break;
    }
  }
  return shown;
}
