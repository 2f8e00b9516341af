// The menu: the person, the device, language and appearance.

import { signal, useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { workOffline } from '../lib/api';
import { LANGUAGES, language, setLanguage, type Language } from '../lib/i18n';
import { go } from '../lib/router';
import { identity, isAdmin, signOut } from '../lib/session';
import { discard } from '../queue/record';
import { sendNow } from '../queue/sender';
import { own, persisted, queue } from '../queue/state';
import { setSound, soundOn } from '../staff/feedback';
import { t } from '../text/app';
import { announce } from '../ui/announce';
import { Icon } from '../ui/icons';
import { ask, confirm, Sheet } from '../ui/sheet';
import { SCREENS } from './screens';
import { ThemeChoice } from './theme_choice';

export const menuIsOpen = signal(false);

const close = (): void => void (menuIsOpen.value = false);

export function Menu(): JSX.Element {
  const busy = useSignal(false);
  return (
    <Sheet title={t('signed_in_as', { name: identity.value?.name ?? '' })} onClose={close} side>
      <nav class="menu-screens" aria-label={t('other_screens')}>
        {SCREENS.filter(({ role, place }) => place === 'rail' && (role === 'staff' || isAdmin.value)).map(({ name, title, icon }) => (
          <a key={name} class="button" href={`#/${name}`} onClick={close}>
            <Icon name={icon} size={20} />
            {t(title)}
          </a>
        ))}
      </nav>
      <div class="fields">
        <label for="menu-language">{t('language')}</label>
        <select id="menu-language" value={language.value} onChange={(event) => void setLanguage(event.currentTarget.value as Language)}>
          {Object.entries(LANGUAGES).map(([code, name]) => (
            <option key={code} value={code}>
              {name}
            </option>
          ))}
        </select>
        <label for="menu-theme">{t('theme')}</label>
        <ThemeChoice id="menu-theme" />
        <label class="switch">
          <input type="checkbox" checked={soundOn.value} onChange={(event) => setSound(event.currentTarget.checked)} />
          <span>{t('sound')}</span>
        </label>
        <label class="switch">
          <input type="checkbox" checked={workOffline.value} aria-describedby="offline-help" onChange={(event) => (workOffline.value = event.currentTarget.checked)} />
          <span>{t('work_offline')}</span>
        </label>
        <p id="offline-help" class="muted">
          {t('work_offline_help')}
        </p>
      </div>
      <div class="choices">
        <button
          type="button"
          onClick={() => {
            close();
            go('scanner');
          }}
        >
          {t('scanner_check')}
        </button>
        <a class="button" href="/docs">
          {t('api_docs')}
        </a>
        <button
          type="button"
          aria-disabled={busy.value}
          onClick={() => {
            if (busy.value) return;
            busy.value = true;
            void leave().finally(() => (busy.value = false));
          }}
        >
          {t('sign_out')}
        </button>
      </div>
      <p class="muted shortcuts">{t('shortcuts')}</p>
      <p class="muted">{persisted.value ? t('stored_safely') : t('stored_at_risk')}</p>
    </Sheet>
  );
}

/** Signs out; entries that wait are not lost without a question. */
async function leave(): Promise<void> {
  const { waiting, refused } = queue.peek();
  if (waiting + refused > 0) {
    const text = [t('sign_out_text', { n: waiting + refused }), refused > 0 ? t('sign_out_refused', { n: refused }) : ''].join(' ');
    const choice = await ask(t('sign_out_title'), text, [
      { label: t('sign_out_send'), value: 'send', primary: true },
      { label: t('sign_out_keep'), value: 'keep' },
      { label: t('sign_out_delete'), value: 'delete', danger: true },
    ]);
    if (choice === null) return;
    if (choice === 'send') {
      await sendNow(true);
      if (own.peek().length > 0) {
        announce({ text: t('still_waiting', { n: own.peek().length }), tone: 'bad' });
        return;
      }
    }
    if (choice === 'delete') {
      if (!(await confirm(t('sign_out_sure', { n: waiting + refused }), t('delete_for_ever'), t('delete')))) return;
      await discard(own.peek());
    }
  }
  if (await signOut()) {
    close();
    go('', true);
  } else {
    announce({ text: t('sign_out_needs_connection'), tone: 'bad' });
  }
}
