// The thresholds of a shop as they are edited, and how many readings they put on the work list.

import { get, nextPage } from '../lib/api';
import type { Reason, WorkItem } from '../lib/types';
import type { Fields } from './compare';
import { address } from '../lib/rows';

export interface CategoryThresholds {
  days?: number | null;
  stale_days?: number | null;
}

export interface Thresholds {
  days: number;
  stale_days: number;
  categories: Record<string, CategoryThresholds>;
  version: number;
}

export type Rules = Omit<Thresholds, 'version'>;

const DAYS = 'days';
const STALE = 'stale_days';
const BETWEEN = '\u0000';

/** Returns: the names of the two fields of a category. */
export function fieldsOfCategory(name: string): [days: string, staleDays: string] {
  return [name + BETWEEN + DAYS, name + BETWEEN + STALE];
}

/** Returns: each threshold as a field. */
export function fieldsOf(rules: Rules): Fields {
  const fields: Record<string, number | null> = { [DAYS]: rules.days, [STALE]: rules.stale_days };
  for (const [name, of] of Object.entries(rules.categories)) {
    const [days, staleDays] = fieldsOfCategory(name);
    fields[days] = of.days ?? null;
    fields[staleDays] = of.stale_days ?? null;
  }
  return fields;
}

/** Returns: the category of a field, '' for those of the shop, and which threshold it is. */
export function partsOf(field: string): [string, 'days' | 'stale_days'] {
  const at = field.lastIndexOf(BETWEEN);
  const name = field.slice(at + 1);
  return [at < 0 ? '' : field.slice(0, at), name === DAYS ? DAYS : STALE];
}

/** Returns: the rules of these fields; a category without a threshold of its own is left out. */
export function rulesOf(fields: Fields): Rules {
  const rules: Rules = { days: 0, stale_days: 1, categories: {} };
  for (const [field, value] of Object.entries(fields)) {
    const [category, name] = partsOf(field);
    if (value === null) continue;
    if (category === '') rules[name] = Number(value);
    else rules.categories[category] = { ...rules.categories[category], [name]: Number(value) };
  }
  return rules;
}

export type Effect = Record<Reason, number>;
const NONE: Effect = { miscounted: 0, expired: 0, due: 0, never_checked: 0, stale: 0 };

const CATEGORIES_MAX = 10;
const PAGES_MAX = 10; // of 1,000 rows

/**
 * Counts the readings that would be on the work list by these rules. The service has the list for one pair of thresholds, so
 * the readings of a category with its own are taken out of the list and counted by themselves.
 * Returns: null when there are too many to count, or the service did not answer.
 */
export async function effectOf(shop: number, rules: Rules, signal: AbortSignal): Promise<Effect | null> {
  const special = Object.entries(rules.categories)
    .map(([name, { days, stale_days }]) => ({ name, days: days ?? rules.days, stale: stale_days ?? rules.stale_days }))
    .filter(({ days, stale }) => days !== rules.days || stale !== rules.stale_days);
  if (special.length > CATEGORIES_MAX) return null;
  const effect = { ...NONE };
  const add = (counted: Effect | null, sign: 1 | -1): boolean => {
    if (!counted) return false;
    for (const reason of Object.keys(effect) as Reason[]) effect[reason] += sign * counted[reason];
    return true;
  };
  if (!add(await count(shop, rules.days, rules.stale_days, '', signal), 1)) return null;
  for (const { name, days, stale } of special) {
    if (!add(await count(shop, rules.days, rules.stale_days, name, signal), -1)) return null;
    if (!add(await count(shop, days, stale, name, signal), 1)) return null;
  }
  return effect;
}

async function count(shop: number, days: number, staleDays: number, category: string, signal: AbortSignal): Promise<Effect | null> {
  const counted = { ...NONE };
  let next: string | undefined = address(`/shops/${shop}/work-list`, { days, stale_days: staleDays, category, limit: 1000 });
  for (let page = 0; next !== undefined; page += 1) {
    if (page === PAGES_MAX) return null;
    const answer: Awaited<ReturnType<typeof get<WorkItem[]>>> = await get<WorkItem[]>(next, { signal });
    if (!answer.ok) return null;
    for (const { reason } of answer.body) counted[reason] += 1;
    next = nextPage(answer.headers);
  }
  return counted;
}
