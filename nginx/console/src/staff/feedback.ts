// Sound and vibration, so that a person who scans need not look at the screen.

import { signal } from '@preact/signals';
import { readSetting, writeSetting } from '../lib/storage';

export const soundOn = signal(readSetting('sound') !== 'off');
let context: AudioContext | undefined;

export function setSound(on: boolean): void {
  soundOn.value = on;
  writeSetting('sound', on ? null : 'off');
}

/** Browsers play sounds only after a tap: call it from one. */
export function unlockSound(): void {
  if (typeof AudioContext === 'undefined') return;
  context ??= new AudioContext();
  void context.resume();
}

function tone(frequency: number, from: number, seconds: number): void {
  if (!context || context.state !== 'running') return;
  const start = context.currentTime + from;
  const oscillator = context.createOscillator();
  const gain = context.createGain();
  oscillator.frequency.value = frequency;
  gain.gain.setValueAtTime(0.15, start);
  gain.gain.exponentialRampToValueAtTime(0.001, start + seconds);
  oscillator.connect(gain).connect(context.destination);
  oscillator.start(start);
  oscillator.stop(start + seconds);
}

function vibrate(pattern: number | number[]): void {
  if ('vibrate' in navigator && navigator.userActivation?.hasBeenActive) navigator.vibrate(pattern);
}

/** Recorded: one high tone. */
export function signalGood(): void {
  if (soundOn.peek()) tone(1320, 0, 0.12);
  vibrate(60);
}

/** Look at the screen: two low tones. */
export function signalLook(): void {
  if (soundOn.peek()) {
    tone(330, 0, 0.16);
    tone(262, 0.2, 0.22);
  }
  vibrate([180, 80, 180]);
}
