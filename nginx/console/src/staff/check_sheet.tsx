// The check of a shelf: what is the shortest date now? It replaces the date, also with none.

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { today } from '../data/shops';
import { dateText } from '../lib/format';
import type { Subject } from '../queue/record';
import { t } from '../text/app';
import { Sheet } from '../ui/sheet';
import { act } from './act';
import { DatePad } from './date_pad';

export function CheckSheet({ subject, known, onClose }: { subject: Subject; known: string | null; onClose: (done: boolean) => void }): JSX.Element {
  const other = useSignal(known === null);
  const check = async (date: string | null): Promise<void> => {
    if (await act(subject, { kind: 'check', GTIN: subject.GTIN, expiry_date: date })) onClose(true);
  };
  return (
    <Sheet title={subject.name} onClose={() => onClose(false)}>
      <p class="question">{t('shortest_now')}</p>
      <div class="choices">
        {known !== null && !other.value && (
          <button type="button" class="primary" onClick={() => void check(known)}>
            {t('still_date', { date: dateText(known, today.value) })}
          </button>
        )}
        <button type="button" onClick={() => void check(null)}>
          {t('nothing_left')}
        </button>
        {!other.value && (
          <button type="button" onClick={() => (other.value = true)}>
            {t('other_date')}
          </button>
        )}
      </div>
      {other.value && <DatePad onPick={(date) => void check(date)} />}
    </Sheet>
  );
}
