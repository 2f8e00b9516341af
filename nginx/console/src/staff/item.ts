// The item that was scanned last, and what a further scan does with it.

import { signal } from '@preact/signals';
import { copy } from '../data/copy';
import { get } from '../lib/api';
import type { Product } from '../lib/types';
import { pending } from '../queue/state';
import { merge, readCode, type ScannedCode } from '../scan/gs1';
import { t } from '../text/app';
import { announce, say } from '../ui/announce';
import { act } from './act';
import { signalGood, signalLook } from './feedback';

export interface Item {
  gtin: string;
  name: string; // empty: not known (yet)
  isNew: boolean | null; // the service has no such product; null: it did not answer
  looking: boolean;
  codes: string[]; // as they were scanned; empty for an item of a list
  read: ScannedCode | null;
  recorded: string | null; // the date that was recorded for it last
}

export const item = signal<Item | null>(null);
/** Codes without a product, such as a date alone: the next code may have it. */
const partial = signal<{ codes: string[]; read: ScannedCode } | null>(null);
/** Counting by scanning: each scan of the product counts one. */
export const counting = signal<{ gtin: string; n: number } | null>(null);

const LOOK_UP_MS = 3_000;

/** Takes a code from the camera, a scanner or the keyboard. */
export async function takeCode(raw: string): Promise<void> {
  const read = readCode(raw);
  if (read.error) {
    signalLook();
    announce({ text: t(({ check_digit: 'code_check_digit', unreadable: 'code_unreadable', separator_lost: 'code_separator_lost', bad_date: 'code_bad_date' } as const)[read.error]), tone: 'bad' });
    return;
  }
  if (counting.peek() !== null) return countOne(read);
  const open = item.peek();
  // A second symbol of the same pack: the product in one, the date in the other.
  if (open && open.recorded === null && open.codes.length > 0 && open.read && !open.read.date && read.date && (!read.gtin || read.gtin === open.gtin)) {
    const both = merge(open.read, read);
    if (both) return show([...open.codes, raw], both);
  }
  const before = partial.peek();
  partial.value = null;
  if (!read.gtin) {
    if (!read.date) {
      signalLook();
      announce({ text: t('code_without_product'), tone: 'bad' });
      return;
    }
    partial.value = { codes: [raw], read };
    signalGood();
    announce({ text: t('now_the_product'), tone: 'neutral' });
    return;
  }
  const both = before && !read.date ? merge(before.read, read) : null;
  return both && before ? show([...before.codes, raw], both) : show([raw], read);
}

function countOne(read: ScannedCode): void {
  const now = counting.peek();
  if (!now) return;
  if (read.gtin !== now.gtin) {
    signalLook();
    announce({ text: t('other_product'), tone: 'bad' });
    return;
  }
  signalGood();
  counting.value = { ...now, n: now.n + 1 };
  say(String(now.n + 1));
}

/** Returns: the name of a product as far as this device has it. */
function knownName(gtin: string): string {
  const reading = copy.peek().readings.get(gtin);
  return reading?.name ?? pending.peek().get(`${copy.peek().shop}/${gtin}`)?.find(({ name }) => name !== '')?.name ?? '';
}

async function show(codes: string[], read: ScannedCode): Promise<void> {
  const gtin = read.gtin ?? '';
  const name = knownName(gtin);
  item.value = { gtin, name, isNew: name === '' ? null : false, looking: name === '', codes, read, recorded: null };
  if (name !== '') return opened();
  const answer = await get<Product[]>(`/products?GTIN=${gtin}`, { timeoutMs: LOOK_UP_MS });
  const found = answer.ok ? answer.body[0] : undefined;
  const shown = item.peek();
  if (shown?.gtin !== gtin || !shown.looking) return; // another code came meanwhile
  if (found) {
    item.value = { ...shown, name: found.name, isNew: false, looking: false };
    return opened();
  }
  item.value = { ...shown, isNew: answer.ok ? true : null, looking: false };
  signalLook();
  say(t('unknown_product'));
}

/** The product is known: a date is recorded at once, otherwise the card is open. */
async function opened(): Promise<void> {
  const shown = item.peek();
  if (!shown) return;
  if (shown.read?.date) await recordCodes(shown);
  else {
    signalGood();
    say(shown.name);
  }
}

async function recordCodes(shown: Item): Promise<void> {
  const name = shown.isNew === false ? {} : { name: shown.name };
  const date = shown.read?.date ?? null;
  if (await act({ GTIN: shown.gtin, name: shown.name, date }, { kind: 'sighting', codes: shown.codes, ...name })) setRecorded(shown.gtin, date);
}

/** The person typed the name of a product that is not known. */
export async function nameItem(name: string): Promise<void> {
  const shown = item.peek();
  if (!shown) return;
  item.value = { ...shown, name };
  await opened();
}

/** Whether the item comes from a list and not from a code. */
export const isListed = (of: Item): boolean => of.codes.length === 0;

/** Opens the card of a product of a list. */
export function openItem(gtin: string, name: string): void {
  partial.value = null;
  item.value = { gtin, name, isNew: false, looking: false, codes: [], read: null, recorded: null };
}

export function closeItem(): void {
  item.value = null;
  partial.value = null;
}

/** Records a date that was tapped for the item. */
export async function recordDate(of: Item, date: string): Promise<boolean> {
  const name = of.isNew === false || of.name === '' ? {} : { name: of.name };
  const done = await act({ GTIN: of.gtin, name: of.name }, { kind: 'sighting', GTIN: of.gtin, expiry_date: date, ...name });
  if (done) setRecorded(of.gtin, date);
  return done;
}

/** The card shows the date pad again when `date` is null. */
export function setRecorded(gtin: string, date: string | null): void {
  const current = item.peek();
  if (current?.gtin === gtin) item.value = { ...current, recorded: date };
}
