// The products: search, filter, change, delete, and the change of many at once.

import { signal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { get, request } from '../lib/api';
import { explain } from '../lib/explain';
import { numberText } from '../lib/format';
import { go, route } from '../lib/router';
import type { Product, Reading } from '../lib/types';
import { announce } from '../ui/announce';
import { Icon } from '../ui/icons';
import { ask, confirm } from '../ui/sheet';
import { BulkSheet } from './bulk';
import { EditSheet, type FieldSpec } from './edit';
import { Choice, ListEnd, Screen, SearchField } from './list';
import { address, rowsOf } from '../lib/rows';
import { type Column, Table } from './table';
import { t } from './words';

interface Group {
  name: string;
  products: number;
}

const PAGE = 50;
const GROUPS_MAX = 1000; // a page of the list of brands; others can be typed
const NEW = 'new';

const search = signal('');
const category = signal('');
const brand = signal('');
const ordering = signal('name');
const chosen = signal<ReadonlySet<string>>(new Set());
const bulk = signal<'category' | 'brand' | null>(null);
const categories = signal<readonly Group[]>([]);
const brands = signal<readonly Group[]>([]);
const list = rowsOf<Product>();

export async function readGroups(): Promise<void> {
  const [some, others] = await Promise.all([get<Group[]>(`/categories?limit=${GROUPS_MAX}`), get<Group[]>(`/brands?limit=${GROUPS_MAX}`)]);
  if (some.ok) categories.value = some.body;
  if (others.ok) brands.value = others.body;
}

const namesOf = (groups: readonly Group[]): string[] => groups.map(({ name }) => name);
const all = (): { value: string; label: string } => ({ value: '', label: t('all') });

export function Products(): JSX.Element {
  const shown = address('/products', {
    search: search.value,
    category: category.value,
    brand: brand.value,
    ordering: ordering.value === 'GTIN' ? null : ordering.value,
    count: true,
    limit: PAGE,
  });
  useEffect(() => {
    chosen.value = new Set();
    void list.show(shown);
  }, [shown]);
  useEffect(() => {
    void readGroups();
  }, []);
  const columns: Column<Product>[] = [
    { name: 'name', label: t('name'), cell: (product) => product.name },
    { name: 'brand', label: t('brand'), cell: (product) => product.brand ?? '–' },
    { name: 'category', label: t('category'), cell: (product) => product.category ?? '–' },
    { name: 'GTIN', label: 'GTIN', cell: (product) => <code>{product.GTIN}</code> },
  ];
  const open = route.value.argument;
  const count = chosen.value.size;
  return (
    <Screen
      title={t('products')}
      actions={
        <button type="button" class="primary" onClick={() => go(`products/${NEW}`)}>
          <Icon name="plus" size={18} /> {t('new_product')}
        </button>
      }
    >
      <div class="filters">
        <SearchField label={t('search_products')} value={search} />
        <Choice label={t('category')} value={category} options={[all(), ...namesOf(categories.value).map(option)]} />
        <Choice label={t('brand')} value={brand} options={[all(), ...namesOf(brands.value).map(option)]} />
        <Choice
          label={t('order')}
          value={ordering}
          options={[
            { value: 'name', label: t('by_name') },
            { value: 'GTIN', label: t('by_gtin') },
          ]}
        />
      </div>
      <Table
        caption={t('products')}
        columns={columns}
        rows={list.rows.value ?? []}
        keyOf={(product) => product.GTIN}
        onOpen={(product) => go(`products/${product.GTIN}`)}
        chosen={chosen}
      />
      <ListEnd list={list} empty={t('no_products')} />
      <div class={`chosen-bar ${count > 0 ? 'some' : ''}`}>
        <span role="status">{count > 0 && t('chosen', { n: count })}</span>
        {count > 0 && (
          <>
            <button type="button" onClick={() => (bulk.value = 'category')}>
              {t('change_category')}
            </button>
            <button type="button" onClick={() => (bulk.value = 'brand')}>
              {t('change_brand')}
            </button>
            <button type="button" class="quiet" onClick={() => (chosen.value = new Set())}>
              {t('choose_none')}
            </button>
          </>
        )}
      </div>
      {open !== '' && <ProductSheet key={open} gtin={open} />}
      {bulk.value && (
        <BulkSheet
          field={bulk.value}
          label={t(bulk.value)}
          suggestions={namesOf(bulk.value === 'category' ? categories.value : brands.value)}
          products={(list.rows.value ?? []).filter(({ GTIN }) => chosen.value.has(GTIN))}
          onChanged={(product) => list.put(({ GTIN }) => GTIN === product.GTIN, product)}
          onClose={(left) => {
            bulk.value = null;
            chosen.value = left;
            void readGroups();
          }}
        />
      )}
    </Screen>
  );
}

const option = (name: string): { value: string; label: string } => ({ value: name, label: name });

function ProductSheet({ gtin }: { gtin: string }): JSX.Element {
  const isNew = gtin === NEW;
  const fields: FieldSpec[] = [
    ...(isNew ? [{ name: 'GTIN', label: 'GTIN', hint: t('gtin_hint'), numeric: true }] : []),
    { name: 'name', label: t('name') },
    { name: 'brand', label: t('brand'), optional: true, suggestions: namesOf(brands.value) },
    { name: 'category', label: t('category'), optional: true, suggestions: namesOf(categories.value) },
  ];
  return (
    <EditSheet<Product>
      title={isNew ? t('new_product') : t('product_is', { gtin })}
      path={isNew ? null : `/products/${encodeURIComponent(gtin)}`}
      collection="/products"
      subject="product"
      fields={fields}
      onClose={() => go('products')}
      onSaved={(product) => {
        if (isNew) void list.show(address('/products', { search: product.GTIN, count: true, limit: PAGE }));
        else list.put(({ GTIN }) => GTIN === product.GTIN, product);
        void readGroups();
      }}
      remove={removeProduct}
    >
      {(product) => <Facts product={product} />}
    </EditSheet>
  );
}

function Facts({ product }: { product: Product }): JSX.Element {
  return (
    <p class="facts">
      <span>{t('version', { n: product.version })}</span>
      <a href={`#/audit?subject=product&subject_id=${product.GTIN}`}>{t('who_changed')}</a>
    </p>
  );
}

// A product with readings is not deleted: the question names them instead.
async function removeProduct(product: Product, tag: string): Promise<boolean> {
  const readings = await get<Reading[]>(`/products/${product.GTIN}/stock?count=true&limit=1`);
  const count = readings.ok ? Number(readings.headers.get('Total-Count') ?? readings.body.length) : 0;
  if (count > 0) {
    await ask(t('has_readings_title', { name: product.name }), t('has_readings', { n: count, shown: numberText(count) }), []);
    return false;
  }
  if (!(await confirm(t('delete_product_title', { name: product.name }), t('delete_product', { gtin: product.GTIN }), t('delete')))) return false;
  const answer = await request<undefined>('DELETE', `/products/${product.GTIN}`, { ifMatch: tag });
  if (answer.ok || answer.status === 404) {
    announce({ text: t('deleted', { name: product.name }), tone: 'good' });
    list.put(({ GTIN }) => GTIN === product.GTIN, null);
    return true;
  }
  announce({ text: answer.status === 412 ? t('changed_before_delete') : explain(answer.problem), tone: 'bad' });
  return false;
}
