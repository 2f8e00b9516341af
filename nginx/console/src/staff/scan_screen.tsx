// The scan screen: the camera or a scanner, the card of the item, and the last entries.

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { now } from '../lib/clock';
import { agoText } from '../lib/format';
import { readSetting, writeSetting } from '../lib/storage';
import { done, own } from '../queue/state';
import { Camera, type CameraState } from '../scan/camera';
import { readCode } from '../scan/gs1';
import { setCameraCheck } from '../shell/updates';
import { t } from '../text/app';
import { say } from '../ui/announce';
import { Icon } from '../ui/icons';
import { Mark } from '../ui/mark';
import { Card } from './card';
import { setSound, soundOn, unlockSound } from './feedback';
import { whatText } from './history_sheet';
import { item, takeCode } from './item';

const RECENT = 5;

export function ScanScreen(): JSX.Element {
  const open = item.value;
  return (
    <section class="page scan">
      <h1 class="visually-hidden">{t('scan')}</h1>
      <div class="scan-input">
        <CameraStrip />
        <CodeField />
      </div>
      <div class="scan-work">
        {open ? <Card key={open.codes.join() || open.gtin} of={open} /> : <p class="card empty">{t('scan_or_type')}</p>}
        <Recent />
      </div>
    </section>
  );
}

const STATES: Partial<Record<CameraState, 'camera_refused' | 'camera_none' | 'camera_failed' | 'camera_insecure' | 'camera_idle' | 'camera_starting'>> = {
  refused: 'camera_refused',
  none: 'camera_none',
  failed: 'camera_failed',
  insecure: 'camera_insecure',
  idle: 'camera_idle',
  starting: 'camera_starting',
};

function CameraStrip(): JSX.Element {
  const video = useRef<HTMLVideoElement>(null);
  const camera = useMemo(() => new Camera((code) => void takeCode(code)), []);
  const state = camera.state.value;
  const isOn = state === 'on';
  const start = (): void => {
    unlockSound();
    writeSetting('camera-used', 'yes');
    if (video.current) void camera.start(video.current);
  };
  useEffect(() => {
    setCameraCheck(() => camera.state.peek() === 'on');
    // The first time it is a tap; afterwards the screen starts it.
    if (readSetting('camera-used') === 'yes' && video.current) void camera.start(video.current);
    const visibility = (): void => {
      if (document.visibilityState === 'hidden') camera.stop();
      else if (readSetting('camera-used') === 'yes' && video.current && camera.state.peek() !== 'refused') void camera.start(video.current);
    };
    document.addEventListener('visibilitychange', visibility);
    return () => {
      document.removeEventListener('visibilitychange', visibility);
      setCameraCheck(() => false);
      camera.dispose();
    };
  }, [camera]);
  useEffect(() => {
    if (isOn) say(t('camera_on'));
  }, [isOn]);
  const text = STATES[state];
  return (
    <div class={`camera${isOn ? ' on' : ''}`}>
      {/* biome-ignore: the picture of a camera has no captions */}
      <video ref={video} playsInline muted aria-label={t('camera_picture')} />
      {isOn && <div class="aim" aria-hidden="true" />}
      {!isOn && (
        <div class="camera-off">
          {text && <p>{t(text)}</p>}
          {state !== 'starting' && state !== 'insecure' && (
            <button type="button" class="primary" onClick={start}>
              <Icon name="camera" />
              {t(state === 'idle' ? 'camera_resume' : 'camera_start')}
            </button>
          )}
        </div>
      )}
      {camera.choice.value.length > 0 && (
        <div class="camera-choice">
          <p>{t('which_code')}</p>
          {camera.choice.value.map(({ code }) => (
            <button key={code} type="button" onClick={() => camera.choose(code)}>
              {readCode(code).gtin ?? code}
            </button>
          ))}
        </div>
      )}
      {isOn && (
        <div class="camera-tools">
          {camera.torch.value !== 'none' && (
            <button type="button" aria-pressed={camera.torch.value === 'on'} aria-label={t('torch')} onClick={() => void camera.toggleTorch()}>
              <Icon name="torch" />
            </button>
          )}
          {camera.cameras.value.length > 1 && (
            <button type="button" aria-label={t('other_camera')} onClick={() => void camera.other()}>
              <Icon name="swap" />
            </button>
          )}
          <button type="button" aria-pressed={soundOn.value} aria-label={t('sound')} onClick={() => setSound(!soundOn.value)}>
            <Icon name={soundOn.value ? 'sound' : 'mute'} />
          </button>
          <button
            type="button"
            aria-label={t('camera_stop')}
            onClick={() => {
              writeSetting('camera-used', null);
              camera.stop();
            }}
          >
            <Icon name="close" />
          </button>
        </div>
      )}
    </div>
  );
}

const PAUSE_MS = 120; // after what a handheld's input method inserts

/** A real text field: for handheld scanners that insert text, and, with the keyboard, for typed codes. */
function CodeField(): JSX.Element {
  const typing = useSignal(false);
  const value = useSignal('');
  const field = useRef<HTMLInputElement>(null);
  const timer = useRef(0);
  // What a handheld's input method inserts goes to the field with the focus. It opens no keyboard.
  useEffect(() => field.current?.focus({ preventScroll: true }), []);
  const submit = (): void => {
    clearTimeout(timer.current);
    const code = value.value.trim();
    value.value = '';
    if (code !== '') void takeCode(code);
  };
  return (
    <form
      class="code-field"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <label for="code" class="visually-hidden">
        {t('code')}
      </label>
      <input
        id="code"
        ref={field}
        type="text"
        inputMode={typing.value ? 'numeric' : 'none'}
        autocomplete="off"
        autocapitalize="none"
        spellcheck={false}
        placeholder={typing.value ? t('type_code') : t('scanner_ready')}
        value={value.value}
        onInput={(event) => {
          value.value = event.currentTarget.value;
          clearTimeout(timer.current);
          // An input method inserts the whole code at once; a person types it digit by digit and presses the button.
          const inserted = (event as InputEvent).data ?? '';
          if (inserted.length >= 6) timer.current = window.setTimeout(submit, PAUSE_MS);
        }}
      />
      {value.value !== '' ? (
        <button type="submit" class="primary">
          {t('find')}
        </button>
      ) : (
        <button
          type="button"
          aria-pressed={typing.value}
          aria-label={t('keyboard')}
          class="square"
          onClick={() => {
            typing.value = !typing.value;
            field.current?.blur();
            setTimeout(() => field.current?.focus(), 0);
          }}
        >
          <Icon name="keyboard" />
        </button>
      )}
    </form>
  );
}

function Recent(): JSX.Element | null {
  const waiting = own.value.slice(-RECENT).reverse();
  const found = [...waiting, ...done.value.slice(0, RECENT)].slice(0, RECENT);
  if (found.length === 0) return null;
  const waits = new Set(waiting.map(({ id }) => id));
  return (
    <section class="recent" aria-label={t('last_entries')}>
      <h2>{t('last_entries')}</h2>
      <ul>
        {found.map((entry) => (
          <li key={entry.id}>
            <span class="row-main">
              <strong>{entry.name || entry.gtin}</strong>
              <span class="muted">
                {whatText({ kind: entry.op.kind, expiry_date: entry.date, quantity: entry.op.quantity ?? null, delta: entry.op.delta ?? null })} · {agoText(entry.taken_at, now())}
              </span>
            </span>
            {entry.state === 'refused' ? <Mark kind="expired">{t('not_saved_short')}</Mark> : waits.has(entry.id) ? <Mark kind="waiting">{t('on_this_phone')}</Mark> : <Mark kind="fine">{t('saved')}</Mark>}
          </li>
        ))}
      </ul>
    </section>
  );
}
