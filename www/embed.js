// The page inside of another page: what that one may ask, and is told. The protocol is in www/package/README.md.
//
// Only the parent window is heard, and only from one origin: `?origin=`, or else the first that spoke. Answers go to
// that origin and to nobody else, so a parent without an origin of its own (`file:`, a sandbox) is heard and not told.
const LONGEST = 64 * 1024;
const PER_SECOND = 100;
const root = document.documentElement;

/** What each request has besides `ringside`, `id` and `do`: all of them strings. */
const REQUESTS = {
  start: [],
  state: [],
  link: [],
  play: [],
  pause: [],
  step: [],
  back: [],
  undo: [],
  redo: [],
  live: [],
  reset: [],
  exec: ['node', 'command'],
  act: ['line'],
  open: ['link'],
  theme: ['theme'],
};
const BEFORE_START = ['start', 'theme'];

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
    if (!['ringside', 'id', 'do', ...fields].includes(name)) throw new Refused('request', `${what} has no '${name.slice(0, 40)}'`);
  for (const name of fields) {
    const value = Object.hasOwn(data, name) ? data[name] : undefined;
    if (typeof value !== 'string') throw new Refused('request', `${what}: ${name} is a string`);
    if (value.length > LONGEST) throw new Refused('limit', `${what}: ${name} has at most ${LONGEST} characters`);
    if (/[\n\r]/.test(value)) throw new Refused('request', `${what}: ${name} is one line`);
  }
  return { what, ...Object.fromEntries(fields.map((name) => [name, data[name]])) };
}

/** What the page shows, read from the page. */
function state() {
  const verdict = document.querySelector('[data-testid=verdict]');
  return {
    playing: playing(),
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

/** What the console printed below the last line that was typed. */
function printed() {
  const lines = [...document.querySelectorAll('[data-testid=console-output] > ol > li')];
  const typed = lines.findLastIndex((li) => li.classList.contains('input'));
  const below = lines.slice(typed + 1).filter((li) => !li.classList.contains('waiting'));
  const note = below.find((li) => li.classList.contains('note'));
  return { text: below.map((li) => li.textContent).join('\n'), note: note?.textContent };
}

/** The page draws what it was told in a task of its own. */
const drawn = () => new Promise((done) => setTimeout(done, 0)).then(() => new Promise((done) => setTimeout(done, 30)));

export function embed({ query, command, start }) {
  let pin = query.get('origin');
  let [second, heard, running] = [0, 0, false];

  const tell = (what) => {
    if (pin && pin !== 'null') parent.postMessage({ ringside: 1, ...what }, pin);
  };

  async function run(line) {
    command(line);
    await drawn();
  }

  const orders = {
    start,
    state,
    async link() {
      await run('session');
      return root.dataset.session;
    },
    async exec({ node, command: text }) {
      if (!/^[\w-]{1,40}$/.test(node)) throw new Refused('request', 'exec: node is a name');
      await run(`run @${node} ${text}`);
      const { text: reply, note } = printed();
      if (note?.startsWith('there is no node')) throw new Refused('action', note);
      return reply;
    },
    async act({ line }) {
      await run(`run :${line}`);
      const { note } = printed();
      if (note) throw new Refused('action', note);
    },
    async play() {
      if (!playing()) await run('play');
    },
    async open({ link }) {
      history.replaceState(null, '', `#${link.replace(/^.*#/, '')}`);
      await run('open');
      const { note } = printed();
      if (note) throw new Refused('link', document.querySelector('[data-testid=console-output] > ol').lastElementChild.textContent);
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

  async function answer(data) {
    const id = Number.isSafeInteger(data.id) ? data.id : null;
    try {
      const request = read(data);
      if (!running && !BEFORE_START.includes(request.what)) throw new Refused('asleep', 'nothing runs yet: start');
      const order = orders[request.what] ?? (() => run(request.what));
      tell({ id, ok: (await order(request)) ?? null });
    } catch (error) {
      tell({ id, error: { code: error.code ?? 'broken', message: error.message } });
    }
  }

  addEventListener('message', ({ source, origin, data }) => {
    if (parent === window || source !== parent || typeof data !== 'object' || data === null) return;
    if (!Object.hasOwn(data, 'ringside') || data.ringside !== 1) return;
    if (origin !== (pin ??= origin)) return;
    const now = Math.floor(performance.now() / 1000);
    if (now !== second) [second, heard] = [now, 0];
    heard += 1;
    if (heard === PER_SECOND + 1) tell({ id: null, error: { code: 'limit', message: `at most ${PER_SECOND} messages a second are heard` } });
    if (heard <= PER_SECOND) last = last.then(() => answer(data));
  });

  // ---- what is told without being asked ----

  let due = 0;
  function changed() {
    due ||= setTimeout(() => {
      due = 0;
      if (root.dataset.panic) tell({ event: 'stopped', detail: { message: root.dataset.panic } });
      else tell({ event: 'state', detail: state() });
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
    /** Before the module starts: the session that the address names. */
    async prepare() {
      const name = query.get('scenario');
      if (!name || location.hash) return;
      const response = await fetch(new URL('scenarios.json', document.baseURI));
      const known = response.ok ? await response.json() : {};
      if (Object.hasOwn(known, name)) history.replaceState(null, '', `#${known[name]}`);
      else console.error(`ringside: there is no scenario '${name}'; there are ${Object.keys(known).join(', ')}`);
    },
    ready() {
      running = !('failed' in root.dataset);
      if (!running) return tell({ event: 'stopped', detail: { message: document.getElementById('starting')?.textContent ?? '' } });
      new MutationObserver(changed).observe(root, { subtree: true, attributes: true, attributeFilter: ['data-offset', 'data-link', 'data-role', 'data-keys', 'data-outcome', 'data-asked', 'data-panic', 'aria-label'] });
      watchSight();
      if (query.has('autoplay')) setTimeout(orders.play, 100);
      tell({ event: 'ready', detail: state() });
    },
  };
}
