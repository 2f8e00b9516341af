// The overview, loaded when it is opened.

import { loadStyle } from '../lib/style';
import type { Screens } from '../shell/screens';
import { OverviewScreen } from './overview';
import { load } from './words';

declare const __OVERVIEW_STYLE__: string;

await Promise.all([load(), loadStyle(__OVERVIEW_STYLE__)]);

export const screens: Screens = { overview: OverviewScreen };
