// The sign-in: one field. The token is exchanged for a session and stored nowhere.

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { loadShops } from '../data/shops';
import { explain } from '../lib/explain';
import { LANGUAGES, language, setLanguage, type Language } from '../lib/i18n';
import { signIn } from '../lib/session';
import { t } from '../text/app';
import { waitingByOthers } from '../queue/state';
import { ThemeChoice } from './theme_choice';

export function SignIn(): JSX.Element {
  return (
    <main id="content" tabIndex={-1} class="sign-in">
      <div class="logo" aria-hidden="true" />
      <h1>{t('sign_in_title')}</h1>
      <SignInForm />
      <Others />
      <p class="languages">
        {Object.entries(LANGUAGES).map(([code, name]) => (
          <button key={code} type="button" class="quiet" lang={code} aria-pressed={language.value === code} onClick={() => void setLanguage(code as Language)}>
            {name}
          </button>
        ))}
        <ThemeChoice id="theme" label={t('theme')} />
      </p>
    </main>
  );
}

/** The field and its button; also in the sheet that a session that is over opens. */
export function SignInForm({ onDone }: { onDone?: () => void }): JSX.Element {
  const error = useSignal('');
  const busy = useSignal(false);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (busy.value) return;
    const token = field.current?.value.trim() ?? '';
    if (token === '') error.value = t('token_empty');
    else {
      busy.value = true;
      const answer = await signIn(token);
      busy.value = false;
      if (answer.ok) {
        void loadShops();
        onDone?.();
        return;
      }
      if (answer.status === 401 || answer.status === 400) error.value = t('token_wrong');
      else error.value = answer.status === 0 && !onDone ? `${explain(answer.problem)} ${t('first_sign_in')}` : explain(answer.problem);
    }
    field.current?.focus();
    field.current?.select();
  };
  return (
    <form class="sign-in-form" onSubmit={(event) => void submit(event)}>
      <label for="token">{t('token')}</label>
      <input
        id="token"
        ref={field}
        type="password"
        name="password"
        autocomplete="current-password"
        autocapitalize="none"
        spellcheck={false}
        aria-describedby="token-help token-error"
        aria-invalid={error.value !== ''}
      />
      <p id="token-error" class="field-error" role="alert">
        {error.value}
      </p>
      <button type="submit" class="primary" aria-disabled={busy.value}>
        {t('sign_in')}
      </button>
      <p id="token-help" class="muted">
        {t('token_help')}
      </p>
    </form>
  );
}

function Others(): JSX.Element | null {
  const found = waitingByOthers.value;
  if (found.length === 0) return null;
  return (
    <ul class="muted others">
      {found.map(({ name, n }) => (
        <li key={name}>{t('waits_for', { name, n })}</li>
      ))}
    </ul>
  );
}
