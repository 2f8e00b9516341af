// Films for Chromium's fake camera: barcodes in front of a grey wall.

import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const WIDTH = 640;
const HEIGHT = 480;
const RATE = 10;

const modules = process.env.CODASYNC_CONSOLE_MODULES;
const { prepareZXingModule, writeBarcode } = await import(pathToFileURL(path.join(modules, 'zxing-wasm/dist/es/full/index.js')));
prepareZXingModule({ overrides: { wasmBinary: readFileSync(path.join(modules, 'zxing-wasm/dist/full/zxing_full.wasm')).buffer } });

/** Returns: the luma plane of a frame with a code in its middle; without one when `text` is empty. */
async function frame(text, format, options) {
  const luma = Buffer.alloc(WIDTH * HEIGHT, 200);
  if (!text) return luma;
  const { symbol, error } = await writeBarcode(text, { format, ...(options ? { options } : {}) });
  if (!symbol) throw new Error(`${format} ${text}: ${error}`);
  const linear = symbol.height === 1 || symbol.width > symbol.height * 1.5;
  const scale = Math.floor(Math.min(440 / symbol.width, linear ? Infinity : 260 / symbol.height));
  const height = linear ? 150 : symbol.height * scale;
  const left = Math.floor((WIDTH - symbol.width * scale) / 2);
  const top = Math.floor((HEIGHT - height) / 2);
  luma.fill(200);
  for (let y = top - 30; y < top + height + 30; y += 1) luma.fill(255, y * WIDTH + left - 40, y * WIDTH + left + symbol.width * scale + 40);
  for (let y = 0; y < height; y += 1) {
    const row = linear ? Math.floor((y / height) * symbol.height) : Math.floor(y / scale);
    for (let x = 0; x < symbol.width * scale; x += 1) {
      if (symbol.data[row * symbol.width + Math.floor(x / scale)] < 128) luma[(top + y) * WIDTH + left + x] = 20;
    }
  }
  return luma;
}

/** Writes a film of scenes [text, format, seconds, options]. */
export async function film(file, scenes) {
  const chroma = Buffer.alloc((WIDTH * HEIGHT) / 2, 128);
  const parts = [Buffer.from(`YUV4MPEG2 W${WIDTH} H${HEIGHT} F${RATE}:1 Ip A1:1 C420\n`)];
  for (const [text, format, seconds, options] of scenes) {
    const luma = await frame(text, format, options);
    for (let n = 0; n < seconds * RATE; n += 1) parts.push(Buffer.from('FRAME\n'), luma, chroma);
  }
  writeFileSync(file, Buffer.concat(parts));
}
