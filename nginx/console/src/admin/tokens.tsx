// Access tokens: what each one may do, when it was used last, making one, and revoking it.

import { signal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { request } from '../lib/api';
import { now } from '../lib/clock';
import { explain } from '../lib/explain';
import { agoText, timeText } from '../lib/format';
import { go, route } from '../lib/router';
import { identity } from '../lib/session';
import { announce } from '../ui/announce';
import { Icon } from '../ui/icons';
import { confirm, Sheet } from '../ui/sheet';
import { ProblemLine, Screen, SearchField } from './list';
import { NewToken } from './new_token';
import { readTokens, shopNames, type Token, tokens, tokensProblem } from './token_list';
import { type Column, Table } from './table';
import { t } from './words';

const NEW = 'new';
const search = signal('');

export function Tokens(): JSX.Element {
  useEffect(() => {
    void readTokens();
  }, []);
  const columns: Column<Token>[] = [
    {
      name: 'name',
      label: t('name'),
      cell: (token) => (
        <>
          {token.name} {isOwn(token) && <span class="tag">{t('own_token')}</span>}
        </>
      ),
    },
    { name: 'person', label: t('person'), cell: (token) => token.person ?? '–' },
    { name: 'role', label: t('role'), cell: (token) => t(token.role) },
    { name: 'shops', label: t('shops'), cell: (token) => shopNames(token.shops) },
    { name: 'used', label: t('last_used'), cell: (token) => usedText(token) },
    { name: 'ends', label: t('ends'), cell: (token) => (token.expires_at ? timeText(token.expires_at) : t('never')) },
  ];
  const wanted = search.value.toLocaleLowerCase();
  const rows = (tokens.value ?? []).filter(({ name, person }) => `${name} ${person ?? ''}`.toLocaleLowerCase().includes(wanted));
  const open = route.value.argument;
  const token = tokens.value?.find(({ id }) => String(id) === open);
  return (
    <Screen
      title={t('tokens')}
      actions={
        <button type="button" class="primary" onClick={() => go(`tokens/${NEW}`)}>
          <Icon name="plus" size={18} /> {t('new_token')}
        </button>
      }
    >
      <p class="about">{t('tokens_about')}</p>
      <div class="filters">
        <SearchField label={t('search_tokens')} value={search} />
      </div>
      <ProblemLine problem={tokensProblem.value} />
      <Table caption={t('tokens')} columns={columns} rows={rows} keyOf={(row) => String(row.id)} onOpen={(row) => go(`tokens/${row.id}`)} />
      {open === NEW && <NewToken onClose={() => go('tokens')} onMade={() => void readTokens()} />}
      {token && <TokenSheet token={token} />}
    </Screen>
  );
}

const isOwn = (token: Token): boolean => token.id === identity.value?.token_id;

function usedText({ last_used_at }: Token): string {
  if (last_used_at === undefined) return '–';
  return last_used_at === null ? t('never') : agoText(last_used_at, now());
}

function TokenSheet({ token }: { token: Token }): JSX.Element {
  const close = (): void => go('tokens');
  const revoke = async (): Promise<void> => {
    if (!(await confirm(t('revoke_title', { name: token.name }), t(isOwn(token) ? 'revoke_own_text' : 'revoke_text'), t('revoke')))) return;
    const answer = await request<undefined>('DELETE', `/tokens/${token.id}`);
    if (!answer.ok && answer.status !== 404) {
      announce({ text: explain(answer.problem), tone: 'bad' });
      return;
    }
    announce({ text: t('revoked', { name: token.name }), tone: 'good' });
    close();
    void readTokens();
  };
  const facts: [string, string][] = [
    [t('role'), t(token.role)],
    [t('person'), token.person ?? '–'],
    [t('shops'), shopNames(token.shops)],
    [t('made'), timeText(token.created_at)],
    [t('last_used'), usedText(token)],
    [t('ends'), token.expires_at ? timeText(token.expires_at) : t('never')],
  ];
  return (
    <Sheet title={token.name} side onClose={close}>
      <dl class="fact-list">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <p class="facts">
        <a href={`#/audit?subject=token&subject_id=${token.id}`}>{t('who_changed')}</a>
      </p>
      <footer class="sheet-foot">
        <button type="button" class="danger" onClick={() => void revoke()}>
          {t('revoke')}
        </button>
        <span class="gap" />
        <button type="button" onClick={close}>
          {t('close')}
        </button>
      </footer>
    </Sheet>
  );
}
