// The shops of the token, and the one that is chosen. Both are stored, so that the console opens without a network.

import { computed, signal } from '@preact/signals';
import { get, nextPage } from '../lib/api';
import { now } from '../lib/clock';
import { todayIn } from '../lib/format';
import { identity } from '../lib/session';
import { readSetting, writeSetting } from '../lib/storage';
import type { Shop } from '../lib/types';

function stored(): Shop[] {
  try {
    return JSON.parse(readSetting('shops') ?? '[]') as Shop[];
  } catch {
    return [];
  }
}

const all = signal<Shop[]>(stored());
export const shopsLoaded = signal(all.peek().length > 0);

/** The shops that the token is for, by name. */
export const shops = computed(() => {
  const of = identity.value;
  if (!of) return [];
  return of.shops.length === 0 ? all.value : all.value.filter((each) => of.shops.includes(each.id));
});

const chosen = signal(Number(readSetting('shop') ?? 0));

/** The chosen shop, or the only one; null: the person has to choose. */
export const shop = computed<Shop | null>(() => {
  const found = shops.value.find((each) => each.id === chosen.value);
  return found ?? (shops.value.length === 1 ? (shops.value[0] ?? null) : null);
});

export function chooseShop(id: number | null): void {
  chosen.value = id ?? 0;
  writeSetting('shop', id === null ? null : String(id));
  if (id !== null) {
    const recent = [id, ...recentShops().filter((other) => other !== id)].slice(0, 5);
    writeSetting('recent-shops', recent.join(','));
  }
}

/** The ids of the shops that were chosen last, the newest first. */
export function recentShops(): number[] {
  return (readSetting('recent-shops') ?? '').split(',').map(Number).filter((id) => id > 0);
}

// The clock of the screens: civil days change while the console is open.
const minute = signal(0);
setInterval(() => (minute.value += 1), 60_000);

/** Today in the chosen shop's time zone. */
export const today = computed(() => {
  void minute.value;
  return todayIn(shop.value?.time_zone ?? 'UTC', now());
});

/** Reads the shops. Without an answer the stored ones stay. */
export async function loadShops(): Promise<void> {
  const found: Shop[] = [];
  let next: string | undefined = '/shops?limit=1000';
  while (next !== undefined) {
    const answer: Awaited<ReturnType<typeof get<Shop[]>>> = await get<Shop[]>(next);
    if (!answer.ok) {
      shopsLoaded.value = all.peek().length > 0 || answer.status !== 0;
      return;
    }
    found.push(...answer.body);
    next = nextPage(answer.headers);
  }
  all.value = found;
  shopsLoaded.value = true;
  writeSetting('shops', JSON.stringify(found));
}
