// The texts of the overview.

import { textsOf } from '../lib/i18n';
import type en from './text/en';

export const { t, load } = textsOf<keyof typeof en>({
  en: () => import('./text/en'),
  de: () => import('./text/de'),
});
