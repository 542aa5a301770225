// Keeps the page for when there is no network: a classroom, a train, a stick behind any small server. Asks the network
// first, so that nobody is shown an old page; only files whose name holds their hash are taken from here at once.
const CACHE = 'ringside-1';
const HASHED = /-[0-9a-f]{12,16}(_bg)?\.(js|wasm|css|svg)$/;
const scope = new URL('./', self.location.href).href;

self.addEventListener('install', (event) => event.waitUntil(keep()));
self.addEventListener('activate', (event) => event.waitUntil(tidy()));

/** Everything that the page and its lessons need: what the page names, and what the list of lessons names. */
async function keep() {
  const cache = await caches.open(CACHE);
  const html = await (await fetch(scope)).text();
  const named = [...html.matchAll(/(?:href|src|data-js|data-wasm)=["']?(?:\.\/)?([\w-]+\.\w+)/g)].map((m) => m[1]);
  const index = await (await fetch(`${scope}lessons/index.txt`)).text();
  const lessons = index.trim().split('\n').map((line) => `lessons/${line.split(' ')[0]}.txt`);
  const workshop = ['index.html', 'record.html', 'inventory.html', 'record.js', 'workshop.css'].map((f) => `workshop/${f}`);
  const files = new Set(['', 'boot.js', 'present.js', ...named, 'lessons/index.txt', ...lessons, ...workshop]);
  // One that is missing must not keep the others away.
  await Promise.all([...files].map((file) => cache.add(scope + file).catch(() => {})));
  self.skipWaiting();
}

/** Other versions go. */
async function tidy() {
  for (const name of await caches.keys()) {
    if (name.startsWith('ringside-') && name !== CACHE) await caches.delete(name);
  }
}

self.addEventListener('fetch', (event) => {
  const { request } = event;
  if (request.method === 'GET' && request.url.startsWith(scope)) event.respondWith(answer(request));
});

async function answer(request) {
  const cache = await caches.open(CACHE);
  const kept = () => cache.match(request, { ignoreSearch: true });
  if (HASHED.test(new URL(request.url).pathname)) {
    const file = await kept();
    if (file) return file;
  }
  try {
    const response = await fetch(request);
    if (response.ok && !new URL(request.url).search) cache.put(request, response.clone());
    return response;
  } catch (error) {
    const file = await kept();
    if (file) return file;
    throw error;
  }
}
