// The current screen; its bundle is loaded when it is first shown.

import type { ComponentType, JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { route } from '../lib/router';
import { isAdmin } from '../lib/session';
import { t } from '../text/app';
import { ChooseShop } from './choose_shop';
import type { ScreenEntry } from './screens';

const loaded = new Map<string, ComponentType>();

export function Screen({ entry }: { entry: ScreenEntry | undefined }): JSX.Element | null {
  const [, shownAgain] = useState(0);
  const [failed, setFailed] = useState(false);
  const known = entry && loaded.get(entry.name);
  useEffect(() => {
    setFailed(false);
    if (!entry || known || (entry.role === 'admin' && !isAdmin.value)) return;
    let current = true;
    entry
      .load()
      .then(({ screens }) => {
        for (const [name, component] of Object.entries(screens)) loaded.set(name, component);
        if (current) shownAgain((n) => n + 1);
      })
      .catch(() => current && setFailed(true));
    return () => {
      current = false;
    };
  }, [entry, known]);
  if (!entry) {
    if (route.value.name === 'shop') return <ChooseShop />;
    return route.value.name === '' ? null : <p class="empty">{t('page_missing')}</p>;
  }
  if (entry.role === 'admin' && !isAdmin.value) return <p class="empty">{t('not_for_you')}</p>;
  if (failed) return <p class="empty">{t('part_missing')}</p>;
  const Component = known;
  return Component ? <Component /> : <p class="empty">{t('loading')}</p>;
}
