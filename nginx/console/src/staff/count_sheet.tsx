// The count: digits, or one for each scan.

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { numberText } from '../lib/format';
import type { Subject } from '../queue/record';
import { t } from '../text/app';
import { Sheet } from '../ui/sheet';
import { Icon } from '../ui/icons';
import { act } from './act';
import { counting } from './item';

const QUANTITY_MAX = 2_147_483_647;

export function CountSheet({ subject, known, onClose }: { subject: Subject; known: number | null; onClose: () => void }): JSX.Element {
  const digits = useSignal('');
  const scanning = counting.value !== null;
  useEffect(() => () => void (counting.value = null), []);
  const value = scanning ? (counting.value?.n ?? 0) : Number(digits.value);
  const valid = (scanning || digits.value !== '') && value <= QUANTITY_MAX;
  const press = (digit: string): void => {
    if (digits.value.length < 10) digits.value = digits.value === '0' ? digit : digits.value + digit;
  };
  const save = async (): Promise<void> => {
    if (valid && (await act(subject, { kind: 'count', GTIN: subject.GTIN, quantity: value }))) onClose();
  };
  return (
    <Sheet title={subject.name} onClose={onClose}>
      <form
        class="count"
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <p class="muted">{known === null ? t('not_counted') : t('until_now', { n: known })}</p>
        {scanning ? (
          <output class="count-number" aria-label={t('units')}>
            {numberText(value)}
          </output>
        ) : (
          <>
            <input class="count-number" aria-label={t('units')} inputMode="none" autocomplete="off" value={digits.value} onInput={(event) => (digits.value = event.currentTarget.value.replace(/\D/g, '').slice(0, 10))} />
            <div class="number-pad" role="group" aria-label={t('digits')}>
              {['1', '2', '3', '4', '5', '6', '7', '8', '9'].map((digit) => (
                <button key={digit} type="button" onClick={() => press(digit)}>
                  {digit}
                </button>
              ))}
              <button type="button" aria-label={t('delete_digit')} onClick={() => (digits.value = digits.value.slice(0, -1))}>
                ⌫
              </button>
              <button type="button" onClick={() => press('0')}>
                0
              </button>
              <button type="button" class="icon-button" aria-label={t('count_by_scanning')} onClick={() => (counting.value = { gtin: subject.GTIN, n: 0 })}>
                <Icon name="scan" />
              </button>
            </div>
          </>
        )}
        {scanning && <p>{t('scan_each')}</p>}
        <button type="submit" class="primary" disabled={!valid}>
          {t('save')}
        </button>
      </form>
    </Sheet>
  );
}
