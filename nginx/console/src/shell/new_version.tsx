// The message about a new version, or about one that is too old for the service.

import type { JSX } from 'preact';
import { CONSOLE_VERSION, oldestAccepted } from '../lib/api';
import { queue } from '../queue/state';
import { t } from '../text/app';
import { newVersion, postponed, restart } from './updates';

export function NewVersion(): JSX.Element | null {
  const tooOld = (oldestAccepted.value ?? 0) > CONSOLE_VERSION;
  if (tooOld) {
    return (
      <div class="banner" role="alert">
        <span>{t('too_old', { n: queue.value.waiting })}</span>
        <button type="button" class="primary" onClick={() => (newVersion.value ? restart() : location.reload())}>
          {t('restart_now')}
        </button>
      </div>
    );
  }
  if (newVersion.value === null || postponed.value) return null;
  return (
    <div class="banner" role="status">
      <span>{t('new_version')}</span>
      <button type="button" class="primary" onClick={restart}>
        {t('restart_now')}
      </button>
      <button type="button" onClick={() => (postponed.value = true)}>
        {t('later')}
      </button>
    </div>
  );
}
