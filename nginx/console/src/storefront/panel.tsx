// The panel "What this page asked": each request with its status, its bytes and its time, and the code that made it.

import { type Asked, asked } from './asked';
import { t } from './words';

// The three ideas of api.ts in one line each.
const CODE = [
  ['how_page', 'fetch(`/api/v1/shops/${shop}/stock?GTIN=${gtins.join(",")}`)'],
  ['how_tag', 'fetch(address, { headers: { "If-None-Match": known.tag } })'],
  ['how_stream', 'new EventSource(`/api/v1/shops/${shop}/stream?GTIN=${gtins.join(",")}`)'],
] as const;

export function Panel() {
  return (
    <aside class="panel" aria-label={t('asked')}>
      <details open={matchMedia('(min-width: 75rem)').matches}>
        <summary>
          <h2>{t('asked')}</h2>
        </summary>
        <p class="about">
          {t('asked_about')} <a href="/docs">{t('api')}</a>
        </p>
        <div class="requests" tabIndex={0} role="region" aria-label={t('request')}>
          <table>
            <thead>
              <tr>
                <th scope="col">{t('request')}</th>
                <th scope="col">{t('status')}</th>
                <th scope="col">{t('size')}</th>
                <th scope="col">{t('time')}</th>
              </tr>
            </thead>
            <tbody>
              {asked.value.map((entry) => (
                <Row key={entry.id} entry={entry} />
              ))}
            </tbody>
          </table>
        </div>
        <h3>{t('how')}</h3>
        <dl class="code">
          {CODE.map(([what, line]) => (
            <div key={line}>
              <dt>{t(what)}</dt>
              <dd>
                <code>{line}</code>
              </dd>
            </div>
          ))}
        </dl>
      </details>
    </aside>
  );
}

function Row({ entry }: { entry: Asked }) {
  const [path, query] = shown(entry.address);
  return (
    <tr data-address={entry.address}>
      <td class="address">
        {path}
        {query && <small>{query}</small>}
      </td>
      <td class="status" data-status={entry.status}>
        {statusText(entry)}
      </td>
      <td>{entry.bytes === null ? '–' : t('bytes', { n: entry.bytes })}</td>
      <td>{entry.milliseconds === null ? '–' : t('milliseconds', { n: Math.round(entry.milliseconds) })}</td>
    </tr>
  );
}

function statusText({ status, events }: Asked): string {
  if (status === null) return '…';
  if (status === 0) return t('no_answer');
  return events === undefined ? String(status) : t('events', { n: events });
}

/** Returns: the path and the query of an address; of a long list of products their number, of a position only that it is there. */
function shown(address: string): [string, string] {
  const [path = '', query = ''] = address.split('?');
  const parameters = [...new URLSearchParams(query)].filter(([, value]) => value !== '').map(([name, value]) => {
    const parts = value.split(',');
    if (name === 'GTIN' && parts.length > 1) return `GTIN=… (${parts.length})`;
    return name === 'since' || name === 'cursor' ? `${name}=…` : `${name}=${value}`;
  });
  return [path.replace('/api/v1', ''), parameters.join(' ')];
}
