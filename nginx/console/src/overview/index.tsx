// The overview, loaded when it is opened.

import type { Screens } from '../shell/screens';

export const screens: Screens = {};
