// The service worker: the files of one version of the console, so that it starts without a network. It never answers for the
// API, other pages or anything but GET, and it never opens a database.

export {};
declare const self: ServiceWorkerGlobalScope;
declare const __VERSION__: string;
declare const __FILES__: string[];
declare const __DECODER_FILES__: string[];

const APP = `app-${__VERSION__}`;
// Its name is that of its WebAssembly, so an update of the console does not fetch it again.
const DECODER = `decoder-${/-([\w]+)\.wasm$/.exec(__DECODER_FILES__[1] ?? '')?.[1] ?? ''}`;
const START = '/';
const files = new Set(__FILES__);
const decoderFiles = new Set(__DECODER_FILES__);

// Not in TypeScript's types yet.
type Routing = { addRoutes?: (rules: object[]) => Promise<void> };

self.addEventListener('install', (event) => {
  // A browser that can reads the files of this version from the cache itself, and need not start this worker for them.
  const source = { cacheName: APP };
  const rules = [
    { condition: { urlPattern: { pathname: START, search: '' }, requestMode: 'navigate' }, source },
    { condition: { or: __FILES__.map((pathname) => ({ urlPattern: { pathname } })) }, source },
  ];
  (event as Routing).addRoutes?.(rules).catch(() => undefined); // it has another form of rules: the worker answers
  // All or nothing. Files of the version before are the same ones when their names are.
  event.waitUntil(
    caches.open(APP).then(async (cache) => {
      await cache.addAll([new Request(START, { cache: 'no-cache' }), ...__FILES__.map((file) => new Request(file))]);
    }),
  );
});

self.addEventListener('activate', (event) => {
  event.waitUntil(
    (async () => {
      // The version before stays, for tabs that still run it; older ones are deleted.
      const names = await caches.keys();
      const apps = names.filter((name) => name.startsWith('app-') && name !== APP);
      const old = [...apps.slice(0, -1), ...names.filter((name) => name.startsWith('decoder-') && name !== DECODER)];
      await Promise.all(old.map((name) => caches.delete(name)));
      await self.clients.claim();
    })(),
  );
});

self.addEventListener('message', (event) => {
  if (event.data === 'take over') void self.skipWaiting();
});

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== self.location.origin) return;
  if (request.mode === 'navigate') {
    if (url.pathname === START) event.respondWith(stored(START, request));
  } else if (decoderFiles.has(url.pathname)) {
    event.respondWith(storedOrFetched(request));
  } else if (files.has(url.pathname) || url.pathname.startsWith('/assets/')) {
    event.respondWith(stored(url.pathname, request));
  }
});

async function stored(path: string, request: Request): Promise<Response> {
  const own = await (await caches.open(APP)).match(path);
  return own ?? (await caches.match(request)) ?? fetch(request);
}

async function storedOrFetched(request: Request): Promise<Response> {
  const cache = await caches.open(DECODER);
  const found = await cache.match(request);
  if (found) return found;
  const response = await fetch(request);
  if (response.status === 200 && response.type === 'basic') await cache.put(request, response.clone());
  return response;
}
