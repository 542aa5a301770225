// <ringside-playground>: a playground in somebody else's page. What it shows is the page of Ringside in a frame of its
// own, so that neither can break the other; nothing of it is loaded before it is wanted.
const here = new URL('./', import.meta.url).href;
const OPTIONS = ['seed', 'replicas', 'backlog']; // of a world without a story
const SHOWN = ['scenario', 'lesson', 'lang', 'panes', 'speed', 'at', 'autoplay', 'readonly'];
const BOOLEAN = ['autoplay', 'readonly'];
const ATTRIBUTES = [...SHOWN, 'link', 'src', ...OPTIONS, 'loading', 'theme', 'page', 'poster', 'label'];
const DARK = ['dark', 'coal', 'navy', 'ayu']; // classes of mdBook and others
const LIGHT = ['light', 'rust'];

const givers = new Set(); // of the compiled module: one for all elements of a page

const style = `:host{display:block;box-sizing:border-box;position:relative;height:var(--ringside-height,480px);border:var(--ringside-border,1px solid #8886);
border-radius:var(--ringside-radius,8px);overflow:hidden;background:var(--ringside-background,#fdfcf8);contain:strict}
:host([hidden]){display:none}:host([data-dark]){background:var(--ringside-background,#131e31)}
iframe,img{display:block;width:100%;height:100%;border:0;object-fit:contain}
button{position:absolute;inset:auto auto 16px 50%;transform:translateX(-50%);padding:.5em 1.6em;font:600 16px/1.3 system-ui,sans-serif;
color:var(--ringside-accent-text,#fff);background:var(--ringside-accent,#1d5fa8);border:0;border-radius:99px;cursor:pointer}
button:focus-visible{outline:3px solid currentColor;outline-offset:2px}@media print{button{display:none}}`;

export class PlaygroundElementError extends Error {
  constructor({ code, message }) {
    super(message);
    this.code = code;
  }
}

const disposed = () => new PlaygroundElementError({ code: 'disposed', message: 'this playground was disposed of' });
const create = (tag, properties) => Object.assign(document.createElement(tag), properties);

/** Light or dark, by the background where there is one. */
function ground() {
  for (const element of [document.body, document.documentElement]) {
    const [r, g, b, alpha = 1] = /^rgba?\((.*)\)$/.exec(getComputedStyle(element).backgroundColor)?.[1].match(/[\d.]+/g).map(Number) ?? [];
    if (r !== undefined && alpha > 0.5) return r * 0.3 + g * 0.59 + b * 0.11 < 128 ? 'dark' : 'light';
  }
}

class RingsidePlayground extends (globalThis.HTMLElement ?? Object) {
  static observedAttributes = ATTRIBUTES;
  #frame;
  #calls = new Map();
  #next = 1;
  #ready;
  #run;
  #end;
  state = null;

  connectedCallback() {
    // Set before this script was there.
    for (const name of ATTRIBUTES)
      if (Object.hasOwn(this, name)) {
        const value = this[name];
        delete this[name];
        this[name] = value;
      }
    const root = this.shadowRoot ?? this.attachShadow({ mode: 'open' });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(style);
    root.adoptedStyleSheets = [sheet];
    this.#end = new AbortController();
    const { signal } = this.#end;
    addEventListener('message', (event) => this.#hear(event), { signal });
    const theme = () => this.#theme();
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', theme, { signal });
    const hosts = new MutationObserver(theme);
    hosts.observe(document.documentElement, { attributeFilter: ['class', 'data-theme', 'style'] });
    const sight = new IntersectionObserver(([{ isIntersecting }]) => isIntersecting && this.loading === 'visible' && this.#try());
    sight.observe(this);
    signal.addEventListener('abort', () => (hosts.disconnect(), sight.disconnect()));
    this.#poster();
    if (this.loading === 'eager') this.#try();
  }

  disconnectedCallback() {
    this.dispose();
    this.#end.abort();
  }

  attributeChangedCallback(name, old, value) {
    if (!this.#end || old === value) return;
    if (name === 'theme') this.#theme();
    else if (name !== 'loading') this.dispose();
  }

  #poster() {
    const zh = this.lang.startsWith('zh');
    const label = this.label || (zh ? 'Redis 复制演示' : 'Redis replication playground');
    const poster = create('img', { alt: label, part: 'poster' });
    const plain = new URL('poster.svg', this.#page).href;
    poster.addEventListener('error', () => (poster.src = plain), { once: true });
    poster.src = this.poster || (/^[a-z0-9-]+$/.test(this.scenario) ? new URL(`posters/${this.scenario}.svg`, this.#page).href : plain);
    const button = create('button', { type: 'button', textContent: zh ? '运行' : 'Run', part: 'run', onclick: () => this.#try() });
    button.setAttribute('aria-label', `${button.textContent}: ${label}`);
    this.shadowRoot.replaceChildren(poster, button);
    this.#theme();
  }

  get #page() {
    return new URL(this.page || './', this.page ? document.baseURI : here).href;
  }

  /** Light or dark: as it is told, or as the host is. */
  #theme() {
    const { dataset, classList } = document.documentElement;
    const of = (names) => names.some((name) => dataset.theme === name || classList.contains(name));
    const hosts = of(DARK) ? 'dark' : of(LIGHT) ? 'light' : (ground() ?? (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'));
    const theme = ['light', 'dark'].includes(this.theme) ? this.theme : hosts;
    this.toggleAttribute('data-dark', theme === 'dark');
    this.#send({ do: 'theme', theme });
    return theme;
  }

  /** Starts the playground; fulfilled when it runs. */
  load() {
    if (!this.isConnected) return Promise.reject(disposed());
    return (this.#ready ??= this.#start((this.#run = {})));
  }

  /** Nobody waits: the event `stopped` tells what went wrong. */
  #try() {
    this.load().catch(() => {});
  }

  async #start(run) {
    try {
      const beginning = await this.#beginning();
      if (this.#run !== run) throw disposed();
      const query = new URLSearchParams({ embed: '', run: '', shared: '', theme: this.#theme(), origin: location.origin });
      for (const name of SHOWN) if (this.hasAttribute(name)) query.set(name, this.getAttribute(name));
      // An empty fragment would scroll the host to the top of the frame.
      const address = new URL(`?${query}${beginning && `#${beginning}`}`, this.#page);
      const title = this.label || 'Ringside';
      this.#frame = create('iframe', { title, part: 'frame', allow: 'clipboard-write', src: address });
      const ready = new Promise((resolve, reject) => this.#calls.set('ready', { resolve, reject }));
      this.shadowRoot.replaceChildren(this.#frame);
      await ready;
    } catch (error) {
      if (this.#run === run && !this.#frame) {
        this.#ready = undefined; // It may try again.
        this.#tell('stopped', { message: error.message });
      }
      throw error;
    }
  }

  /** What stands behind the `#`. */
  async #beginning() {
    if (this.link) return this.link.replace(/^.*#/, '');
    if (this.src) {
      const response = await fetch(new URL(this.src, document.baseURI));
      if (!response.ok) throw new PlaygroundElementError({ code: 'link', message: `${this.src}: ${response.status}` });
      return `script=${encodeURIComponent(await response.text())}`;
    }
    const options = OPTIONS.filter((name) => this.hasAttribute(name)).map((name) => ` ${name}=${this.getAttribute(name)}`);
    return options.length ? encodeURIComponent(`cluster${options.join('')}`) : '';
  }

  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
  }

  #send(data, ports) {
    this.#frame?.contentWindow?.postMessage({ ringside: 1, ...data }, new URL(this.#frame.src).origin, ports);
  }

  /** The frame asks for the compiled module: whoever has it, or will, gives it through the port. */
  async #share(ports, run = this.#run) {
    let given;
    for (const other of givers)
      if (!given && other.#page === this.#page) given = await other.#call('module', {}, ports).then(() => true, () => false);
    if (this.#run !== run) return;
    givers.add(this);
    if (!given) this.#send({ do: 'module' }); // nobody
  }

  #hear({ source, origin, data, ports }) {
    if (source !== this.#frame?.contentWindow || origin !== new URL(this.#frame.src).origin || data?.ringside !== 1) return;
    if (data.event === 'module') return this.#share(ports);
    if (data.event) {
      if (data.detail?.nodes) this.state = data.detail;
      if (data.event === 'ready') this.#calls.get('ready')?.resolve();
      else if (data.event === 'stopped') this.#calls.get('ready')?.reject(new PlaygroundElementError({ code: 'broken', ...data.detail }));
      this.#tell(data.event, data.detail);
      return;
    }
    const call = this.#calls.get(data.id);
    this.#calls.delete(data.id);
    if (data.error) call?.reject(new PlaygroundElementError(data.error));
    else call?.resolve(data.ok);
  }

  async #call(what, fields, ports) {
    await this.load();
    if (!this.#frame) throw disposed();
    return new Promise((resolve, reject) => {
      const id = this.#next++;
      this.#calls.set(id, { resolve, reject });
      this.#send({ id, do: what, ...fields }, ports);
    });
  }

  exec(node, command) {
    return this.#call('exec', { node, command });
  }
  act(line) {
    return this.#call('act', { line });
  }
  run(ms) {
    return this.#call('run', { ms });
  }
  seek(event) {
    return this.#call('seek', { event });
  }
  seekTime(us) {
    return this.#call('seek-time', { us });
  }
  exportRdb(node) {
    return this.#call('rdb', { node });
  }
  getLink() {
    return this.#call('link');
  }
  getState() {
    return this.#call('state');
  }
  static {
    for (const name of ['play', 'pause', 'step', 'back', 'undo', 'redo', 'live', 'reset'])
      this.prototype[name] = function () {
        return this.#call(name);
      };
  }

  /** Back to the poster. */
  dispose() {
    for (const { reject } of this.#calls.values()) reject(disposed());
    this.#ready?.catch(() => {});
    this.#calls.clear();
    givers.delete(this);
    this.#frame = this.#ready = this.#run = undefined;
    this.state = null;
    if (this.shadowRoot) this.#poster();
  }
}

for (const name of ATTRIBUTES)
  Object.defineProperty(RingsidePlayground.prototype, name, {
    get() {
      return BOOLEAN.includes(name) ? this.hasAttribute(name) : (this.getAttribute(name) ?? '');
    },
    set(value) {
      if (BOOLEAN.includes(name)) this.toggleAttribute(name, Boolean(value));
      else this.setAttribute(name, value);
    },
  });

if (globalThis.customElements && !customElements.get('ringside-playground')) customElements.define('ringside-playground', RingsidePlayground);
export { RingsidePlayground };
