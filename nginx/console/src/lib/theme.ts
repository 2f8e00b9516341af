// Light, dark, or as the system says. The style sheet reads the attribute.

import { signal } from '@preact/signals';
import { readSetting, writeSetting } from './storage';

export type Theme = 'system' | 'light' | 'dark';

export const theme = signal<Theme>(read());

function read(): Theme {
  const stored = readSetting('theme');
  return stored === 'light' || stored === 'dark' ? stored : 'system';
}

function show(): void {
  if (theme.value === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = theme.value;
}

export function setTheme(to: Theme): void {
  theme.value = to;
  writeSetting('theme', to === 'system' ? null : to);
  show();
}

show();
