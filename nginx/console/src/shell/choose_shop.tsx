// The choice of the shop; the ones of the last days come first.

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { chooseShop, loadShops, recentShops, shop, shops, shopsLoaded } from '../data/shops';
import { go, route } from '../lib/router';
import { t } from '../text/app';
import { Icon } from '../ui/icons';

export function ChooseShop(): JSX.Element {
  const search = useSignal('');
  const recent = recentShops();
  const rank = (id: number): number => (recent.includes(id) ? recent.indexOf(id) : recent.length);
  const words = search.value.toLowerCase().split(/\s+/);
  const found = shops.value
    .filter((each) => words.every((word) => each.name.toLowerCase().includes(word)))
    .sort((a, b) => rank(a.id) - rank(b.id) || a.name.localeCompare(b.name));
  return (
    <section class="page narrow">
      <h1>{t('choose_shop')}</h1>
      {shops.value.length > 8 && (
        <input type="search" aria-label={t('search_shops')} placeholder={t('search_shops')} value={search.value} onInput={(event) => (search.value = event.currentTarget.value)} />
      )}
      {shops.value.length === 0 && (
        <p class="empty">
          {shopsLoaded.value ? t('no_shop') : t('loading')}{' '}
          <button type="button" onClick={() => void loadShops()}>
            {t('retry')}
          </button>
        </p>
      )}
      <ul class="rows">
        {found.slice(0, 200).map((each) => (
          <li key={each.id}>
            <button
              type="button"
              class="row"
              aria-current={shop.value?.id === each.id}
              onClick={() => {
                chooseShop(each.id);
                if (route.value.name === 'shop') go('scan', true);
              }}
            >
              <span class="row-main">
                <strong>{each.name}</strong>
                <span class="muted">{each.time_zone}</span>
              </span>
              {recent[0] === each.id && <span class="tag">{t('last_used')}</span>}
              <Icon name="chevron" size={18} />
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
