// The shops: name and time zone, and the deletion of a shop with its readings.

import { signal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { loadShops } from '../data/shops';
import { get, request } from '../lib/api';
import { explain } from '../lib/explain';
import { numberText } from '../lib/format';
import { go, route } from '../lib/router';
import type { Reading, Shop } from '../lib/types';
import { announce } from '../ui/announce';
import { Icon } from '../ui/icons';
import { confirm } from '../ui/sheet';
import { EditSheet, type FieldSpec } from './edit';
import { ListEnd, Screen, SearchField } from './list';
import { rowsOf } from '../lib/rows';
import { type Column, Table } from './table';
import { t } from './words';

const NEW = 'new';
const list = rowsOf<Shop>();
const search = signal('');

/** Returns: the shops with all words in the name, the time zone or the number. */
function matching(shops: readonly Shop[], words: string): Shop[] {
  const wanted = words.toLocaleLowerCase().split(/\s+/);
  return shops.filter((shop) => {
    const text = `${shop.id} ${shop.name} ${shop.time_zone}`.toLocaleLowerCase();
    return wanted.every((word) => text.includes(word));
  });
}

export function Shops(): JSX.Element {
  useEffect(() => {
    void list.show('/shops?count=true&limit=1000');
  }, []);
  const columns: Column<Shop>[] = [
    { name: 'name', label: t('name'), cell: (shop) => shop.name },
    { name: 'id', label: t('number'), cell: (shop) => shop.id, numeric: true },
    { name: 'time_zone', label: t('time_zone'), cell: (shop) => shop.time_zone },
    {
      name: 'page',
      label: t('storefront'),
      cell: (shop) => (
        <a class="above" href={`/shop/${shop.id}`} target="_blank" rel="noopener">
          /shop/{shop.id}
        </a>
      ),
    },
  ];
  const open = route.value.argument;
  return (
    <Screen
      title={t('shops')}
      actions={
        <button type="button" class="primary" onClick={() => go(`shops/${NEW}`)}>
          <Icon name="plus" size={18} /> {t('new_shop')}
        </button>
      }
    >
      <div class="filters">
        <SearchField label={t('search_shops')} value={search} />
      </div>
      <Table
        caption={t('shops')}
        columns={columns}
        rows={matching(list.rows.value ?? [], search.value)}
        keyOf={(shop) => String(shop.id)}
        onOpen={(shop) => go(`shops/${shop.id}`)}
      />
      <ListEnd list={list} empty={t('no_shops')} />
      {open !== '' && <ShopSheet key={open} id={open} />}
    </Screen>
  );
}

function ShopSheet({ id }: { id: string }): JSX.Element {
  const isNew = id === NEW;
  const fields: FieldSpec[] = [
    { name: 'name', label: t('name') },
    { name: 'time_zone', label: t('time_zone'), hint: t('time_zone_hint'), suggestions: Intl.supportedValuesOf('timeZone') },
  ];
  return (
    <EditSheet<Shop>
      title={isNew ? t('new_shop') : t('shop_number', { id })}
      path={isNew ? null : `/shops/${encodeURIComponent(id)}`}
      collection="/shops"
      subject="shop"
      initial={{ name: null, time_zone: Intl.DateTimeFormat().resolvedOptions().timeZone }}
      fields={fields}
      onClose={() => go('shops')}
      onSaved={(shop) => {
        if (isNew) list.rows.value = [...(list.rows.value ?? []), shop];
        else list.put((one) => one.id === shop.id, shop);
        void loadShops();
      }}
      remove={removeShop}
    >
      {(shop) => (
        <p class="facts">
          <a href={`#/rules/${shop.id}`}>{t('rules')}</a>
          <a href={`#/audit?subject=shop&subject_id=${shop.id}`}>{t('who_changed')}</a>
        </p>
      )}
    </EditSheet>
  );
}

async function removeShop(shop: Shop, tag: string): Promise<boolean> {
  const readings = await get<Reading[]>(`/stock-readings?count=true&limit=1&shop=${shop.id}`);
  if (!readings.ok) {
    announce({ text: explain(readings.problem), tone: 'bad' });
    return false;
  }
  const total = readings.headers.get('Total-Count');
  const count = Number(total ?? 0);
  const none = readings.body.length === 0;
  const text = none ? t('delete_shop_empty') : t('delete_shop', { n: count, shown: total === null ? t('many') : numberText(count) });
  const label = none ? t('delete') : t('delete_shop_and', { n: count, shown: total === null ? t('many') : numberText(count) });
  if (!(await confirm(t('delete_shop_title', { name: shop.name }), text, label))) return false;
  const answer = await request<undefined>('DELETE', `/shops/${shop.id}?cascade=true`, { ifMatch: tag, timeoutMs: 60_000 });
  if (answer.ok || answer.status === 404) {
    announce({ text: t('deleted', { name: shop.name }), tone: 'good' });
    list.put(({ id }) => id === shop.id, null);
    void loadShops();
    return true;
  }
  announce({ text: answer.status === 412 ? t('changed_before_delete') : explain(answer.problem), tone: 'bad' });
  return false;
}
