// Follows the chosen shop: reads what changed since the stored position, then the stream. One tab of the browser does it and
// passes everything on to the others, because a browser has six connections to a host.

import { effect, signal } from '@preact/signals';
import { API, get, reachable, signInNeeded, workOffline } from '../lib/api';
import { identity } from '../lib/session';
import type { Change, FeedPage } from '../lib/types';
import { copy, start, take } from './copy';
import { shop } from './shops';
import { clearCopy, readCopy, readPosition, type Position } from './store';

/** Whether the stream is open: changes elsewhere appear by themselves. */
export const live = signal(false);

const PAUSE_MS = 250; // before the first further attempt; it doubles
const POLL_MS = 15_000;
const HIDDEN_MS = 5 * 60_000;
const SHOWN_EACH_MS = 60; // changes of this time are shown together

/** `state`: of the connection, as the leading tab has it; `ask`: a tab that has just been opened needs it. */
type Relay = { changes: Change[]; position?: Position | undefined; state?: { live: boolean; reachable: typeof reachable.value }; again?: boolean; ask?: boolean };

export function startLive(): void {
  let stop: (() => void) | undefined;
  let current = 0;
  effect(() => {
    const id = identity.value === null ? 0 : (shop.value?.id ?? 0);
    if (id === current) return;
    current = id;
    stop?.();
    stop = id === 0 ? undefined : follow(id);
  });
}

function follow(id: number): () => void {
  const ended = new AbortController();
  const channel = 'BroadcastChannel' in self ? new BroadcastChannel(`codasync-shop-${id}`) : undefined;
  if (channel) {
    channel.onmessage = ({ data }: MessageEvent<Relay>) => {
      if (data.state) {
        live.value = data.state.live;
        reachable.value = data.state.reachable;
      }
      if (data.again) start(id, [], false, null);
      if (data.changes.length > 0 || data.position) take(id, data.changes, { position: data.position, mark: true, relayed: true });
    };
  }
  const lead = (): Promise<void> => new Leader(id, channel, ended.signal).run();
  void readCopy(id).then(({ readings, position }) => {
    if (ended.signal.aborted) return;
    start(id, readings, position?.complete ?? false, position?.at ?? null);
    if ('locks' in navigator) navigator.locks.request(`codasync-live-${id}`, { signal: ended.signal }, lead).catch(() => undefined);
    else void lead();
    channel?.postMessage({ changes: [], ask: true } satisfies Relay);
  });
  return () => {
    ended.abort();
    channel?.close();
    live.value = false;
  };
}

class Leader {
  private position: Position | undefined;
  private waiting: Change[] = [];
  private flushing = 0;
  private failures = 0;

  constructor(
    private readonly id: number,
    private readonly channel: BroadcastChannel | undefined,
    private readonly ended: AbortSignal,
  ) {}

  /** Follows until the shop is not shown any more. */
  async run(): Promise<void> {
    this.position = await readPosition(this.id);
    if (this.ended.aborted) return;
    this.ended.addEventListener('abort', this.shareState());
    while (!this.ended.aborted) {
      if (signInNeeded.peek() || workOffline.peek()) {
        await this.until(() => !signInNeeded.value && !workOffline.value);
        continue;
      }
      // A stream that cannot be opened again and again is replaced by the reading of the changes, which each pause ends with.
      if (await this.pull()) await this.stream();
      live.value = false;
      this.failures += 1;
      if (!this.ended.aborted) await this.pause(Math.min(POLL_MS, PAUSE_MS * 2 ** this.failures));
    }
  }

  /** Reads all changes since the position. Returns: whether the copy is current. */
  private async pull(): Promise<boolean> {
    for (;;) {
      const since = this.position ? `&since=${encodeURIComponent(this.position.cursor)}` : '';
      const answer = await get<FeedPage>(`/changes?shop=${this.id}&limit=1000${since}`, { signal: this.ended });
      if (!answer.ok) {
        if (answer.status === 410) await this.startAgain();
        else return false;
        continue;
      }
      const { epoch, changes, next, more } = answer.body;
      if (this.position && this.position.epoch !== epoch) {
        await this.startAgain();
        continue;
      }
      this.position = { shop: this.id, epoch, cursor: next, complete: (this.position?.complete ?? false) || !more, at: Date.now() };
      this.pass(changes, this.position);
      if (!more) return true;
    }
  }

  private async startAgain(): Promise<void> {
    this.position = undefined;
    await clearCopy(this.id);
    start(this.id, [], false, null);
    this.channel?.postMessage({ changes: [], again: true } satisfies Relay);
  }

  /** Follows the stream until it fails. */
  private stream(): Promise<void> {
    return new Promise((resolve) => {
      const position = this.position;
      if (!position) return resolve();
      const source = new EventSource(`${API}/shops/${this.id}/stream?since=${encodeURIComponent(position.cursor)}`);
      let hidden = 0;
      const end = (): void => {
        source.close();
        clearTimeout(hidden);
        document.removeEventListener('visibilitychange', onVisibility);
        this.ended.removeEventListener('abort', end);
        stopWatching();
        this.flush();
        resolve();
      };
      const onVisibility = (): void => {
        clearTimeout(hidden);
        if (document.visibilityState === 'hidden') hidden = window.setTimeout(end, HIDDEN_MS);
      };
      const stopWatching = effect(() => {
        if (signInNeeded.value || workOffline.value) queueMicrotask(end);
      });
      document.addEventListener('visibilitychange', onVisibility);
      this.ended.addEventListener('abort', end);
      const moved = (event: MessageEvent): void => {
        if (event.lastEventId) this.position = { ...(this.position ?? position), cursor: event.lastEventId, at: Date.now() };
      };
      source.onopen = () => {
        this.failures = -1;
        reachable.value = 'yes';
        live.value = true;
      };
      source.addEventListener('position', moved);
      source.addEventListener('reading', (event) => {
        moved(event);
        this.waiting.push(JSON.parse(event.data as string) as Change);
        if (this.flushing === 0) this.flushing = window.setTimeout(() => this.flush(), SHOWN_EACH_MS);
      });
      source.addEventListener('resync', () => void this.startAgain().then(end));
      source.onerror = () => {
        live.value = false;
        end(); // not left to the browser: the next request shows whether there is a connection
      };
    });
  }

  private flush(): void {
    clearTimeout(this.flushing);
    this.flushing = 0;
    const changes = this.waiting;
    this.waiting = [];
    if (changes.length > 0) this.pass(changes, this.position, true);
  }

  private pass(changes: Change[], position: Position | undefined, mark = false): void {
    take(this.id, changes, { position, mark });
    this.channel?.postMessage({ changes, position } satisfies Relay);
  }

  /** Sends the other tabs the state of the connection: they may make no requests of their own. */
  private shareState(): () => void {
    const { channel } = this;
    if (!channel) return () => undefined;
    const tell = (): void => channel.postMessage({ changes: [], state: { live: live.value, reachable: reachable.value } } satisfies Relay);
    const onAsk = ({ data }: MessageEvent<Relay>): void => {
      if (data.ask) tell();
    };
    channel.addEventListener('message', onAsk);
    return effect(tell);
  }

  private async pause(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        removeEventListener('online', done);
        document.removeEventListener('visibilitychange', visible);
        this.ended.removeEventListener('abort', done);
        resolve();
      };
      const visible = (): void => {
        if (document.visibilityState === 'visible') done();
      };
      const timer = window.setTimeout(done, ms);
      addEventListener('online', done);
      document.addEventListener('visibilitychange', visible);
      this.ended.addEventListener('abort', done);
    });
  }

  private until(holds: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const dispose = effect(() => {
        if (holds() || this.ended.aborted) queueMicrotask(finish);
      });
      const finish = (): void => {
        dispose();
        this.ended.removeEventListener('abort', finish);
        resolve();
      };
      this.ended.addEventListener('abort', finish);
    });
  }
}

/** Whether the list on the screen may be old. */
export const isCurrent = (): boolean => live.value && copy.value.complete;
