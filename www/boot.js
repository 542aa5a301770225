// Starts the page: reads the address, loads the module that trunk names, and says in words when that fails. When the
// module breaks later, it starts a new one from the step before. An embedded page (?embed) waits for a click.
const root = document.documentElement;
const own = document.querySelector('script[data-js]');
const address = (name) => new URL(own.dataset[name] ?? `${name}.js`, document.baseURI).href;
const $ = (id) => document.getElementById(id);
const query = new URLSearchParams(location.search);
const waits = query.has('embed'); // for a click
const zh = (query.get('lang') ?? stored('lang') ?? 'en').startsWith('zh');

function stored(key) {
  try {
    return localStorage.getItem(`ringside.${key}`);
  } catch {
    return null; // Blocked storage: the system's theme, and English.
  }
}

function say(text) {
  const line = $('starting');
  if (line) line.textContent = text;
}

root.dataset.keys = stored('keys') ?? 'on';
root.dataset.lessons = stored('lessons') ?? '';
if (query.has('notes')) root.dataset.notes = 'on';
root.dataset.theme = query.get('theme') ?? stored('theme') ?? 'auto';
if (zh) root.lang = 'zh-CN';

// ---- the module ----

let code; // compiled once, also for a second start
let starts = 0;
let listeners = [];

/** The service worker that answers for this page, if one does. */
function served() {
  try {
    return navigator.serviceWorker?.controller;
  } catch {
    return null; // A sandbox may not even ask.
  }
}

async function compile(file) {
  const response = await fetch(file);
  if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
  // While it comes, where that can be: in Chromium it would leave the answer of a service worker open, and a new version
  // of the page would wait for ever; and a host has to name the type of the file.
  const comes = WebAssembly.compileStreaming && !served() && response.headers.get('content-type') === 'application/wasm';
  return comes ? WebAssembly.compileStreaming(response) : WebAssembly.compile(await response.arrayBuffer());
}

const glue = () => import(`${address('js')}#${starts++}`); // another fragment is another instance of the same script
// This script runs as soon as it is there: the module is on its way before the document and its style are there.
let first = waits || typeof WebAssembly !== 'object' ? undefined : Promise.all([compile(address('wasm')), glue()]);
first?.catch(() => {}); // said when it is wanted

/** Runs the module; what it listens to is noted, so that a broken one can be silenced. */
async function start() {
  const [compiled, module] = await (first ?? Promise.all([code ?? compile(address('wasm')), glue()]));
  [code, first] = [compiled];
  if (early()) await follow();
  const listen = window.addEventListener;
  window.addEventListener = (...what) => {
    listeners.push(what);
    listen.apply(window, what);
  };
  try {
    const wasm = await module.default({ module_or_path: code });
    window.ringsideMemory = () => wasm.memory.buffer.byteLength;
    setTimeout(async () => (await follow()) && join(wasm), 0);
  } finally {
    window.addEventListener = listen;
  }
  delete root.dataset.open;
  root.dataset.ready = '';
  if (starts > 1) return;
  if (query.has('lesson')) command(`lesson ${asked()}`);
  if (query.has('lesson-src')) bring(query.get('lesson-src'));
}

// ---- its late half: what nobody needs in the first moments comes after them (.ci/halve.mjs) ----

let half, coming; // compiled once, as the first one
const late = () => address('wasm').replace('_bg.', '_late.');

/** Whether it is wanted from the beginning: the address asks for more than the world of the start, or it is kept here. */
const early = () => location.hash.length > 1 || query.has('lesson') || starts > 1 || served();

async function follow() {
  try {
    // A build for debugging is not halved.
    if (WebAssembly.Module.exports(code).some(({ name }) => name === 'late')) half ??= await (coming ??= compile(late()));
  } catch (error) {
    coming = undefined; // When something of it is wanted, it is asked for again.
    console.warn(error);
  }
  return half;
}

function join(first) {
  if (!first.late.get(0)) new WebAssembly.Instance(half, { first });
}

/** Something of it is wanted now: everything waits. */
window.ringsideLate = (first) => {
  if (!half) {
    const request = new XMLHttpRequest();
    request.open('GET', late(), false);
    request.overrideMimeType('text/plain; charset=x-user-defined'); // each byte as a character, as text alone can be waited for
    try {
      request.send();
      half = new WebAssembly.Module(Uint8Array.from(request.responseText, (byte) => byte.charCodeAt(0)));
    } catch (error) {
      // Nothing can go on without it: the page stops, and may be asked to go on.
      throw new WebAssembly.RuntimeError(`The second half of the page could not be loaded (${error.message})`);
    }
  }
  join(first);
};

// ---- lessons: the text of one is fetched when it is opened, and only then ----

let brought = ''; // the text of the one that a visitor brought along: `?lesson-src=`, a file that is dropped or chosen

async function bring(from) {
  const { read } = await import(new URL('own.js', document.baseURI).href);
  const [text, why] = await read(from, zh);
  brought = text ?? brought;
  command(why ? `lesson-refused ${why}` : `lesson-text own\n${text}`);
}

addEventListener('dragover', (event) => event.dataTransfer.types.includes('Files') && event.preventDefault());
addEventListener('drop', (event) => {
  const [file] = event.dataTransfer.files;
  if (!file) return;
  event.preventDefault();
  bring(file);
});
addEventListener('click', ({ target }) => {
  if (!target.closest?.('[data-bring]')) return;
  const chooser = Object.assign(document.createElement('input'), { type: 'file', accept: '.txt,text/plain' });
  chooser.addEventListener('change', () => bring(chooser.files[0]));
  chooser.click();
});

/** `?lesson=l06.3&seed=42&set=repl-timeout=10` as the module wants it: `l06.3 seed=42 repl-timeout=10`. */
function asked() {
  const seed = query.has('seed') ? [`seed=${query.get('seed')}`] : [];
  return [query.get('lesson'), ...seed, ...query.getAll('set')].join(' ');
}

new MutationObserver(async () => {
  const what = root.dataset.fetch;
  const [name] = what.split(/[. ]/);
  let text = name === 'own' ? brought : '';
  try {
    const file = new URL(`lessons/${name.replace(/[^a-z0-9-]/gi, '')}.txt`, document.baseURI);
    const response = name === 'own' ? {} : await fetch(file);
    if (response.ok) text = await response.text();
  } catch (error) {
    console.error(error); // Without its text the module says that it has none.
  }
  command(`lesson-text ${what}\n${text}`);
}).observe(root, { attributeFilter: ['data-fetch'] });

async function begin() {
  const slow = setTimeout(() => say(zh ? '仍在加载，慢速连接还需要几秒。' : 'Still loading; a slow connection needs some seconds more.'), 5000);
  try {
    if (typeof WebAssembly !== 'object') throw new Error('no WebAssembly');
    await start();
  } catch (error) {
    console.error(error);
    root.dataset.failed = '';
    const why = error instanceof Error ? error.message : error;
    say(zh ? `页面无法启动。它需要支持 WebAssembly 的浏览器：请重新加载或换一个浏览器。（${why}）`
           : `The page could not start. It needs a browser with WebAssembly: please reload, or try another one. (${why})`);
  } finally {
    clearTimeout(slow);
  }
}

if (document.readyState === 'loading') await new Promise((done) => addEventListener('DOMContentLoaded', done, { once: true }));

// ---- when it breaks ----

addEventListener('error', ({ error }) => {
  if (!(error instanceof WebAssembly.RuntimeError) || !('ready' in root.dataset)) return;
  silence();
  $('what').textContent = root.dataset.panic ?? error.message;
  $('stopped').hidden = false;
});

/** Nothing of the broken module runs any more. */
function silence() {
  for (const [name, call, way] of listeners.splice(0)) window.removeEventListener(name, call, way);
  for (let id = setTimeout(() => {}); id > 0; id--) clearTimeout(id);
  for (let id = requestAnimationFrame(() => {}); id > 0; id--) cancelAnimationFrame(id);
}

$('go-on').addEventListener('click', () => {
  const [old, fresh] = [$('app'), document.createElement('div')];
  fresh.id = 'app';
  fresh.append(old.querySelector('.logo'));
  old.replaceWith(fresh);
  delete root.dataset.panic;
  $('stopped').hidden = true;
  // The module opens what it noted before its last step.
  root.dataset.open = root.dataset.session ?? '';
  begin();
});
$('reload').addEventListener('click', () => location.reload());

// ---- copying; the module has no clipboard of its own ----

addEventListener('click', ({ target }) => {
  const button = target.closest?.('[data-copy]');
  if (!button) return;
  const field = $(button.dataset.copy);
  field.select();
  // Refused, or no secure context: the text is selected, Ctrl+C does it.
  navigator.clipboard?.writeText(field.value).then(() => (button.dataset.copied = ''), () => {});
});

// ---- a phone's keyboard: where it lies over the page instead of making it lower, the page ends above it ----

visualViewport?.addEventListener('resize', () => {
  const { height, scale } = visualViewport;
  const covered = scale < 1.05 && innerHeight - height > 120;
  root.toggleAttribute('data-covered', covered);
  root.style.setProperty('--seen', `${height}px`);
  if (covered) scrollTo(0, 0); // the browser has moved the page away from under the field
});

// ---- presenting, and being without a network ----

addEventListener('keydown', async (event) => {
  if (event.key !== 'P' || !event.shiftKey || event.ctrlKey || event.metaKey || root.dataset.keys === 'off') return;
  if (event.target.matches('input, textarea')) return;
  const { toggle } = await import(new URL('present.js', document.baseURI).href);
  toggle();
});

/** Only the page itself is kept, never an embedded one. Without it all works, but for a reload without a network. */
function keep() {
  if (waits || document.querySelector('[data-redis]') || !('serviceWorker' in navigator) || !isSecureContext) return;
  import(new URL('keep.js', document.baseURI).href).then(({ keep }) => keep()).catch(() => {});
}
addEventListener('load', () => setTimeout(keep, 3000));

// ---- an embedded page ----

if (waits) {
  root.dataset.embed = '';
  root.dataset.panes = (query.get('panes') ?? (query.has('lesson') ? 'lesson,stage,console' : 'stage,console,time')).replaceAll(',', ' ');
  const run = Object.assign(document.createElement('button'), { id: 'run', type: 'button', textContent: zh ? '运行' : 'Run' });
  const poster = Object.assign(document.createElement('img'), { id: 'poster', alt: '', src: new URL(pictured(query.get('scenario')), document.baseURI).href });
  poster.addEventListener('error', () => (poster.src = new URL('poster.svg', document.baseURI).href), { once: true });
  document.querySelector('.stage-box').append(poster, run);
  say(zh ? '点击“运行”后才会启动。' : 'Nothing runs until you ask for it.');
  // At most one of them runs: the others pause when this one is started.
  const channel = 'BroadcastChannel' in window ? new BroadcastChannel('ringside') : null;
  channel?.addEventListener('message', () => command('pause'));
  const starting = import(address('embed')).then(({ embed }) => embed({ query, command, start: () => run.click(), code: async () => [code, await follow()] }));
  run.addEventListener('click', async () => {
    run.disabled = true;
    channel?.postMessage('runs');
    const embedded = await starting;
    try {
      await embedded.prepare();
      [code, half] = (await embedded.given()) ?? [];
    } catch (error) {
      say(error.message);
      return embedded.failed(error);
    }
    await begin();
    embedded.ready();
  });
  if (query.has('run')) run.click();
} else {
  // Sizes that were chosen once are there from the beginning; else nobody moves a border in the first moments.
  const split = () => import(new URL('split.js', document.baseURI).href);
  if (stored('split')) split();
  else addEventListener('load', () => setTimeout(split, 600));
  begin();
}

/** The picture of a scenario. */
function pictured(name) {
  return /^[a-z0-9-]+$/.test(name ?? '') ? `posters/${name}.svg` : 'poster.svg';
}

/** A line for the module, as its buttons have them. */
function command(line) {
  root.dataset.do = line;
  window.dispatchEvent(new Event('command'));
}
