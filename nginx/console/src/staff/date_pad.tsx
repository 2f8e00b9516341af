// The date pad: a tap on the month, a tap on the day. No wheel and no format to know; typed digits are possible too.

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { today } from '../data/shops';
import { addDays, dateText, daysBetween, daysText, longDate, monthName, weekDays } from '../lib/format';
import { language, locale } from '../lib/i18n';
import { t } from '../text/app';
import { confirm } from '../ui/sheet';
import { Icon } from '../ui/icons';
import { dateOfDigits } from './typed_date';

const FAR_DAYS = 3 * 366;

/** Puts the question that an unlikely date needs. Returns: whether it is right. */
async function isMeant(date: string): Promise<boolean> {
  const days = daysBetween(today.peek(), date);
  if (days < 0) return confirm(t('date_passed'), t('date_passed_text', { date: dateText(date) }), t('record_expired'), false);
  if (days > FAR_DAYS) return confirm(t('date_far'), t('date_far_text', { year: date.slice(0, 4), date: longDate(date) }), t('yes_right'), false);
  return true;
}

export function DatePad({ onPick }: { onPick: (date: string) => void }): JSX.Element {
  const month = useSignal<string | null>(null);
  const mode = useSignal<'months' | 'years' | 'type'>('months');
  const year = useSignal<number | null>(null);
  const pick = async (date: string): Promise<void> => {
    if (await isMeant(date)) onPick(date);
  };
  const pad = useRef<HTMLDivElement>(null);
  // The focus stays in the pad when its buttons are replaced.
  const shownAt = `${month.value} ${mode.value} ${year.value}`;
  const first = useRef(true);
  useEffect(() => {
    if (!first.current && document.activeElement === document.body) pad.current?.querySelector<HTMLElement>('button, input')?.focus({ preventScroll: true });
    first.current = false;
  }, [shownAt]);
  return (
    <div class="date-pad" ref={pad}>
      {mode.value === 'type' ? (
        <TypedDate onPick={pick} onBack={() => (mode.value = 'months')} />
      ) : month.value !== null ? (
        <Days month={month.value} onPick={pick} onBack={() => (month.value = null)} />
      ) : mode.value === 'years' && year.value === null ? (
        <Years onPick={(chosen) => (year.value = chosen)} onBack={() => (mode.value = 'months')} />
      ) : (
        <Months
          from={year.value === null ? today.value.slice(0, 7) : `${year.value}-01`}
          onPick={(chosen) => (month.value = chosen)}
          onLater={() => {
            year.value = null;
            mode.value = 'years';
          }}
          onType={() => (mode.value = 'type')}
        />
      )}
    </div>
  );
}

function nextMonths(from: string): string[] {
  const [year = 0, month = 1] = from.split('-').map(Number);
  return [...Array(12).keys()].map((n) => new Date(Date.UTC(year, month - 1 + n, 1)).toISOString().slice(0, 7));
}

interface MonthsProps {
  from: string;
  onPick: (month: string) => void;
  onLater: () => void;
  onType: () => void;
}

function Months({ from, onPick, onLater, onType }: MonthsProps): JSX.Element {
  return (
    <>
      <div class="months" role="group" aria-label={t('month')}>
        {nextMonths(from).map((month, n) => {
          const newYear = n > 0 && month.endsWith('-01');
          return (
            <button key={month} type="button" onClick={() => onPick(month)}>
              {monthName(month)} <small class={newYear || n === 0 ? '' : 'visually-hidden'}>{month.slice(0, 4)}</small>
            </button>
          );
        })}
      </div>
      <div class="pad-more">
        <button type="button" class="quiet" onClick={onLater}>
          {t('later')}
        </button>
        <button type="button" class="quiet" onClick={onType}>
          <Icon name="keyboard" size={20} />
          {t('type')}
        </button>
      </div>
    </>
  );
}

function Years({ onPick, onBack }: { onPick: (year: number) => void; onBack: () => void }): JSX.Element {
  const now = Number(today.value.slice(0, 4));
  return (
    <>
      <div class="months" role="group" aria-label={t('year')}>
        {[...Array(12).keys()].map((n) => (
          <button key={n} type="button" onClick={() => onPick(now + n)}>
            {now + n}
          </button>
        ))}
      </div>
      <Back onBack={onBack} />
    </>
  );
}

function Days({ month, onPick, onBack }: { month: string; onPick: (date: string) => void; onBack: () => void }): JSX.Element {
  const { names, first } = weekDays();
  const start = `${month}-01`;
  const [year = 0, number = 1] = month.split('-').map(Number);
  const count = new Date(Date.UTC(year, number, 0)).getUTCDate();
  const weekDay = new Date(`${start}T00:00:00Z`).getUTCDay() || 7;
  const gap = (weekDay - first + 7) % 7;
  return (
    <>
      <div class="pad-head">
        <button type="button" class="quiet square" aria-label={t('other_month')} onClick={onBack}>
          <Icon name="back" size={20} />
        </button>
        <strong>
          {monthName(month)} {month.slice(0, 4)}
        </strong>
        <button type="button" class="end-of-month" onClick={() => onPick(`${month}-${count}`)}>
          {t('end_of_month')}
        </button>
      </div>
      <div class="days" role="group" aria-label={t('day')}>
        {names.map((name) => (
          <span key={name} class="week-day" aria-hidden="true">
            {name}
          </span>
        ))}
        {[...Array(count).keys()].map((n) => {
          const date = addDays(start, n);
          const classes = [date === today.value ? 'today' : '', date < today.value ? 'past' : '', n === 0 ? `gap-${gap}` : ''].join(' ').trim();
          return (
            <button key={date} type="button" class={classes} aria-label={longDate(date)} aria-current={date === today.value ? 'date' : undefined} onClick={() => onPick(date)}>
              {n + 1}
            </button>
          );
        })}
      </div>
    </>
  );
}

function TypedDate({ onPick, onBack }: { onPick: (date: string) => void; onBack: () => void }): JSX.Element {
  const digits = useSignal('');
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  const date = dateOfDigits(digits.value, locale(), today.value);
  const submit = (event: Event): void => {
    event.preventDefault();
    if (date) onPick(date);
  };
  void language.value;
  return (
    <form class="typed-date" onSubmit={submit}>
      <label for="typed-date">{t('date_digits')}</label>
      <input id="typed-date" ref={field} inputMode="numeric" autocomplete="off" maxLength={10} value={digits.value} onInput={(event) => (digits.value = event.currentTarget.value)} />
      <p aria-live="polite">{date ? `${longDate(date)}, ${daysText(daysBetween(today.value, date))}` : digits.value.replace(/\D/g, '').length >= 4 ? t('no_such_date') : t('date_digits_help')}</p>
      <div class="choices">
        <button type="submit" class="primary" disabled={!date}>
          {t('save')}
        </button>
        <button type="button" onClick={onBack}>
          {t('back')}
        </button>
      </div>
    </form>
  );
}

function Back({ onBack }: { onBack: () => void }): JSX.Element {
  return (
    <div class="pad-more">
      <button type="button" class="quiet" onClick={onBack}>
        <Icon name="back" size={20} />
        {t('back')}
      </button>
    </div>
  );
}
