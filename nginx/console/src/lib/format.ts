// Dates and numbers in the person's locale. A civil date stays text, YYYY-MM-DD: it has no time zone.

import { language, locale } from './i18n';

const cache = new Map<string, Intl.DateTimeFormat>();

function formatter(name: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${locale()} ${name}`;
  let found = cache.get(key);
  if (!found) {
    found = new Intl.DateTimeFormat(locale(), options);
    cache.set(key, found);
  }
  return found;
}

const instantOf = (date: string): Date => new Date(`${date}T00:00:00Z`);

/** "24 Dec 2026", without the year when it is the one of `today`. */
export function dateText(date: string, today?: string): string {
  const sameYear = today?.slice(0, 4) === date.slice(0, 4);
  const name = sameYear ? 'day-month' : 'day-month-year';
  return formatter(name, { day: 'numeric', month: 'short', ...(sameYear ? {} : { year: 'numeric' }), timeZone: 'UTC' }).format(instantOf(date));
}

/** "Thursday, 24 December 2026" */
export function longDate(date: string): string {
  return formatter('long', { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC' }).format(instantOf(date));
}

/** "Dec", of a month as YYYY-MM. */
export function monthName(month: string): string {
  return formatter('month', { month: 'short', timeZone: 'UTC' }).format(instantOf(`${month}-01`));
}

/** The days of a week, the first one of the locale first: names and the ISO number (1: Monday) of the first. */
export function weekDays(): { names: string[]; first: number } {
  const of = new Intl.Locale(locale()) as Intl.Locale & { getWeekInfo?: () => { firstDay: number }; weekInfo?: { firstDay: number } };
  const first = of.getWeekInfo?.().firstDay ?? of.weekInfo?.firstDay ?? (language.value === 'de' ? 1 : 7);
  const format = formatter('weekday', { weekday: 'short', timeZone: 'UTC' });
  // 2024-01-01 was a Monday.
  return { names: [...Array(7).keys()].map((day) => format.format(new Date(Date.UTC(2024, 0, first + day)))), first };
}

const days = new Map<string, Intl.DateTimeFormat>();

/** The day of a time in a time zone, YYYY-MM-DD. */
export function todayIn(timeZone: string, at: number): string {
  let found = days.get(timeZone);
  if (!found) {
    found = new Intl.DateTimeFormat('sv-SE', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' });
    days.set(timeZone, found);
  }
  return found.format(at);
}

/** Days from one date to another; negative when it is earlier. */
export function daysBetween(from: string, to: string): number {
  return Math.round((Date.parse(`${to}T00:00:00Z`) - Date.parse(`${from}T00:00:00Z`)) / 86_400_000);
}

export function addDays(date: string, days: number): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);
}

/** "in 25 days", "yesterday" */
export function daysText(days: number): string {
  const relative = new Intl.RelativeTimeFormat(locale(), { numeric: 'auto' });
  if (Math.abs(days) < 60) return relative.format(days, 'day');
  return Math.abs(days) < 730 ? relative.format(Math.round(days / 30.4), 'month') : relative.format(Math.round(days / 365.25), 'year');
}

/** "5 minutes ago" */
export function agoText(time: string | number, at: number): string {
  const seconds = ((typeof time === 'number' ? time : Date.parse(time)) - at) / 1000;
  const relative = new Intl.RelativeTimeFormat(locale(), { numeric: 'auto' });
  if (Math.abs(seconds) < 45) return relative.format(0, 'second');
  if (Math.abs(seconds) < 3_600) return relative.format(Math.round(seconds / 60), 'minute');
  if (Math.abs(seconds) < 86_400) return relative.format(Math.round(seconds / 3_600), 'hour');
  return relative.format(Math.round(seconds / 86_400), 'day');
}

/** "24 Dec, 09:14" in the time zone of the shop, or of the browser; with the year when it is not this one. */
export function timeText(time: string | number, timeZone?: string): string {
  const at = new Date(time);
  const year = at.getFullYear() === new Date().getFullYear() ? {} : ({ year: 'numeric' } as const);
  const options: Intl.DateTimeFormatOptions = { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', ...year, ...(timeZone ? { timeZone } : {}) };
  return formatter(`time ${timeZone ?? ''} ${year.year ?? ''}`, options).format(at);
}

/** "3 hours", "12 minutes" */
export function durationText(ms: number): string {
  const minutes = Math.round(ms / 60_000);
  const [value, unit] = minutes < 90 ? [minutes, 'minute'] : minutes < 48 * 60 ? [Math.round(minutes / 60), 'hour'] : [Math.round(minutes / 1440), 'day'];
  return new Intl.NumberFormat(locale(), { style: 'unit', unit: unit as string, unitDisplay: 'long' }).format(value as number);
}

export function numberText(value: number): string {
  return value.toLocaleString(locale());
}
