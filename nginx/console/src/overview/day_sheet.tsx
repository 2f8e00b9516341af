// The readings that expire on one day.

import type { JSX } from 'preact';
import { useEffect, useMemo } from 'preact/hooks';
import { shops } from '../data/shops';
import { explain } from '../lib/explain';
import { addDays, dateText, numberText } from '../lib/format';
import { address, rowsOf } from '../lib/rows';
import type { Reading } from '../lib/types';
import { Sheet } from '../ui/sheet';
import { t } from './words';

export function DaySheet({ date, shop, onClose }: { date: string; shop: number; onClose: () => void }): JSX.Element {
  const list = useMemo(() => rowsOf<Reading>(), []);
  useEffect(() => {
    void list.show(
      address('/stock-readings', { expires_after: addDays(date, -1), expires_before: addDays(date, 1), shop: shop || null, limit: 100 }),
    );
  }, [date, shop]);
  return (
    <Sheet title={t('expires_on', { date: dateText(date) })} side onClose={onClose}>
      <table class="numbers">
        <thead>
          <tr>
            <th scope="col">{t('product')}</th>
            {!shop && <th scope="col">{t('shop')}</th>}
            <th scope="col">{t('quantity')}</th>
          </tr>
        </thead>
        <tbody>
          {(list.rows.value ?? []).map((reading) => (
            <tr key={reading.id}>
              <th scope="row">{reading.name}</th>
              {!shop && <td class="text">{shops.value.find(({ id }) => id === reading.shop)?.name ?? reading.shop}</td>}
              <td>{reading.quantity === null ? t('not_counted') : numberText(reading.quantity)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {list.rows.value === null && !list.problem.value && <p role="status">{t('reading')}</p>}
      {list.problem.value && <p role="alert">{explain(list.problem.value)}</p>}
      {list.next.value !== null && (
        <button type="button" disabled={list.reading.value} onClick={() => void list.more()}>
          {t('show_more')}
        </button>
      )}
    </Sheet>
  );
}
