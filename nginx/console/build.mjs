// Makes the console: node build.mjs SITE
//
// SITE/index.html, storefront.html, sw.js, sw_remove.js and manifest.webmanifest have fixed names; all other files are in SITE/assets with a
// hash of their content in the name. Each file that Nginx serves has a compressed copy beside it.

import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import * as esbuild from 'esbuild';

const site = process.argv[2];
const assets = join(site, 'assets');
rmSync(site, { recursive: true, force: true });
mkdirSync(assets, { recursive: true });

/** Writes a file with its hash in the name. Returns: its address. */
function put(name, content) {
  const hash = createHash('sha256').update(content).digest('hex').slice(0, 10);
  const dot = name.lastIndexOf('.');
  const hashed = `${name.slice(0, dot)}-${hash}${name.slice(dot)}`;
  writeFileSync(join(assets, hashed), content);
  return `/assets/${hashed}`;
}

const common = {
  bundle: true,
  minify: true,
  write: true,
  outdir: assets,
  metafile: true,
  target: ['chrome109', 'firefox115', 'safari16.4'],
  jsx: 'automatic',
  jsxImportSource: 'preact',
  legalComments: 'none',
  charset: 'utf8',
  logLevel: 'warning',
  entryNames: '[name]-[hash]',
  chunkNames: '[name]-[hash]',
  assetNames: '[name]-[hash]',
  loader: { '.svg': 'file' },
  publicPath: '/assets',
};

/** Returns: the address of the file that was made of a source. */
function made(result, source) {
  const found = Object.entries(result.metafile.outputs).find(([, output]) => output.entryPoint === source);
  if (!found) throw new Error(`no file was made of ${source}`);
  return `/assets/${basename(found[0])}`;
}

// The decoder: a worker of its own and its WebAssembly, which no other page loads.
const wasm = put('zxing_reader.wasm', readFileSync('node_modules/zxing-wasm/dist/reader/zxing_reader.wasm'));
const worker = await esbuild.build({
  ...common,
  format: 'iife',
  entryPoints: ['src/worker/decoder.ts'],
  define: { __WASM__: JSON.stringify(wasm) },
});
const decoder = made(worker, 'src/worker/decoder.ts');

// A part that is loaded later has a style sheet of its own.
const styles = await esbuild.build({
  ...common,
  entryPoints: ['src/styles/console.css', 'src/storefront/storefront.css', 'src/admin/admin.css', 'src/overview/overview.css'],
});
const modules = { ...common, format: 'esm', splitting: true };
const pages = await esbuild.build({
  ...modules,
  entryPoints: ['src/main.tsx', 'src/text/en.ts', 'src/text/de.ts'],
  define: {
    __DECODER__: JSON.stringify(decoder),
    __ADMIN_STYLE__: JSON.stringify(made(styles, 'src/admin/admin.css')),
    __OVERVIEW_STYLE__: JSON.stringify(made(styles, 'src/overview/overview.css')),
  },
});
// A build of its own: parts that both pages share would be further files of each.
const shop = await esbuild.build({ ...modules, entryPoints: ['src/storefront/main.tsx', 'src/storefront/text/en.ts', 'src/storefront/text/de.ts'] });

/** Returns: the addresses of the modules that a module imports, and of those that these import. */
function importedBy(result, address) {
  const of = (file, found) => {
    for (const { path, kind } of result.metafile.outputs[file].imports) {
      if (kind !== 'import-statement' || found.has(path)) continue;
      found.add(path);
      of(path, found);
    }
    return found;
  };
  const file = Object.keys(result.metafile.outputs).find((name) => basename(name) === basename(address));
  return [...of(file, new Set())].map((name) => `/assets/${basename(name)}`);
}

/**
 * Returns: HTML that makes the browser request the modules of a page at once: all that the start imports, and the texts of both
 * languages, because a script that chooses one would be one more request.
 */
const preload = (result, start, ...texts) => [...importedBy(result, start), ...texts.map((text) => made(result, text))].map((address) => `<link rel="modulepreload" href="${address}">`).join('\n    ');

const icon = put('icon.svg', readFileSync('static/icon.svg'));
const main = made(pages, 'src/main.tsx');
const storefront = made(shop, 'src/storefront/main.tsx');
const words = {
  main,
  storefront,
  modules: preload(pages, main, 'src/text/en.ts', 'src/text/de.ts'),
  storefront_modules: preload(shop, storefront, 'src/storefront/text/en.ts', 'src/storefront/text/de.ts'),
  style: made(styles, 'src/styles/console.css'),
  storefront_style: made(styles, 'src/storefront/storefront.css'),
  icon,
};
const fill = (text) => text.replace(/@([a-z_]+)@/g, (_, word) => words[word]);
for (const page of ['index.html', 'storefront.html', 'manifest.webmanifest']) {
  writeFileSync(join(site, page), fill(readFileSync(`static/${page}`, 'utf8')));
}

// The service worker has the list of the files of this version. Neither the decoder nor the storefront belongs to it.
const ofStorefront = Object.keys(shop.metafile.outputs).filter((name) => !(name in pages.metafile.outputs)).map((name) => `/assets/${basename(name)}`);
const apart = new Set([decoder, wasm, words.storefront_style, ...ofStorefront]);
const files = readdirSync(assets).map((name) => `/assets/${name}`).filter((file) => !apart.has(file)).sort();
const version = createHash('sha256').update(JSON.stringify([files, readFileSync(join(site, 'index.html'), 'utf8')])).digest('hex').slice(0, 12);
await esbuild.build({
  ...common,
  format: 'iife',
  outdir: site,
  entryNames: 'sw',
  entryPoints: ['src/worker/sw.ts'],
  define: {
    __VERSION__: JSON.stringify(version),
    __FILES__: JSON.stringify(files),
    __DECODER_FILES__: JSON.stringify([decoder, wasm]),
  },
});
for (const name of ['NOTICE', 'sw_remove.js']) cpSync(`static/${name}`, join(site, name));

for (const folder of [site, assets]) {
  for (const name of readdirSync(folder)) {
    if (!/\.(html|js|css|wasm|svg|webmanifest)$/.test(name)) continue;
    writeFileSync(join(folder, `${name}.gz`), gzipSync(readFileSync(join(folder, name)), { level: 9 }));
  }
}
