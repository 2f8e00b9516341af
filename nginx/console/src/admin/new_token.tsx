// A new access token. Its secret is shown once; the service has only a hash of it.

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { loadShops, shops } from '../data/shops';
import { request } from '../lib/api';
import type { Problem, Role } from '../lib/types';
import { announce } from '../ui/announce';
import { Icon } from '../ui/icons';
import { confirm, Sheet } from '../ui/sheet';
import { explainForm, Field } from './edit';
import type { Token } from './token_list';
import { t } from './words';

type Made = Token & { token?: string };

export function NewToken({ onClose, onMade }: { onClose: () => void; onMade: () => void }): JSX.Element {
  const made = useSignal<Made | null>(null);
  return made.value ? (
    <Secret made={made.value} onClose={onClose} />
  ) : (
    <Form
      onClose={onClose}
      onMade={(token) => {
        made.value = token;
        onMade();
      }}
    />
  );
}

function Form({ onClose, onMade }: { onClose: () => void; onMade: (made: Made) => void }): JSX.Element {
  const name = useSignal<string | null>(null);
  const person = useSignal<string | null>(null);
  const role = useSignal<Role>('staff');
  const some = useSignal<ReadonlySet<number>>(new Set());
  const ends = useSignal<string | null>(null);
  const own = useSignal<string | null>(null);
  const problem = useSignal<Problem | null>(null);
  const saving = useSignal(false);
  // The same for each try: a repeated request makes no second token.
  const key = useRef(String(Math.random()).slice(2) + String(Date.now()));

  const make = async (): Promise<void> => {
    saving.value = true;
    const answer = await request<Made>('POST', '/tokens', {
      body: {
        name: name.value,
        role: role.value,
        ...(person.value ? { person: person.value } : {}),
        ...(some.value.size > 0 ? { shops: [...some.value] } : {}),
        ...(ends.value ? { expires_at: new Date(`${ends.value}T23:59:59`).toISOString() } : {}),
      },
      bearer: own.value?.trim() ?? '',
      idempotencyKey: key.current,
    });
    saving.value = false;
    if (answer.ok) onMade(answer.body);
    else {
      problem.value = answer.problem;
      if (answer.status === 400 || answer.status === 422) key.current = String(Math.random()).slice(2) + String(Date.now());
    }
  };
  useEffect(() => {
    void loadShops();
  }, []);
  const close = async (): Promise<void> => {
    if (name.value === null || (await confirm(t('discard_title'), t('discard_text'), t('discard')))) onClose();
  };
  const errors = (field: string): readonly string[] => problem.value?.errors?.[field] ?? [];

  return (
    <Sheet title={t('new_token')} side onClose={() => void close()}>
      <form
        class="edit"
        onSubmit={(event) => {
          event.preventDefault();
          void make();
        }}
      >
        {problem.value && (
          <p class="problem" role="alert">
            {problem.value.status === 401 ? t('own_token_wrong') : explainForm(problem.value, ['name', 'person', 'expires_at'])}
          </p>
        )}
        <Field
          field={{ name: 'name', label: t('name'), hint: t('token_name_hint') }}
          value={name.value}
          errors={errors('name')}
          onInput={(v) => (name.value = v)}
        />
        <Field
          field={{ name: 'person', label: t('person'), hint: t('person_hint'), optional: true }}
          value={person.value}
          errors={errors('person')}
          onInput={(v) => (person.value = v)}
        />
        <fieldset>
          <legend>{t('role')}</legend>
          {(['staff', 'admin'] as const).map((each) => (
            <label key={each} class="option">
              <input type="radio" name="role" checked={role.value === each} onChange={() => (role.value = each)} />
              <span>
                {t(each)} <small>{t(`${each}_may`)}</small>
              </span>
            </label>
          ))}
        </fieldset>
        {role.value === 'staff' && (
          <fieldset>
            <legend>{t('shops')}</legend>
            <p class="hint">{t('shops_hint')}</p>
            <div class="options">
              {shops.value.map((shop) => (
                <label key={shop.id} class="option">
                  <input
                    type="checkbox"
                    checked={some.value.has(shop.id)}
                    onChange={(event) => {
                      const next = new Set(some.value);
                      if (event.currentTarget.checked) next.add(shop.id);
                      else next.delete(shop.id);
                      some.value = next;
                    }}
                  />
                  <span>{shop.name}</span>
                </label>
              ))}
            </div>
          </fieldset>
        )}
        <Field
          field={{ name: 'expires_at', label: t('ends'), hint: t('ends_hint'), optional: true, type: 'date' }}
          value={ends.value}
          errors={errors('expires_at')}
          onInput={(v) => (ends.value = v)}
        />
        <div class="own-token">
          <Field
            field={{ name: 'own', label: t('own_token'), hint: t('own_token_hint'), type: 'password', autocomplete: 'current-password' }}
            value={own.value}
            errors={[]}
            onInput={(v) => (own.value = v)}
          />
        </div>
        <footer class="sheet-foot">
          <span class="gap" />
          <button type="button" onClick={() => void close()}>
            {t('cancel')}
          </button>
          <button type="submit" class="primary" disabled={saving.value}>
            {saving.value ? t('saving') : t('make_token')}
          </button>
        </footer>
      </form>
    </Sheet>
  );
}

function Secret({ made, onClose }: { made: Made; onClose: () => void }): JSX.Element {
  const taken = useSignal(false);
  const field = useRef<HTMLTextAreaElement>(null);
  const secret = made.token;
  const copy = async (): Promise<void> => {
    field.current?.select();
    try {
      await navigator.clipboard.writeText(secret ?? '');
    } catch {
      document.execCommand('copy'); // without https there is no clipboard
    }
    taken.value = true;
    announce({ text: t('copied'), tone: 'good' });
  };
  const close = async (): Promise<void> => {
    if (taken.value || !secret || (await confirm(t('not_copied_title'), t('not_copied_text'), t('close_anyway')))) onClose();
  };
  return (
    <Sheet title={t('token_is_made', { name: made.name })} side onClose={() => void close()}>
      <div class="secret">
        {secret ? (
          <>
            <p>{t('secret_once')}</p>
            <textarea ref={field} readOnly rows={3} aria-label={t('secret')} value={secret} onFocus={(event) => event.currentTarget.select()} />
            <div class="actions no-print">
              <button type="button" class="primary" onClick={() => void copy()}>
                {t('copy')}
              </button>
              <button
                type="button"
                onClick={() => {
                  taken.value = true;
                  print();
                }}
              >
                <Icon name="print" size={18} /> {t('print_card')}
              </button>
            </div>
            <p class="card-line">
              {made.name} · {t(made.role)} · {location.origin}
            </p>
          </>
        ) : (
          <p class="problem">{t('secret_lost')}</p>
        )}
      </div>
      <footer class="sheet-foot no-print">
        <span class="gap" />
        <button type="button" onClick={() => void close()}>
          {t('close')}
        </button>
      </footer>
    </Sheet>
  );
}
