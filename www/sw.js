// Keeps the page for when there is no network: a classroom, a train, a stick behind any small server. A version is a list
// of files with the hash of their bytes, which `.ci/seal` writes below when the page is built. Files of different versions
// are never mixed: a new one is fetched whole beside the old one, each file checked against its hash, and comes when the
// visitor says so (`keep.js`) or has left. What did not change is not fetched again.
const FILES = {};
const CACHE = 'ringside';
const scope = new URL('./', self.location.href).href;
/** Where the bytes with a hash are kept. */
const place = (hash) => `${scope}.kept/${hash}`;

self.addEventListener('install', (event) => event.waitUntil(keep()));
self.addEventListener('activate', (event) => event.waitUntil(tidy()));

async function keep() {
  const cache = await caches.open(CACHE);
  await Promise.all(Object.entries(FILES).map(async ([file, hash]) => {
    if (await cache.match(place(hash))) return;
    const response = await fetch(scope + file, { cache: 'no-cache' });
    const bytes = await response.arrayBuffer();
    // The server may be in the middle of a change: then this version is not taken, and the next visit tries again.
    if (!response.ok || (await sum(bytes)) !== hash) throw new Error(`${file} is not the one that was built`);
    await cache.put(place(hash), new Response(bytes, { headers: { 'content-type': type(response) } }));
  }));
}

const type = (response) => response.headers.get('content-type') ?? 'application/octet-stream';

async function sum(bytes) {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(digest.subarray(0, 8), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** What only older versions had goes. */
async function tidy() {
  const cache = await caches.open(CACHE);
  const wanted = new Set(Object.values(FILES).map(place));
  for (const { url } of await cache.keys()) if (!wanted.has(url)) await cache.delete(url);
  for (const name of await caches.keys()) if (/^ringside-/.test(name)) await caches.delete(name);
}

self.addEventListener('fetch', (event) => {
  const { method, url } = event.request;
  if (method !== 'GET' || !url.startsWith(scope)) return;
  const file = decodeURIComponent(new URL(url).pathname).slice(new URL(scope).pathname.length);
  const hash = FILES[file.replace(/(^|\/)$/, '$1index.html')];
  if (hash) event.respondWith(answer(event.request, hash));
});

/** What is kept, or else what the server has: a browser short of space may have thrown files away. */
async function answer(request, hash) {
  const cache = await caches.open(CACHE);
  return (await cache.match(place(hash))) ?? fetch(request);
}
