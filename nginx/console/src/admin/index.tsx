// The screens of admins, loaded when the first of them is opened.

import type { Screens } from '../shell/screens';

export const screens: Screens = {};
