// The page's side of the decoder worker: one frame at a time.

import { DECODER, trusted } from '../lib/trusted';

export interface Frame {
  pixels: ArrayBuffer;
  width: number;
  height: number;
  harder: boolean;
}

export interface DecodedCode {
  code: string; // symbology identifier and text, with byte 29
  unsure: boolean; // has to be read twice
  corners: { x: number; y: number }[];
}

export class Decoder {
  private readonly worker = new Worker(trusted.createScriptURL(DECODER));
  private waiting: ((codes: DecodedCode[]) => void) | undefined;
  /** Fulfilled with false when the decoder cannot be started in this browser. */
  readonly ready: Promise<boolean>;

  constructor() {
    this.ready = new Promise((resolve) => {
      this.worker.onerror = () => resolve(false);
      this.worker.onmessage = ({ data }: MessageEvent<{ ready?: boolean; failed?: boolean; codes?: DecodedCode[] }>) => {
        if (data.ready) resolve(true);
        if (data.failed) resolve(false);
        if (data.codes) {
          this.waiting?.(data.codes);
          this.waiting = undefined;
        }
      };
    });
  }

  /** Reads one frame. Requires: the one before was answered. */
  read(frame: Frame): Promise<DecodedCode[]> {
    return new Promise((resolve) => {
      this.waiting = resolve;
      this.worker.postMessage(frame, [frame.pixels]);
    });
  }

  stop(): void {
    this.worker.terminate();
  }
}
