// The decoder, in a worker: frames of the camera in, codes out. Its WebAssembly is compiled under the policy of this file's
// response, so that no other script of the console may do that.

import { prepareZXingModule, readBarcodes, type ReaderOptions } from 'zxing-wasm/reader';
import type { DecodedCode, Frame } from '../scan/decoder';

declare const __WASM__: string;
declare const self: DedicatedWorkerGlobalScope;

const FORMATS: NonNullable<ReaderOptions['formats']> = [
  'EAN13', 'EAN8', 'UPCA', 'UPCE', 'ITF', 'Code128', 'DataMatrix', 'QRCode', 'DataBar', 'DataBarExp',
];
// Codes of several frames: half of one can look like another (EAN-13 like UPC-E).
const UNSURE = new Set<string>(['EAN8', 'UPCE', 'ITF', 'Code128']);

const ready = prepareZXingModule({ overrides: { locateFile: () => __WASM__ }, fireImmediately: true });
ready.then(
  () => self.postMessage({ ready: true }),
  () => self.postMessage({ failed: true }),
);

self.onmessage = async ({ data }: MessageEvent<Frame>): Promise<void> => {
  const image = new ImageData(new Uint8ClampedArray(data.pixels), data.width, data.height);
  let codes: DecodedCode[] = [];
  try {
    const found = await readBarcodes(image, { formats: FORMATS, tryHarder: data.harder, textMode: 'Plain', maxNumberOfSymbols: 4 });
    codes = found
      .filter((each) => each.isValid && each.text !== '')
      .map((each) => ({
        code: (each.symbologyIdentifier ?? '') + each.text,
        unsure: UNSURE.has(each.format),
        corners: [each.position.topLeft, each.position.topRight, each.position.bottomRight, each.position.bottomLeft],
      }));
  } catch {
    // a frame that cannot be read is a frame without codes
  }
  self.postMessage({ codes });
};
