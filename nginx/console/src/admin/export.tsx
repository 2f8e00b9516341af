// Downloads of everything. The browser itself receives the files, whatever their size.

import { signal } from '@preact/signals';
import type { JSX } from 'preact';
import { shops } from '../data/shops';
import { API } from '../lib/api';
import { Icon } from '../ui/icons';
import { Choice, Screen } from './list';
import { address } from '../lib/rows';
import { t } from './words';

const shop = signal('');
const format = signal('csv');

export function Export(): JSX.Element {
  const of = (path: string, ofShop: boolean): string => `${API}${address(path, { format: format.value, shop: ofShop ? shop.value : '' })}`;
  const card = (path: string, title: string, about: string, ofShop: boolean): JSX.Element => (
    <section class="block">
      <h2>{title}</h2>
      <p>{about}</p>
      <a class="button primary" href={of(path, ofShop)} download>
        <Icon name="download" size={18} /> {t('download')}
      </a>
    </section>
  );
  return (
    <Screen title={t('export')}>
      <p class="about">{t('export_about')}</p>
      <div class="filters">
        <Choice
          label={t('format')}
          value={format}
          options={[
            { value: 'csv', label: t('csv') },
            { value: 'ndjson', label: t('ndjson') },
          ]}
        />
        <Choice
          label={t('shop')}
          value={shop}
          options={[{ value: '', label: t('all_shops') }, ...shops.value.map(({ id, name }) => ({ value: String(id), label: name }))]}
        />
      </div>
      <div class="cards">
        {card('/export/products', t('products'), t('export_products'), false)}
        {card('/export/stock-readings', t('readings'), t('export_readings'), true)}
        {card('/export/events', t('history'), t('export_events'), true)}
      </div>
    </Screen>
  );
}
