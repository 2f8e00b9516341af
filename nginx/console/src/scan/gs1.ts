// What the code of a pack says, as far as the console needs it: for the card, and offline. The codes themselves are what is
// stored and sent; the reading of the service decides (storage/model/barcode, whose table of codes tests this file too).

export interface ScannedCode {
  gtin: string | null;
  date: string | null; // of the shelf: use-by, else best-before, else sell-by
  kind: 'use_by' | 'best_before' | 'sell_by' | null;
  lot: string | null;
  serial: string | null;
  restricted: boolean; // valid inside one company only
  error: 'check_digit' | 'unreadable' | 'separator_lost' | 'bad_date' | null;
}

const GS = '\u001d';
const NOTHING: ScannedCode = { gtin: null, date: null, kind: null, lot: null, serial: null, restricted: false, error: null };
const failed = (error: NonNullable<ScannedCode['error']>): ScannedCode => ({ ...NOTHING, error });

/** Returns: the text with byte 29 for each spelling of the separator. */
export function withSeparators(text: string): string {
  return text.replace(/\{GS\}|<GS>|\u241d|\^\]/g, GS);
}

/** Returns: whether the last digit of a GTIN is right. */
export function checkDigitIsRight(digits: string): boolean {
  let sum = 0;
  for (let i = 0; i < digits.length; i += 1) sum += Number(digits[digits.length - 1 - i]) * (i % 2 === 0 ? 1 : 3);
  return sum % 10 === 0;
}

/** Returns: the GTIN as the service writes it: 14 digits without their leading zeros, in the form of 8, 12, 13 or 14 digits. */
export function canonical(digits: string): string | null {
  if (!/^(\d{8}|\d{12,14})$/.test(digits) || /^0+$/.test(digits) || !checkDigitIsRight(digits)) return null;
  const significant = digits.replace(/^0+/, '');
  const length = [8, 12, 13, 14].find((n) => n >= significant.length);
  return significant.padStart(length ?? 14, '0');
}

// Restricted circulation: GS1 prefixes 02, 04 and 20 to 29 of GTIN-13 (a leading 0 for GTIN-12), and 0, 2 of GTIN-8.
function isRestricted(gtin: string): boolean {
  const unit = gtin.padStart(14, '0').slice(1);
  return unit.startsWith('00000') ? /^[02]/.test(unit.slice(5)) : /^(02|04|2\d)/.test(unit);
}

function gtinCode(digits: string): ScannedCode {
  const gtin = canonical(digits);
  return gtin === null ? failed('check_digit') : { ...NOTHING, gtin, restricted: isRestricted(gtin) };
}

/** Returns: the 12 digits that UPC-E with 8 digits stands for; null when it stands for none. */
export function expandUpcE(code: string): string | null {
  const [, system, body, check] = /^([01])(\d{6})(\d)$/.exec(code) ?? [];
  if (body === undefined) return null;
  const [a, b, c, d, e, f] = [...body] as [string, string, string, string, string, string];
  let rest: string;
  if (f <= '2') rest = `${a}${b}${f}0000${c}${d}${e}`;
  else if (f === '3') rest = `${a}${b}${c}00000${d}${e}`;
  else if (f === '4') rest = `${a}${b}${c}${d}00000${e}`;
  else rest = `${a}${b}${c}${d}${e}0000${f}`;
  return `${system}${rest}${check}`;
}

// All application identifiers (GS1 General Specifications, 3.2): two to four digits.
const IDENTIFIER = new RegExp(
  '^(?:0[0-4]|1[0-3567]|2[0-2]|30|37|9\\d|235|24[0-3]|25[0-1345]|3(?:1[0-6]|2\\d|3[0-7]|4\\d|5[0-7]|6\\d)[0-5]|39[0-5]\\d|40[0-3]|41[0-7]|42[0-7]|' +
    '43[0-3]\\d|700[1-9]|701[01]|702\\d|703\\d|704[01]|71[0-7]|72[3-5]\\d|80[0-3]\\d|811[0-2]|8200)',
);

// Application identifiers with a value of a fixed length (GS1 General Specifications, 7.8.4); by their first two digits.
const PREDEFINED: Record<string, number> = {
  '00': 18, '01': 14, '02': 14, '03': 14, '04': 16, '11': 6, '12': 6, '13': 6, '14': 6, '15': 6, '16': 6, '17': 6, '18': 6, '19': 6, '20': 2,
  '31': 6, '32': 6, '33': 6, '34': 6, '35': 6, '36': 6, '41': 13,
};
const LONGEST: Record<string, number> = { '10': 20, '21': 20, '22': 20, '30': 8, '37': 8 };

/** Reads application identifiers one after the other. Returns: null when one cannot be read. */
function elements(text: string): Map<string, string> | 'unreadable' | 'separator_lost' {
  const found = new Map<string, string>();
  let rest = text.replace(new RegExp(`^${GS}+|${GS}+$`, 'g'), '');
  while (rest !== '') {
    const ai = IDENTIFIER.exec(rest)?.[0];
    if (ai === undefined) return 'unreadable';
    const fixed = PREDEFINED[ai.slice(0, 2)];
    const after = rest.slice(ai.length);
    const separator = after.indexOf(GS);
    let value: string;
    if (fixed !== undefined) {
      value = after.slice(0, fixed);
      if (value.length < fixed || !/^\d+$/.test(value)) return 'unreadable';
      rest = after.slice(fixed).replace(new RegExp(`^${GS}`), '');
    } else {
      value = separator < 0 ? after : after.slice(0, separator);
      if (!/^[!"%-?A-Z_a-z]+$/.test(value)) return 'unreadable'; // the characters of GS1, set 82
      if (value.length > (LONGEST[ai] ?? 90)) return ai === '10' || ai === '21' ? 'separator_lost' : 'unreadable';
      rest = separator < 0 ? '' : after.slice(separator + 1);
    }
    const known = found.get(ai);
    if (known !== undefined && known !== value) return 'unreadable';
    found.set(ai, value);
  }
  if (found.has('01') && (found.has('02') || found.has('37'))) return 'unreadable'; // an item, or what a box contains
  return found.size === 0 ? 'unreadable' : found;
}

/** "(01)09521234543213(17)261224" as elements; a bracket of a value is written `\(`. */
function bracketed(text: string): Map<string, string> | 'unreadable' {
  const found = new Map<string, string>();
  const each = /\((\d{2,4})\)((?:\\\(|[^(\\])+)/gy;
  let at = 0;
  for (let match = each.exec(text); match; match = each.exec(text)) {
    found.set(match[1] ?? '', (match[2] ?? '').replaceAll('\\(', '('));
    at = each.lastIndex;
  }
  return at === text.length && found.size > 0 ? found : 'unreadable';
}

function digitalLink(text: string): Map<string, string> | 'unreadable' {
  let url: URL;
  let parts: string[];
  try {
    url = new URL(text);
    parts = url.pathname.split('/').filter((part) => part !== '').map(decodeURIComponent);
  } catch {
    return 'unreadable'; // no address, or half an escape
  }
  const found = new Map<string, string>();
  const key = parts.lastIndexOf('01');
  for (let i = key; key >= 0 && i + 1 < parts.length; i += 2) found.set(parts[i] ?? '', parts[i + 1] ?? '');
  for (const [name, value] of url.searchParams) if (/^\d{2,4}$/.test(name)) found.set(name, value);
  return found.has('01') ? found : 'unreadable';
}

/** Returns: the date of YYMMDD; null when it does not exist. Day 00 is the last day of the month. */
export function gs1Date(text: string, thisYear: number): string | null {
  if (!/^\d{6}$/.test(text)) return null;
  const [yy, month, day] = [Number(text.slice(0, 2)), Number(text.slice(2, 4)), Number(text.slice(4, 6))];
  // Between 49 years ago and 50 years ahead (GS1 General Specifications, 7.12).
  let year = Math.floor(thisYear / 100) * 100 + yy;
  if (year - thisYear > 50) year -= 100;
  else if (year - thisYear < -49) year += 100;
  if (month < 1 || month > 12) return null;
  const last = new Date(Date.UTC(year, month, 0)).getUTCDate();
  if (day > last) return null;
  return `${year}-${String(month).padStart(2, '0')}-${String(day === 0 ? last : day).padStart(2, '0')}`;
}

function itemOf(found: Map<string, string>, thisYear: number): ScannedCode {
  const item = { ...NOTHING, lot: found.get('10') ?? null, serial: found.get('21') ?? null };
  const number = found.get('01') ?? found.get('02');
  if (number !== undefined) {
    const gtin = canonical(number);
    if (gtin === null) return failed('check_digit');
    item.gtin = gtin;
    item.restricted = isRestricted(gtin);
  }
  const useBy = [found.get('17'), found.get('7003')?.slice(0, 6)].flatMap((text) => (text === undefined ? [] : [gs1Date(text, thisYear)]));
  if (useBy.includes(null)) return failed('bad_date');
  for (const [kind, dates] of [
    ['use_by', useBy],
    ['best_before', found.has('15') ? [gs1Date(found.get('15') ?? '', thisYear)] : []],
    ['sell_by', found.has('16') ? [gs1Date(found.get('16') ?? '', thisYear)] : []],
  ] as const) {
    if (dates.includes(null)) return failed('bad_date');
    const date = [...dates].sort()[0];
    if (date && item.date === null) Object.assign(item, { date, kind });
  }
  return item;
}

/** Reads one code as the scanner sent it, with or without a symbology identifier. */
export function readCode(raw: string, thisYear = new Date().getFullYear()): ScannedCode {
  // A separator in the first or last position has no meaning.
  const code = withSeparators(raw.replace(/[\r\n\t]+$/, '')).replace(new RegExp(`${GS}$`), '');
  const identifier = /^\][A-Za-z]\d/.exec(code)?.[0] ?? '';
  const text = code.slice(identifier.length).replace(new RegExp(`^${GS}`), '');
  if (identifier === ']E0' && /^\d{8}$/.test(text)) {
    const expanded = expandUpcE(text);
    return expanded === null ? failed('check_digit') : gtinCode(expanded);
  }
  if (/^\](E0|E4|I1|I0)$/.test(identifier)) {
    const [symbol = '', composite] = text.split('|]e0');
    const main = /^(\d{8}|\d{12,14})$/.test(symbol) ? gtinCode(symbol) : failed('unreadable');
    if (composite === undefined || main.error) return main;
    const more = elements(composite);
    return typeof more === 'string' ? failed(more) : { ...itemOf(more, thisYear), gtin: main.gtin, restricted: main.restricted };
  }
  if (/^https?:\/\//i.test(text)) {
    const link = digitalLink(text);
    return typeof link === 'string' ? failed(link) : itemOf(link, thisYear);
  }
  if (text.startsWith('(')) {
    const read = bracketed(text);
    return typeof read === 'string' ? failed(read) : itemOf(read, thisYear);
  }
  const isGs1 = /^\](C1|d2|Q3|e0|e1|e2|J1)$/.test(identifier);
  if (!isGs1 && /^(\d{8}|\d{12,14})$/.test(text)) {
    const product = gtinCode(text);
    const read = product.error && !identifier ? elements(text) : 'unreadable'; // eight digits may be a date alone
    const item = typeof read === 'string' ? product : itemOf(read, thisYear);
    return item.gtin || item.date || item.error ? item : product; // a misread EAN can look like an element that is neither
  }
  if (identifier && !isGs1) return failed('unreadable');
  const read = elements(text);
  return typeof read === 'string' ? failed(read) : itemOf(read, thisYear);
}

/** Puts two codes of one item together. Returns: null when they contradict each other. */
export function merge(a: ScannedCode, b: ScannedCode): ScannedCode | null {
  if (a.gtin && b.gtin && a.gtin !== b.gtin) return null;
  const first = a.date ? a : b;
  return {
    gtin: a.gtin ?? b.gtin,
    date: first.date,
    kind: first.kind,
    lot: a.lot ?? b.lot,
    serial: a.serial ?? b.serial,
    restricted: a.gtin ? a.restricted : b.restricted,
    error: null,
  };
}
