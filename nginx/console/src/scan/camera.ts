// The camera: from permission to codes.

import { signal } from '@preact/signals';
import { readSetting, writeSetting } from '../lib/storage';
import { Decoder, type DecodedCode } from './decoder';
import { SeenCodes } from './seen';

export type CameraState = 'off' | 'starting' | 'on' | 'refused' | 'none' | 'failed' | 'insecure' | 'idle';

const WIDTH = 640; // of the picture that is read
const IDLE_MS = 90_000; // without a code the camera is switched off
const BOX = { width: 0.8, height: 0.6 }; // the part of the picture that is read most of the time

/** Tap-and-see features that not every camera has; they are not in the types of the standard library. */
interface Capabilities extends MediaTrackCapabilities {
  torch?: boolean;
  zoom?: { min: number; max: number };
  focusMode?: string[];
}

export class Camera {
  readonly state = signal<CameraState>('off');
  readonly torch = signal<'none' | 'off' | 'on'>('none');
  readonly cameras = signal<MediaDeviceInfo[]>([]);
  /** Codes of two products in one picture: the person taps one. */
  readonly choice = signal<DecodedCode[]>([]);

  private video: HTMLVideoElement | undefined;
  private stream: MediaStream | undefined;
  private decoder: Decoder | undefined;
  private seen = new SeenCodes();
  private frames = 0;
  private misses = 0;
  private lastCode = 0;
  private generation = 0;
  private readonly canvas = document.createElement('canvas');

  constructor(private readonly onCode: (code: string) => void) {}

  /** Starts the camera and shows it in the video. Call it from a tap the first time. */
  async start(video: HTMLVideoElement): Promise<void> {
    this.stop();
    this.video = video;
    const generation = (this.generation += 1);
    if (!isSecureContext || !navigator.mediaDevices) {
      this.state.value = 'insecure';
      return;
    }
    this.state.value = 'starting';
    try {
      this.stream = await open(readSetting('camera'));
    } catch (error) {
      const name = error instanceof DOMException ? error.name : '';
      this.state.value = name === 'NotAllowedError' ? 'refused' : name === 'NotFoundError' ? 'none' : 'failed';
      return;
    }
    if (generation !== this.generation) return stopStream(this.stream);
    video.srcObject = this.stream;
    try {
      await video.play();
    } catch {
      // autoplay is forbidden: the tap that started the camera allows it in all current browsers
    }
    this.decoder ??= new Decoder();
    void navigator.mediaDevices.enumerateDevices().then((found) => (this.cameras.value = found.filter(({ kind }) => kind === 'videoinput')));
    const usable = await this.decoder.ready;
    if (generation !== this.generation) return;
    if (!usable) {
      this.stop();
      this.state.value = 'failed';
      return;
    }
    this.state.value = 'on';
    this.lastCode = performance.now();
    void this.improve();
    void this.loop(generation);
  }

  stop(): void {
    this.generation += 1;
    if (this.stream) stopStream(this.stream);
    this.stream = undefined;
    if (this.video) this.video.srcObject = null;
    this.torch.value = 'none';
    this.choice.value = [];
    if (this.state.peek() === 'on' || this.state.peek() === 'starting') this.state.value = 'off';
  }

  /** Also ends the decoder. */
  dispose(): void {
    this.stop();
    this.decoder?.stop();
    this.decoder = undefined;
  }

  /** Uses the next camera, and the same one the next time. */
  async other(): Promise<void> {
    const current = this.stream?.getVideoTracks()[0]?.getSettings().deviceId;
    const all = this.cameras.peek();
    const next = all[(all.findIndex(({ deviceId }) => deviceId === current) + 1) % Math.max(1, all.length)];
    if (!next || !this.video) return;
    writeSetting('camera', next.deviceId);
    await this.start(this.video);
  }

  async toggleTorch(): Promise<void> {
    const on = this.torch.peek() !== 'on';
    const track = this.stream?.getVideoTracks()[0];
    try {
      await track?.applyConstraints({ advanced: [{ torch: on } as MediaTrackConstraintSet] });
      this.torch.value = on ? 'on' : 'off';
    } catch {
      this.torch.value = 'none';
    }
  }

  /** Focus and zoom, after the first frame: earlier they have no effect. A refusal changes nothing. */
  private async improve(): Promise<void> {
    const track = this.stream?.getVideoTracks()[0];
    const can = (track?.getCapabilities?.() ?? {}) as Capabilities;
    if (can.torch) this.torch.value = 'off';
    const set = async (what: object): Promise<void> => {
      await track?.applyConstraints({ advanced: [what as MediaTrackConstraintSet] }).catch(() => undefined);
    };
    if (can.focusMode?.includes('continuous')) await set({ focusMode: 'continuous' });
    if (can.zoom && can.zoom.max >= 2) await set({ zoom: 2 });
  }

  private async loop(generation: number): Promise<void> {
    while (generation === this.generation && this.video && this.decoder) {
      await nextFrame(this.video);
      if (generation !== this.generation) return;
      const frame = this.grab(this.video, this.misses > 0 && this.misses % 5 === 0);
      if (!frame) continue;
      this.frames += 1;
      const codes = await this.decoder.read({ ...frame, harder: this.frames % 3 === 0 });
      if (generation !== this.generation) return;
      this.take(codes);
      if (performance.now() - this.lastCode > IDLE_MS) {
        this.stop();
        this.state.value = 'idle';
      }
    }
  }

  private take(codes: DecodedCode[]): void {
    this.misses = codes.length === 0 ? this.misses + 1 : 0;
    const at = performance.now();
    if (codes.length > 0) this.lastCode = at;
    // Two products in view: which one is meant is for the person to say.
    const products = codes.filter(({ code }) => /^\](E|I)/.test(code));
    if (new Set(products.map(({ code }) => code)).size > 1) {
      this.choice.value = products;
      return;
    }
    if (codes.length > 0) this.choice.value = [];
    for (const code of this.seen.take(codes, at)) this.onCode(code);
  }

  /** The person tapped one of several codes. */
  choose(code: string): void {
    this.choice.value = [];
    this.seen.take([{ code, unsure: false }], performance.now());
    this.onCode(code);
  }

  private grab(video: HTMLVideoElement, whole: boolean): { pixels: ArrayBuffer; width: number; height: number } | null {
    const { videoWidth, videoHeight } = video;
    if (videoWidth === 0) return null;
    const part = whole ? { width: 1, height: 1 } : BOX;
    const from = { width: videoWidth * part.width, height: videoHeight * part.height };
    const scale = Math.min(1, WIDTH / from.width);
    const width = Math.round(from.width * scale);
    const height = Math.round(from.height * scale);
    if (this.canvas.width !== width || this.canvas.height !== height) Object.assign(this.canvas, { width, height });
    const context = this.canvas.getContext('2d', { willReadFrequently: true });
    if (!context) return null;
    context.drawImage(video, (videoWidth - from.width) / 2, (videoHeight - from.height) / 2, from.width, from.height, 0, 0, width, height);
    return { pixels: context.getImageData(0, 0, width, height).data.buffer, width, height };
  }
}

async function open(chosen: string | null): Promise<MediaStream> {
  const size = { width: { ideal: 1280 }, height: { ideal: 720 } };
  const wanted: MediaTrackConstraints = chosen ? { deviceId: { exact: chosen }, ...size } : { facingMode: { ideal: 'environment' }, ...size };
  try {
    return await navigator.mediaDevices.getUserMedia({ video: wanted, audio: false });
  } catch (error) {
    const refused = error instanceof DOMException && error.name === 'NotAllowedError';
    if (refused) throw error;
    return navigator.mediaDevices.getUserMedia({ video: true, audio: false }); // any camera, once
  }
}

function stopStream(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop();
}

function nextFrame(video: HTMLVideoElement): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, 250);
    const done = (): void => {
      clearTimeout(timer);
      resolve();
    };
    if ('requestVideoFrameCallback' in video) video.requestVideoFrameCallback(done);
    else requestAnimationFrame(done);
  });
}
