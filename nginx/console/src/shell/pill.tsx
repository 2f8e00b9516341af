// The state of the connection and of the queue, always as text and shape.

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { live } from '../data/live';
import { reachable, signInNeeded, workOffline } from '../lib/api';
import { go } from '../lib/router';
import { queue, storage } from '../queue/state';
import { t } from '../text/app';
import { say } from '../ui/announce';
import { Sheet } from '../ui/sheet';
import { SignInForm } from './sign_in';

type Look = { kind: 'live' | 'online' | 'offline' | 'alert'; text: string };

function look(): Look {
  const { waiting, refused } = queue.value;
  if (signInNeeded.value) return { kind: 'alert', text: waiting > 0 ? t('sign_in_again_n', { n: waiting }) : t('sign_in_again') };
  if (refused > 0) return { kind: 'alert', text: t('needs_you_n', { n: refused }) };
  if (workOffline.value || reachable.value === 'no' || reachable.value === 'portal') {
    return { kind: 'offline', text: waiting > 0 ? t('offline_n', { n: waiting }) : t('offline') };
  }
  if (storage.value === 'none') return { kind: 'alert', text: t('online_only') };
  if (waiting > 0) return { kind: 'online', text: t('sending_n', { n: waiting }) };
  return live.value ? { kind: 'live', text: t('live') } : { kind: 'online', text: t('online') };
}

const SHAPES = { live: '●', online: '◐', offline: '○', alert: '▲' } as const;

export function Pill(): JSX.Element {
  const signingIn = useSignal(false);
  const { kind, text } = look();
  const wasWorking = useRef(true);
  const works = kind === 'live' || kind === 'online';
  useEffect(() => {
    if (works !== wasWorking.current) say(text); // not each entry that is sent
    wasWorking.current = works;
  }, [works]);
  return (
    <>
      <button type="button" class={`pill ${kind}`} onClick={() => (signInNeeded.value ? (signingIn.value = true) : go('waiting'))}>
        <span aria-hidden="true">{SHAPES[kind]}</span>
        <span>{text}</span>
      </button>
      {signingIn.value && (
        <Sheet title={t('sign_in_again')} onClose={() => (signingIn.value = false)}>
          <p>{queue.value.waiting > 0 ? t('sign_in_to_send', { n: queue.value.waiting }) : t('problem_sign_in')}</p>
          <SignInForm onDone={() => (signingIn.value = false)} />
        </Sheet>
      )}
    </>
  );
}
