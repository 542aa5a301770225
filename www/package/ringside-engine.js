// The engine as a module: `Playground`, in browsers, in workers and in Node.js 20 and newer. The types and what each
// member promises are in ringside-engine.d.ts.
//
// Every playground has an instance of the one compiled module to itself, so that a mistake in the engine ends this
// playground and no other. What changes the world is noted, and a new instance can play it again.
import { glue } from './ringside-glue.js';

export { replies } from './resp.js';

const STRING_MAX = 1 << 20;
const DAY_MS = 86_400_000;

/** What every failed call throws. `code` is for programs, `message` for people. */
export class PlaygroundError extends Error {
  constructor(code, message) {
    super(message);
    this.name = 'PlaygroundError';
    this.code = code;
  }
}

let compiled; // once, for all playgrounds

export function load(source) {
  compiled ??= compile(source ?? new URL('./ringside-engine.wasm', import.meta.url));
  compiled.catch(() => (compiled = undefined)); // the next one may try again
  return compiled;
}

async function compile(source) {
  if (source instanceof WebAssembly.Module) return source;
  if (source instanceof ArrayBuffer || ArrayBuffer.isView(source)) return WebAssembly.compile(source);
  if (new URL(source).protocol === 'file:') {
    const { readFile } = await import('node:fs/promises');
    return WebAssembly.compile(await readFile(source));
  }
  const response = await fetch(source);
  if (!response.ok) throw new PlaygroundError('load', `${source}: ${response.status} ${response.statusText}`);
  return WebAssembly.compile(await response.arrayBuffer());
}

// ---- arguments ----

function text(name, value) {
  if (typeof value !== 'string') throw new PlaygroundError('argument', `${name}: a string, not ${typeof value}`);
  if (value.length > STRING_MAX) throw new PlaygroundError('limit', `${name}: at most ${STRING_MAX} characters`);
  return value;
}

function bytes(value) {
  if (!(value instanceof Uint8Array)) throw new PlaygroundError('argument', 'bytes: a Uint8Array');
  return value;
}

function number(name, value, most = Number.MAX_SAFE_INTEGER) {
  if (typeof value !== 'number' || !(value >= 0 && value <= most))
    throw new PlaygroundError('argument', `${name}: a number from 0 to ${most}`);
  return value;
}

const whole = (name, value) => Math.floor(number(name, value));

/** A word of a script, as redis-cli reads it: bytes that are not plain are written as \xHH. */
const quoted = (word) =>
  `"${Array.from(new TextEncoder().encode(word), (b) => (b > 0x20 && b < 0x7f && b !== 0x22 && b !== 0x5c ? String.fromCharCode(b) : `\\x${b.toString(16).padStart(2, '0')}`)).join('')}"`;

/** Options as the first lines of a scenario, which refuses what there is not, by name. */
function scenario({ keys, ...rest }) {
  let line = 'cluster';
  for (const [name, value] of Object.entries(rest)) {
    if (value === undefined) continue;
    if (!/^\w+$/.test(`${name}${value}`)) throw new PlaygroundError('argument', `${name}: not '${value}'`);
    line += ` ${name}=${value}`;
  }
  if (keys) line += ' keys=no';
  for (const [key, value] of Object.entries(keys ?? {})) line += `\nkey ${quoted(text('key', key))} ${quoted(text(key, value))}`;
  return `${line}\n`;
}

/** Numbers of which one did not fit come as BigInts; those that fit become numbers again. */
function narrowed(value) {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  if (value instanceof Uint8Array || typeof value !== 'object' || value === null) return value;
  for (const [name, inner] of Object.entries(value)) value[name] = narrowed(inner);
  return value;
}

// ---- the playground ----

/** Calls that are the same when made once for both. */
const SUMMED = new Set(['run', 'step']);

export class Playground {
  #module;
  #engine;
  #state = 'idle'; // busy, told, broken, disposed
  #why = '';
  #birth;
  #journal = [];
  #late = [];
  #listeners = new Set();

  constructor(module, birth) {
    if (!(module instanceof WebAssembly.Module)) throw new PlaygroundError('argument', 'use Playground.create()');
    [this.#module, this.#birth] = [module, birth];
    this.#begin();
  }

  static async create(options = {}) {
    const { script, link, module, events = true, ...rest } = options;
    const ways = [script, link, Object.keys(rest).length > 0 || undefined].filter((way) => way !== undefined);
    if (ways.length > 1) throw new PlaygroundError('argument', 'create: options, a script or a link, and only one of them');
    const [how, what] =
      link !== undefined ? ['open', text('link', link).replace(/^.*#/s, '')]
      : ['new', script !== undefined ? text('script', script) : scenario(rest)];
    return new Playground(await load(module), [how, what, Boolean(events)]);
  }

  #begin() {
    const instance = glue();
    instance.initSync({ module: this.#module });
    instance.init();
    const [how, what, events] = this.#birth;
    this.#guard(() => (this.#engine = how === 'open' ? instance.Engine.open(what) : new instance.Engine(what)));
    if (!events) this.#engine.unwatched();
    this.#engine.late();
  }

  /** Calls into the module: its own errors are passed on, and all others mean that it is broken. */
  #guard(call) {
    if (this.#state === 'broken') throw new PlaygroundError('broken', `the engine stopped (${this.#why}); restart() goes on from the step before`);
    if (this.#state === 'disposed') throw new PlaygroundError('disposed', 'this playground was disposed of');
    if (this.#state === 'busy') throw new PlaygroundError('busy', 'a call is under way');
    const before = this.#state;
    this.#state = 'busy';
    try {
      const value = call(this.#engine);
      this.#state = before;
      return value;
    } catch (error) {
      const known = typeof error?.code === 'string' && error.code !== 'broken';
      this.#state = known ? before : 'broken';
      this.#why = String(error?.message ?? error);
      throw new PlaygroundError(known ? error.code : 'broken', known ? this.#why : `the engine stopped: ${this.#why}`);
    }
  }

  /** A call that may change the world: noted when it succeeds, and its events are told. */
  #change(name, ...args) {
    if (this.#state === 'told') throw new PlaygroundError('busy', 'a listener is being told; change the world when the call is over');
    const listened = this.#listeners.size > 0;
    let [from, to] = [0, 0];
    const value = this.#guard((engine) => {
      if (listened) from = engine.told();
      const value = engine[name](...args);
      if (engine.has_late()) this.#late.push(...engine.late());
      if (listened) to = engine.told();
      return value;
    });
    this.#note(name, args);
    if (to > from && !['seek', 'seek_time', 'undo', 'redo'].includes(name)) this.#tell(from);
    return value;
  }

  #note(name, args) {
    const last = this.#journal.at(-1);
    if (last?.[0] !== name || !SUMMED.has(name)) this.#journal.push([name, args, 1]);
    else if (name === 'run') last[1] = [last[1][0] + args[0]];
    else last[2] += 1;
  }

  #tell(from) {
    if (!this.#listeners.size) return;
    const events = this.events(from);
    this.#state = 'told';
    for (const event of events)
      for (const listener of this.#listeners)
        try {
          listener(event);
        } catch (error) {
          queueMicrotask(() => {
            throw error; // the listener's own mistake, and no failure of the call
          });
        }
    if (this.#state === 'told') this.#state = 'idle';
  }

  exec(node, command) {
    return this.#change('exec', text('node', node), text('command', command));
  }

  raw(node, commands) {
    return this.#change('raw', text('node', node), bytes(commands).slice());
  }

  act(line) {
    this.#change('act', text('line', line));
  }

  step() {
    return this.#change('step');
  }

  run(ms) {
    this.#change('run', Math.round(number('ms', ms, DAY_MS) * 1000));
  }

  settle() {
    return this.#change('settle');
  }

  seek(event) {
    this.#change('seek', whole('event', event));
  }

  seekTime(us) {
    this.#change('seek_time', whole('us', us));
  }

  undo() {
    return this.#change('undo');
  }

  redo() {
    return this.#change('redo');
  }

  importRdb(node, file) {
    return this.#change('restore', text('node', node), bytes(file).slice());
  }

  panic() {
    this.#change('panic');
  }

  get position() {
    return narrowed(this.#guard((engine) => engine.position()));
  }

  get trace() {
    return this.#guard((engine) => engine.trace());
  }

  get broken() {
    return this.#state === 'broken';
  }

  snapshot() {
    const snapshot = this.#guard((engine) => engine.snapshot());
    return typeof snapshot.now === 'bigint' ? narrowed(snapshot) : snapshot;
  }

  events(since = 0) {
    since = whole('since', since);
    return this.#guard((engine) => engine.events(since)).map(narrowed);
  }

  lateReplies() {
    this.#guard(() => {});
    return this.#late.splice(0);
  }

  exportRdb(node) {
    text('node', node);
    return this.#guard((engine) => engine.rdb(node));
  }

  link() {
    return this.#guard((engine) => engine.link());
  }

  script() {
    return this.#guard((engine) => engine.script());
  }

  subscribe(listener) {
    if (typeof listener !== 'function') throw new PlaygroundError('argument', 'listener: a function');
    this.#guard(() => {});
    const own = (event) => listener(event);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  restart() {
    if (this.#state === 'told') throw new PlaygroundError('busy', 'a listener is being told');
    if (this.#state !== 'broken') this.#guard((engine) => engine.free());
    this.#state = 'idle';
    this.#begin();
    this.#guard((engine) => {
      for (const [name, args, times] of this.#journal) for (let i = 0; i < times; i++) engine[name](...args);
      engine.late();
    });
  }

  dispose() {
    if (this.#state === 'busy' || this.#state === 'told') throw new PlaygroundError('busy', 'a call is under way');
    if (this.#state === 'idle') this.#engine.free();
    this.#state = 'disposed';
    this.#engine = this.#module = undefined;
    this.#journal = this.#late = [];
    this.#listeners.clear();
  }
}
