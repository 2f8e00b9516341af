// New versions of the console. None starts by itself while a person works: it waits for a tap, or for a minute without input.

import { signal } from '@preact/signals';
import { SERVICE_WORKER, trusted } from '../lib/trusted';
import { sending } from '../queue/sender';
import { sheetIsOpen } from '../ui/sheet';

/** A new version is installed and waits. */
export const newVersion = signal<ServiceWorker | null>(null);
/** The person decided to start it later; it is shown again after the next start. */
export const postponed = signal(false);

const CHECK_MS = 3_600_000;
const QUIET_MS = 60_000;
const RELOAD_MS = 3_000; // at the latest after this time, whatever the browser says

let lastInput = Date.now();
let checked = Date.now();
let reloading = false;
let cameraIsOn = (): boolean => false;

/** The scan screen says whether its camera runs. */
export function setCameraCheck(check: () => boolean): void {
  cameraIsOn = check;
}

export async function startUpdates(): Promise<void> {
  if (!('serviceWorker' in navigator)) return;
  const container = navigator.serviceWorker;
  let registration: ServiceWorkerRegistration;
  try {
    registration = await container.register(trusted.createScriptURL(SERVICE_WORKER), { updateViaCache: 'none' });
  } catch {
    return; // no secure address, or storage is forbidden: the console works without
  }
  const found = (): void => {
    if (registration.waiting && container.controller) newVersion.value = registration.waiting;
  };
  found();
  registration.addEventListener('updatefound', () => registration.installing?.addEventListener('statechange', found));
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState !== 'visible' || Date.now() - checked < CHECK_MS) return;
    checked = Date.now();
    void registration.update().catch(() => undefined);
  });
  for (const kind of ['pointerdown', 'keydown', 'input']) addEventListener(kind, () => (lastInput = Date.now()), { capture: true, passive: true });
  setInterval(() => {
    const quiet = Date.now() - lastInput > QUIET_MS && !sheetIsOpen() && sending.peek() === 0 && !cameraIsOn();
    if (newVersion.peek() && quiet && document.visibilityState === 'visible') restart();
  }, 10_000);
}

/** Starts the new version. Other tabs continue with theirs. */
export function restart(): void {
  const worker = newVersion.peek();
  if (!worker || reloading) return;
  reloading = true;
  const reload = (): void => location.reload();
  navigator.serviceWorker.addEventListener('controllerchange', reload, { once: true });
  setTimeout(reload, RELOAD_MS);
  worker.postMessage('take over');
}
