// The choice between light and dark: in the menu, and at the sign-in.

import type { JSX } from 'preact';
import { setTheme, theme, type Theme } from '../lib/theme';
import { t } from '../text/app';

export function ThemeChoice({ id, label }: { id: string; label?: string }): JSX.Element {
  return (
    <select id={id} aria-label={label} value={theme.value} onChange={(event) => setTheme(event.currentTarget.value as Theme)}>
      <option value="system">{t('theme_system')}</option>
      <option value="light">{t('theme_light')}</option>
      <option value="dark">{t('theme_dark')}</option>
    </select>
  );
}
