// The requests of this page, for the panel that shows them: what `fetch` and `EventSource` did, and what it cost.

import { signal } from '@preact/signals';

/** One request. `bytes` is what came over the network, null until the browser says it; `events` only of a stream. */
export interface Asked {
  id: number;
  address: string;
  status: number | null;
  bytes: number | null;
  milliseconds: number | null;
  events?: number;
}

/** The newest first. */
export const asked = signal<readonly Asked[]>([]);
const SHOWN_MAX = 50;
let lastId = 0;

function add(address: string, more: Partial<Asked> = {}): number {
  lastId += 1;
  const entry: Asked = { id: lastId, address, status: null, bytes: null, milliseconds: null, ...more };
  asked.value = [entry, ...asked.value].slice(0, SHOWN_MAX);
  return lastId;
}

function change(id: number, by: (entry: Asked) => Partial<Asked>): void {
  asked.value = asked.value.map((entry) => (entry.id === id ? { ...entry, ...by(entry) } : entry));
}

/** `fetch`, with an entry in the panel. */
export async function watchedFetch(address: string, options?: RequestInit): Promise<Response> {
  const id = add(address);
  const start = performance.now();
  try {
    const response = await globalThis.fetch(address, options);
    change(id, () => ({ status: response.status, milliseconds: performance.now() - start }));
    return response;
  } catch {
    change(id, () => ({ status: 0, milliseconds: performance.now() - start }));
    return Response.error();
  }
}

/** `EventSource`, with an entry in the panel. */
export class watchedSource extends globalThis.EventSource {
  constructor(address: string) {
    super(address);
    const start = performance.now();
    const id = add(address, { events: 0 });
    this.addEventListener('open', () => change(id, () => ({ status: 200, milliseconds: performance.now() - start })));
    const count = (event: MessageEvent) =>
      change(id, (entry) => ({ events: (entry.events ?? 0) + 1, bytes: (entry.bytes ?? 0) + event.data.length }));
    for (const name of ['position', 'reading', 'resync']) this.addEventListener(name, count);
  }
}

// The browser reports the bytes of a response when it is complete, after `fetch` returned.
new PerformanceObserver((list) => {
  for (const entry of list.getEntries() as PerformanceResourceTiming[]) {
    const found = asked.value.findLast((one) => one.bytes === null && one.events === undefined && entry.name.endsWith(one.address));
    if (found) change(found.id, () => ({ bytes: entry.transferSize }));
  }
}).observe({ type: 'resource' });
