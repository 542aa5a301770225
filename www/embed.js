// The page inside of another page: what that one may ask, and is told. The protocol is in www/package/README.md.
//
// Only the parent window is heard, and only from one origin: `?origin=`, or else the first that spoke. Answers go to
// that origin and to nobody else, so a parent without an origin of its own (`file:`, a sandbox) is heard and not told.
import { replies } from './resp.js';

const LONGEST = 64 * 1024;
const PER_SECOND = 100;
const root = document.documentElement;

/** What each request has besides `ringside`, `id` and `do`. */
const REQUESTS = {
  start: {},
  module: {},
  state: {},
  link: {},
  play: {},
  pause: {},
  step: {},
  back: {},
  undo: {},
  redo: {},
  live: {},
  reset: {},
  exec: { node: 'name', command: 'line' },
  act: { line: 'line' },
  run: { ms: 'number' },
  seek: { event: 'number' },
  'seek-time': { us: 'number' },
  rdb: { node: 'name' },
  open: { link: 'line' },
  theme: { theme: 'line' },
};
const BEFORE_START = ['start', 'theme', 'module'];
/** The paces of the page, in its own order. */
const SPEEDS = ['auto', '0.1', '1', '10', 'step'];
const DAY_MS = 86_400_000;

class Refused extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

/** The request in a message, or why it is none. */
function read(data) {
  const what = Object.hasOwn(data, 'do') ? data.do : undefined;
  if (typeof what !== 'string' || !Object.hasOwn(REQUESTS, what)) throw new Refused('request', 'there is no such request');
  const fields = REQUESTS[what];
  for (const name of Object.keys(data))
    if (!['ringside', 'id', 'do'].includes(name) && !Object.hasOwn(fields, name)) throw new Refused('request', `${what} has no '${name.slice(0, 40)}'`);
  const request = { what };
  for (const [name, kind] of Object.entries(fields)) {
    request[name] = Object.hasOwn(data, name) ? data[name] : undefined;
    check(`${what}: ${name}`, kind, request[name]);
  }
  return request;
}

function check(name, kind, value) {
  if (kind === 'number') {
    if (!(typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER)) throw new Refused('request', `${name} is a number and not negative`);
    return;
  }
  if (typeof value !== 'string') throw new Refused('request', `${name} is a string`);
  if (value.length > LONGEST) throw new Refused('limit', `${name} has at most ${LONGEST} characters`);
  if (/[\n\r]/.test(value)) throw new Refused('request', `${name} is one line`);
  if (kind === 'name' && !/^[\w-]{1,40}$/.test(value)) throw new Refused('request', `${name} is a name`);
}

/** Told when the module breaks while it is asked. */
let broken;
addEventListener('error', ({ error }) => error instanceof WebAssembly.RuntimeError && broken?.(new Refused('broken', root.dataset.panic ?? error.message)));

/** Asks the module (`src/ui/ask.rs`); what it says, as text and as bytes. A refusal is thrown. */
function ask(line) {
  return new Promise((resolve, reject) => {
    if (root.dataset.panic) return reject(new Refused('broken', root.dataset.panic));
    broken = reject;
    const answer = (code, text, bytes) => (code ? reject(new Refused(code, text)) : resolve({ text, bytes }));
    dispatchEvent(new CustomEvent('ask', { detail: [line, answer] }));
  });
}

async function position() {
  const [event, end, elapsed_us, end_us] = (await ask('where')).text.split(' ').map(Number);
  return { event, end, elapsed_us, end_us, past: event < end || elapsed_us < end_us };
}

/** What the page shows. */
async function state() {
  const verdict = document.querySelector('[data-testid=verdict]');
  return {
    playing: playing(),
    position: await position(),
    story: document.querySelector('[data-testid=story]')?.textContent ?? '',
    verdict: verdict?.dataset.outcome ? { ...pick(verdict, ['outcome', 'replica', 'cause']), asked: Number(verdict.dataset.asked), bytes: Number(verdict.dataset.bytes ?? 0) } : null,
    nodes: [...document.querySelectorAll('[data-node][data-offset]')].map((e) => ({
      name: e.dataset.node,
      ...pick(e, ['role', 'link', 'replid']),
      offset: Number(e.dataset.offset),
      keys: Number(e.dataset.keys),
      behind: e.dataset.behind ? Number(e.dataset.behind) : null,
    })),
  };
}

const pick = (e, names) => Object.fromEntries(names.map((name) => [name, e.dataset[name] ?? '']));
const playing = () => ['Pause', '暂停'].includes(document.querySelector('[data-testid=play]')?.getAttribute('aria-label'));

/** The page draws what it was told in a task of its own. */
const drawn = () => new Promise((done) => setTimeout(done, 0)).then(() => new Promise((done) => setTimeout(done, 30)));

export function embed({ query, command, start, code }) {
  let pin = query.get('origin');
  let [second, heard, running] = [0, 0, false];

  const told = () => pin && pin !== 'null';
  const tell = (what, ports) => {
    if (told()) parent.postMessage({ ringside: 1, ...what }, pin, ports);
  };
  let alone; // called when nobody has the module

  /** Does what a button does. */
  async function run(line) {
    command(line);
    await drawn();
  }

  const orders = {
    start,
    /** With a port: another playground of the page asks for the compiled halves of the module. Without: nobody has it for this one. */
    async module(_, [port]) {
      if (port) port.postMessage(await code());
      else alone?.();
    },
    state,
    link: async () => (await ask('link')).text,
    async exec({ node, command: text }) {
      const said = await ask(`exec ${node} ${text}`);
      return { ...said, replies: replies(said.bytes) };
    },
    async act({ line }) {
      await ask(`act ${line}`);
    },
    async run({ ms }) {
      if (ms > DAY_MS) throw new Refused('limit', 'run: at most a day at once');
      await ask(`pass ${Math.round(ms * 1000)}`);
    },
    async seek({ event }) {
      await ask(`seek ${Math.floor(event)}`);
    },
    async 'seek-time'({ us }) {
      await ask(`seek-time ${Math.floor(us)}`);
    },
    rdb: async ({ node }) => (await ask(`rdb ${node}`)).bytes,
    async open({ link }) {
      await ask(`open ${link.replace(/^.*#/, '')}`);
    },
    async play() {
      if (!playing()) await run('play');
    },
    async reset() {
      command('reset'); // asks
      await run('reset');
    },
    theme({ theme }) {
      if (!['auto', 'light', 'dark'].includes(theme)) throw new Refused('request', 'theme: auto, light or dark');
      root.dataset.theme = theme;
    },
  };

  let last = Promise.resolve(); // one after the other

  async function answer(data, ports) {
    const id = Number.isSafeInteger(data.id) ? data.id : null;
    try {
      const request = read(data);
      if (!running && !BEFORE_START.includes(request.what)) throw new Refused('asleep', 'nothing runs yet: start');
      const order = orders[request.what] ?? (() => run(request.what));
      tell({ id, ok: (await order(request, ports)) ?? null });
    } catch (error) {
      tell({ id, error: { code: error.code ?? 'broken', message: error.message } });
    }
  }

  addEventListener('message', ({ source, origin, data, ports }) => {
    if (parent === window || source !== parent || typeof data !== 'object' || data === null) return;
    if (!Object.hasOwn(data, 'ringside') || data.ringside !== 1) return;
    if (origin !== (pin ??= origin)) return;
    const now = Math.floor(performance.now() / 1000);
    if (now !== second) [second, heard] = [now, 0];
    heard += 1;
    if (heard === PER_SECOND + 1) tell({ id: null, error: { code: 'limit', message: `at most ${PER_SECOND} messages a second are heard` } });
    if (heard <= PER_SECOND) last = last.then(() => answer(data, ports));
  });

  // ---- what is told without being asked ----

  let due = 0;
  function changed() {
    due ||= setTimeout(async () => {
      due = 0;
      const detail = await state().catch(({ message }) => ({ message }));
      tell({ event: detail.nodes ? 'state' : 'stopped', detail });
    }, 200);
  }

  /** Out of sight it stands still, and goes on when it is seen again. */
  function watchSight() {
    let paused = false;
    new IntersectionObserver(async ([{ isIntersecting }]) => {
      if (!isIntersecting && playing()) {
        paused = true;
        await run('pause');
      } else if (isIntersecting && paused) {
        paused = false;
        await orders.play();
      }
    }).observe(document.body);
  }

  return {
    /** The compiled module, where another playground of the same page has it; the element asks around. */
    given() {
      if (!query.has('shared') || !told()) return undefined;
      const { port1, port2 } = new MessageChannel();
      return new Promise((resolve) => {
        alone = () => resolve();
        port1.onmessage = ({ data }) => resolve(data);
        port1.onmessageerror = alone; // It has another origin, or this is Firefox in a page of its own origin.
        tell({ event: 'module' }, [port2]);
      }).finally(() => port1.close());
    },
    /** Before the module starts: the session that the address names. */
    async prepare() {
      if (query.has('readonly')) {
        root.dataset.readonly = 'on';
        root.dataset.panes = root.dataset.panes.replace('console', '');
      }
      const name = query.get('scenario');
      const script = /^#script=(.*)/.exec(location.hash)?.[1];
      if (script) history.replaceState(null, '', `#${await linkOf(decodeURIComponent(script))}`);
      else if (name && !location.hash) history.replaceState(null, '', `#${await linkTo(name)}`);
    },
    async ready() {
      running = !('failed' in root.dataset);
      if (!running) return tell({ event: 'stopped', detail: { message: document.getElementById('starting')?.textContent ?? '' } });
      new MutationObserver(changed).observe(root, { subtree: true, attributes: true, attributeFilter: ['data-offset', 'data-link', 'data-role', 'data-keys', 'data-outcome', 'data-asked', 'data-panic', 'aria-label'] });
      watchSight();
      const pace = SPEEDS.indexOf(query.get('speed') ?? 'auto');
      if (pace > 0) await run(`pace ${pace}`);
      const at = /^(\d+(?:\.\d+)?)(ms|s)$/.exec(query.get('at'));
      if (at) await ask(`seek-time ${Math.round(at[1] * (at[2] === 's' ? 1_000_000 : 1000))}`);
      if (query.has('autoplay')) setTimeout(orders.play, 100);
      if (root.dataset.refused) return tell({ event: 'stopped', detail: { code: 'link', message: root.dataset.refused } });
      tell({ event: 'ready', detail: await state() });
    },
    /** It could not be prepared. */
    failed({ code = 'broken', message }) {
      tell({ event: 'stopped', detail: { code, message } });
    },
  };
}

/** The link of a scenario that is known by name. */
async function linkTo(name) {
  const response = await fetch(new URL('scenarios.json', document.baseURI));
  const known = response.ok ? await response.json() : {};
  if (Object.hasOwn(known, name)) return known[name];
  throw new Refused('link', `there is no scenario '${name}'; there are ${Object.keys(known).join(', ')}`);
}

/** The link of a scenario's text, at its beginning: the engine plays it, which is fetched only for this. */
async function linkOf(script) {
  const address = new URL('ringside-engine.js', document.baseURI).href;
  const { Playground } = await import(address).catch(() => {
    throw new Refused('link', `a scenario's text needs the engine, and there is none at ${address}: serve the package, or use a share link`);
  });
  const playground = await Playground.create({ script });
  playground.seek(0);
  return playground.link();
}
