// The check of a hardware scanner: what arrives, in words.

import { signal } from '@preact/signals';
import type { JSX } from 'preact';
import { withSeparators } from '../scan/gs1';
import { t } from '../text/app';
import { Mark } from '../ui/mark';
import symbol from './scanner_check.svg';

/** While the check is open, scans are shown here and record nothing. */
export const checking = signal<{ last: string | null } | null>(null);

const EXPECTED = '0109521234543213' + '10CODA12' + '\u001d' + '2177';

export function ScannerCheck(): JSX.Element {
  checking.value ??= { last: null };
  const last = checking.value.last;
  const text = last === null ? '' : withSeparators(last);
  const identifier = /^\][A-Za-z]\d/.test(text);
  const data = identifier ? text.slice(3) : text;
  const separators = data.includes('\u001d');
  const readable = data.replaceAll('\u001d', '') === EXPECTED.replaceAll('\u001d', '');
  return (
    <section class="page narrow">
      <h1>{t('scanner_check')}</h1>
      <p>{t('scanner_check_text')}</p>
      <img class="check-symbol" src={symbol} alt={t('scanner_check_symbol')} width="220" height="220" />
      <p class="muted">(01)09521234543213 (10)CODA12 (21)77</p>
      <div role="status">
        {last === null ? (
          <p class="empty">{t('scan_it_now')}</p>
        ) : (
          <ul class="check-results">
            <li>
              <Mark kind={readable ? 'fine' : 'expired'}>{t(readable ? 'check_characters_right' : 'check_characters_wrong')}</Mark>
            </li>
            <li>
              <Mark kind={separators ? 'fine' : 'expired'}>{t(separators ? 'check_separators_kept' : 'check_separators_lost')}</Mark>
            </li>
            <li>
              <Mark kind={identifier ? 'fine' : 'due'}>{t(identifier ? 'check_identifier_on' : 'check_identifier_off')}</Mark>
            </li>
            <li>
              <code>{text.replaceAll('\u001d', '␝')}</code>
            </li>
          </ul>
        )}
      </div>
    </section>
  );
}
