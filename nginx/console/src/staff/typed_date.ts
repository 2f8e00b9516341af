// Typed digits as a date, in the order of day and month of the person's locale.

/** Returns: whether the locale writes the month before the day. */
function monthFirst(locale: string): boolean {
  const parts = new Intl.DateTimeFormat(locale, { day: '2-digit', month: '2-digit', year: 'numeric' }).formatToParts(0).map(({ type }) => type);
  return parts.indexOf('month') < parts.indexOf('day');
}

/**
 * Reads 2412 (the next such day), 241226 or 24122026; other characters separate nothing. In a locale that writes the month
 * first these are 1224, 122426, 12242026. Returns: null for a date that does not exist.
 */
export function dateOfDigits(text: string, locale: string, today: string): string | null {
  const digits = text.replace(/\D/g, '');
  if (![4, 6, 8].includes(digits.length)) return null;
  const [a, b] = [digits.slice(0, 2), digits.slice(2, 4)];
  const [month, day] = monthFirst(locale) ? [a, b] : [b, a];
  const of = (year: number): string | null => existing(`${year}-${month}-${day}`);
  if (digits.length === 6) return of(2000 + Number(digits.slice(4)));
  if (digits.length === 8) return of(Number(digits.slice(4)));
  const year = Number(today.slice(0, 4));
  // The next such day: 29 February may be up to eight years ahead.
  for (let ahead = 0; ahead <= 8; ahead += 1) {
    const date = of(year + ahead);
    if (date !== null && date >= today) return date;
  }
  return null;
}

function existing(date: string): string | null {
  const time = Date.parse(`${date}T00:00:00Z`);
  if (Number.isNaN(time) || new Date(time).toISOString().slice(0, 10) !== date) return null;
  return date >= '2000-01-01' ? date : null;
}
