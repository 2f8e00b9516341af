// The table of all screens: where each one is, who sees it, and what its bundle is.

import type { ComponentType } from 'preact';
import type { IconName } from '../ui/icons';
import type { Key } from '../text/en';
import { isAdmin } from '../lib/session';
import type { Role } from '../lib/types';

/** What a bundle exports as `screens`: the component of each of its screens, by the name in the address. */
export type Screens = Record<string, ComponentType>;

export interface ScreenEntry {
  name: string; // in the address: #/name
  title: Key;
  icon: IconName;
  role: Role; // staff: for admins too
  place: 'bar' | 'rail' | 'menu'; // bar: the bottom bar of phones, and the rail of wide screens
  needsShop: boolean;
  load: () => Promise<{ screens: Screens }>;
}

const staff = () => import('../staff/index');
const admin = () => import('../admin/index');
const overview = () => import('../overview/index');

export const SCREENS: readonly ScreenEntry[] = [
  { name: 'overview', title: 'overview', icon: 'overview', role: 'staff', place: 'rail', needsShop: false, load: overview },
  { name: 'scan', title: 'scan', icon: 'scan', role: 'staff', place: 'bar', needsShop: true, load: staff },
  { name: 'todo', title: 'todo', icon: 'todo', role: 'staff', place: 'bar', needsShop: true, load: staff },
  { name: 'shelf', title: 'shelf', icon: 'shelf', role: 'staff', place: 'bar', needsShop: true, load: staff },
  { name: 'waiting', title: 'waiting', icon: 'waiting', role: 'staff', place: 'bar', needsShop: false, load: staff },
  { name: 'scanner', title: 'scanner_check', icon: 'scan', role: 'staff', place: 'menu', needsShop: false, load: staff },
  { name: 'products', title: 'products', icon: 'products', role: 'admin', place: 'rail', needsShop: false, load: admin },
  { name: 'shops', title: 'shops', icon: 'shops', role: 'admin', place: 'rail', needsShop: false, load: admin },
  { name: 'import', title: 'import', icon: 'upload', role: 'admin', place: 'rail', needsShop: false, load: admin },
  { name: 'export', title: 'export', icon: 'download', role: 'admin', place: 'rail', needsShop: false, load: admin },
  { name: 'tokens', title: 'tokens', icon: 'key', role: 'admin', place: 'rail', needsShop: false, load: admin },
  { name: 'rules', title: 'rules', icon: 'rules', role: 'admin', place: 'rail', needsShop: false, load: admin },
  { name: 'audit', title: 'audit', icon: 'audit', role: 'admin', place: 'rail', needsShop: false, load: admin },
];

export const screenAt = (name: string): ScreenEntry | undefined => SCREENS.find((screen) => screen.name === name);

/** Returns: the name of the screen that is shown when the address has none. */
export function startScreen(): string {
  return isAdmin.peek() && matchMedia('(min-width: 900px)').matches ? 'overview' : 'scan';
}
