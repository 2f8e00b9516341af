// The texts of the admin's screens.

import { textsOf } from '../lib/i18n';
import type en from './text/en';

export type Key = keyof typeof en;
export const { t, load } = textsOf<Key>({
  en: () => import('./text/en'),
  de: () => import('./text/de'),
});
