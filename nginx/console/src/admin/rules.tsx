// When readings are on the work list of a shop: its thresholds, those of categories, and what they would do today.

import { signal, useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useId } from 'preact/hooks';
import { loadShops, shop as chosenShop, shops } from '../data/shops';
import { get, request } from '../lib/api';
import { explain } from '../lib/explain';
import { go, route } from '../lib/router';
import type { Problem, Reason } from '../lib/types';
import { announce } from '../ui/announce';
import { Icon } from '../ui/icons';
import { type Kind, Mark } from '../ui/mark';
import { changes, compare, type Difference, type Fields } from './compare';
import { Conflict } from './conflict';
import { ProblemLine, Screen } from './list';
import { type Effect, effectOf, fieldsOf, fieldsOfCategory, partsOf, type Rules, rulesOf, type Thresholds } from './thresholds';
import { t } from './words';

const TYPING_PAUSE_MS = 400;
const CATEGORIES_MAX = 100;
const categories = signal<readonly string[]>([]);

export function RulesScreen(): JSX.Element {
  useEffect(() => {
    void loadShops();
    void get<{ name: string }[]>('/categories?limit=1000').then((answer) => {
      if (answer.ok) categories.value = answer.body.map(({ name }) => name);
    });
  }, []);
  const wanted = Number(route.value.argument) || chosenShop.value?.id || shops.value[0]?.id;
  const id = useId();
  return (
    <Screen title={t('rules')}>
      <p class="about">{t('rules_about')}</p>
      <div class="filters">
        <span class="choice">
          <label for={id}>{t('shop')}</label>
          <select id={id} value={String(wanted ?? '')} onChange={(event) => go(`rules/${event.currentTarget.value}`)}>
            {shops.value.map((shop) => (
              <option key={shop.id} value={shop.id}>
                {shop.name}
              </option>
            ))}
          </select>
        </span>
      </div>
      {wanted !== undefined && <ShopRules key={wanted} shop={wanted} />}
    </Screen>
  );
}

function ShopRules({ shop }: { shop: number }): JSX.Element {
  const path = `/shops/${shop}/thresholds`;
  const base = useSignal<Fields | null>(null);
  const values = useSignal<Fields>({});
  const tag = useSignal('');
  const problem = useSignal<Problem | null>(null);
  const saving = useSignal(false);
  const differences = useSignal<Difference[] | null>(null);

  const load = async (): Promise<Fields | null> => {
    const answer = await get<Thresholds>(path);
    if (!answer.ok) {
      problem.value = answer.problem;
      return null;
    }
    tag.value = answer.headers.get('ETag') ?? '';
    return fieldsOf(answer.body);
  };
  const show = (fields: Fields): void => {
    base.value = fields;
    values.value = fields;
    differences.value = null;
    problem.value = null;
  };
  useEffect(() => {
    void load().then((fields) => fields && show(fields));
  }, []);

  const save = async (): Promise<void> => {
    const chosen = differences.value;
    const kept = Object.fromEntries((chosen ?? []).map((one) => [one.field, one[one.choice ?? 'now']]));
    const yours = { ...values.value, ...kept };
    saving.value = true;
    const answer = await request<Thresholds>('PUT', path, { body: rulesOf(yours), ifMatch: tag.value });
    saving.value = false;
    if (answer.ok) {
      tag.value = answer.headers.get('ETag') ?? '';
      show(fieldsOf(answer.body));
      announce({ text: t('saved'), tone: 'good' });
    } else if (answer.status === 412) {
      const now = await load();
      if (!now) return;
      const found = compare(base.value ?? {}, { ...blank(now), ...yours }, now);
      values.value = { ...now, ...yours };
      base.value = now;
      differences.value = found;
    } else problem.value = answer.problem;
  };

  if (!base.value) return problem.value ? <ProblemLine problem={problem.value} /> : <p role="status">{t('reading')}</p>;
  const removed = Object.keys(base.value).some((field) => !(field in values.value));
  const unsaved = removed || Object.keys(changes(base.value, values.value)).length > 0;
  const conflict = differences.value;
  const undecided = conflict?.some(({ choice }) => choice === null) ?? false;
  return (
    <div class="rules">
      <form
        class="edit block"
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        {problem.value && (
          <p class="problem" role="alert">
            {explain(problem.value)}
          </p>
        )}
        {conflict ? (
          <Conflict
            subject="thresholds"
            path={`/${shop}`}
            fields={conflict.map(({ field }) => ({ name: field, label: fieldLabel(field) }))}
            differences={conflict}
            onChoose={(next) => (differences.value = next)}
          />
        ) : (
          <Inputs values={values.value} onChange={(next) => (values.value = next)} />
        )}
        <footer class="sheet-foot">
          <span class="gap" />
          <button type="button" disabled={!unsaved && !conflict} onClick={() => show(base.value as Fields)}>
            {t('discard')}
          </button>
          <button type="submit" class="primary" disabled={saving.value || (!unsaved && !conflict) || undecided}>
            {saving.value ? t('saving') : t('save')}
          </button>
        </footer>
      </form>
      <Preview shop={shop} rules={rulesOf(values.value)} saved={rulesOf(base.value)} />
    </div>
  );
}

/** Returns: the same fields without values: a field that another person added is not among those of the form. */
function blank(fields: Fields): Fields {
  return Object.fromEntries(Object.keys(fields).map((field) => [field, null]));
}

function fieldLabel(field: string): string {
  const [category, name] = partsOf(field);
  const label = t(name === 'days' ? 'due_days' : 'stale_days');
  return category === '' ? label : `${category}: ${label}`;
}

function Inputs({ values, onChange }: { values: Fields; onChange: (next: Fields) => void }): JSX.Element {
  const own = [...new Set(Object.keys(values).map((field) => partsOf(field)[0]))].filter((name) => name !== '').sort();
  const others = categories.value.filter((name) => !own.includes(name));
  const input = (field: string, min: number, label: string, placeholder?: string): JSX.Element => (
    <input
      type="number"
      inputMode="numeric"
      min={min}
      max={365}
      required={placeholder === undefined}
      placeholder={placeholder}
      aria-label={label}
      value={values[field] ?? ''}
      onInput={({ currentTarget: { value } }) => onChange({ ...values, [field]: value === '' ? null : Number(value) })}
    />
  );
  return (
    <>
      <table class="thresholds">
        <thead>
          <tr>
            <th scope="col">{t('category')}</th>
            <th scope="col">{t('due_days')}</th>
            <th scope="col">{t('stale_days')}</th>
            <th scope="col">
              <span class="visually-hidden">{t('remove')}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          <tr>
            <th scope="row">{t('whole_shop')}</th>
            <td>{input('days', 0, t('due_days'))}</td>
            <td>{input('stale_days', 1, t('stale_days'))}</td>
            <td />
          </tr>
          {own.map((name) => {
            const [days, stale] = fieldsOfCategory(name);
            return (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td>{input(days, 0, `${name}: ${t('due_days')}`, String(values['days'] ?? ''))}</td>
                <td>{input(stale, 1, `${name}: ${t('stale_days')}`, String(values['stale_days'] ?? ''))}</td>
                <td>
                  <button
                    type="button"
                    class="quiet square"
                    aria-label={t('remove_category', { name })}
                    onClick={() => onChange(Object.fromEntries(Object.entries(values).filter(([field]) => partsOf(field)[0] !== name)))}
                  >
                    <Icon name="close" size={18} />
                  </button>
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
      {others.length > 0 && own.length < CATEGORIES_MAX && (
        <label class="choice add-category">
          <span>{t('add_category')}</span>
          <select
            value=""
            onChange={(event) => {
              const name = event.currentTarget.value;
              event.currentTarget.value = '';
              if (name) onChange({ ...values, ...Object.fromEntries(fieldsOfCategory(name).map((field) => [field, null])) });
            }}
          >
            <option value="">…</option>
            {others.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
      )}
    </>
  );
}

const KINDS: Record<Reason, Kind> = { miscounted: 'due', expired: 'expired', due: 'due', never_checked: 'unchecked', stale: 'unchecked' };

/** What these rules would put on the work list now, and the difference to the saved ones. */
function Preview({ shop, rules, saved }: { shop: number; rules: Rules; saved: Rules }): JSX.Element {
  const effect = useSignal<Effect | null>(null);
  const before = useSignal<Effect | null>(null);
  const state = useSignal<'counting' | 'done' | 'unknown'>('counting');
  const [wanted, known] = [JSON.stringify(rules), JSON.stringify(saved)];
  useEffect(() => {
    const running = new AbortController();
    state.value = 'counting';
    const timer = setTimeout(async () => {
      const old = await effectOf(shop, saved, running.signal);
      const next = wanted === known ? old : await effectOf(shop, rules, running.signal);
      if (running.signal.aborted) return;
      before.value = old;
      effect.value = next;
      state.value = next ? 'done' : 'unknown';
    }, TYPING_PAUSE_MS);
    return () => {
      clearTimeout(timer);
      running.abort();
    };
  }, [wanted, known]);
  const sum = (of: Effect): number => Object.values(of).reduce((total, n) => total + n, 0);
  const change = effect.value && before.value ? sum(effect.value) - sum(before.value) : 0;
  return (
    <section class="preview block" aria-label={t('effect')} aria-busy={state.value === 'counting'}>
      <h2>{t('effect')}</h2>
      {effect.value && state.value !== 'unknown' && (
        <>
          <p class="big" role="status">
            {t('effect_total', { n: sum(effect.value) })}
            {change !== 0 && <small>{t(change > 0 ? 'effect_more' : 'effect_fewer', { n: Math.abs(change) })}</small>}
          </p>
          <ul>
            {(Object.keys(KINDS) as Reason[]).map((reason) => (
              <li key={reason}>
                <Mark kind={KINDS[reason]}>{t(`reason_${reason}`)}</Mark>
                <b>{effect.value?.[reason]}</b>
              </li>
            ))}
          </ul>
        </>
      )}
      {state.value === 'counting' && !effect.value && <p role="status">{t('counting')}</p>}
      {state.value === 'unknown' && <p role="status">{t('effect_unknown')}</p>}
    </section>
  );
}
