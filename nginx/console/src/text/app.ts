// The texts of the shell and of the staff's screens.

import { textsOf } from '../lib/i18n';
import type { Key } from './en';

export const app = textsOf<Key>({ en: () => import('./en'), de: () => import('./de') });
export const t = app.t;
