// The bridged page: what `ringside bridge` puts beside the page that it serves. It holds the sockets. The module tells in
// `data-outside` what its world wants of the real server (see `player/outside.rs`), and hears what came of it by the line
// `outside`; nothing is decided here. Also here: the question for the password, the bar and the card that say what is real.
const root = document.documentElement;
const own = document.querySelector('script[data-redis]');
const target = own.dataset.redis;
/** What the world sends in the place of a password (`sim::PASSWORD`). */
const STAND_IN = '(the password of the real server)';
/** A page remembers every byte that came, so that time can go back: no more than this. */
const MOST = 32 << 20;
const TOKEN = 'ringside.bridge';

const token = new URLSearchParams(location.search).get('bridge') ?? kept();
try {
  sessionStorage.setItem(TOKEN, token);
} catch {
  // Blocked storage: a reload needs the printed address again.
}
history.replaceState(null, '', location.pathname + location.hash);

function kept() {
  try {
    return sessionStorage.getItem(TOKEN) ?? '';
  } catch {
    return '';
  }
}

// ---- words ----

const words = {
  en: {
    real: 'REAL SERVER',
    title: 'Watch your own server replicate',
    card: 'Your own server',
    lead: `A node of this page, r1, becomes a replica of the server at ${target}. You see the handshake, the snapshot and every byte of its stream.`,
    isReal: 'Real',
    realText: `The server ${target}, its data, its replication id and offsets, the bytes on the wire, and the time.`,
    isVirtual: 'Virtual',
    virtualText: 'r1 and every other node: they live in this page only. Each way to the server takes 200 ms more here, so that the beads can be seen.',
    safe: 'What cannot happen',
    safeText: 'Nothing is written to it. The bridge lets PING, AUTH, REPLCONF, PSYNC and SYNC pass, each in its place, and nothing else.',
    notice: 'What it notices',
    noticeText: 'One more replica: it may fork for the snapshot, WAIT and min-replicas-to-write count r1, Sentinel sees a replica that it cannot reach. While the page is paused or in the past, r1 is silent, and after its repl-timeout (60 s) the server hangs up.',
    kept: 'Nothing is kept: no link holds this session, and the password stays in this page’s memory.',
    password: 'Password, if it has one',
    user: 'User, if not the default one',
    connect: 'Connect',
    not: 'Not now',
    off: 'not connected',
    dialling: 'dialling…',
    open: 'connected, read-only',
    cut: 'cut from this page',
    waits: 'you look at the past; the server waits',
    paused: 'paused; the server waits',
    lost: 'lost',
    cutIt: 'Cut the link',
    restore: 'Restore it',
    what: 'What is real?',
    start: 'Connect…',
    close: 'Close',
    much: `more than ${MOST >> 20} MB came: too much for a page to remember. Reload to begin anew.`,
    noToken: 'Open the address that the bridge printed at its start: it has the token.',
    gone: 'the bridge is not there',
    anew: 'the page stopped, and the link with it: connect again',
  },
  zh: {
    real: '真实服务器',
    title: '看你自己的服务器如何复制',
    card: '你自己的服务器',
    lead: `页面里的节点 r1 将成为 ${target} 的从节点。握手、快照和复制流的每个字节都会显示出来。`,
    isReal: '真实的',
    realText: `服务器 ${target}、它的数据、复制 ID 与偏移量、线路上的字节，以及时间。`,
    isVirtual: '虚拟的',
    virtualText: 'r1 和其他所有节点：只存在于这个页面。往返服务器的每一程在这里多花 200 毫秒，好让珠子看得见。',
    safe: '不会发生的事',
    safeText: '不会向它写入任何东西。桥只放行 PING、AUTH、REPLCONF、PSYNC 和 SYNC，而且各在其位，其余一律拒绝。',
    notice: '它会察觉到',
    noticeText: '多了一个从节点：它可能为快照派生子进程；WAIT 和 min-replicas-to-write 会把 r1 计算在内；Sentinel 会看到一个连不上的从节点。页面暂停或回看过去时 r1 不作声，超过 repl-timeout（60 秒）服务器就会断开。',
    kept: '什么也不会保存：链接不包含这次会话，密码只留在本页内存中。',
    password: '密码（如果有）',
    user: '用户名（如果不是默认用户）',
    connect: '连接',
    not: '暂不',
    off: '未连接',
    dialling: '正在连接…',
    open: '已连接，只读',
    cut: '已从本页切断',
    waits: '你在看过去；服务器在等待',
    paused: '已暂停；服务器在等待',
    lost: '已断开',
    cutIt: '切断链路',
    restore: '恢复链路',
    what: '什么是真实的？',
    start: '连接…',
    close: '关闭',
    much: `已收到超过 ${MOST >> 20} MB：页面记不下了。请重新加载。`,
    noToken: '请打开桥启动时打印的地址：令牌在其中。',
    gone: '桥不在运行',
    anew: '页面曾停止，链路也随之断开：请重新连接',
  },
};
const w = () => words[root.lang.startsWith('zh') ? 'zh' : 'en'];

/** A line for the module, which takes it at once. */
function command(line) {
  root.dataset.do = line;
  window.dispatchEvent(new Event('command'));
}

// ---- the sockets ----

let password = '';
let came = 0;
let last = '';
const sockets = new Map();

/** Bytes as a string of characters from 0 to 255. */
const latin = (bytes) => String.fromCharCode(...new Uint8Array(bytes));
const bytesOf = (text) => Uint8Array.from(text, (c) => c.charCodeAt(0));
const bulk = (text) => `$${text.length}\r\n${text}\r\n`;
const utf8 = (text) => latin(new TextEncoder().encode(text));

function dial(key) {
  const socket = new WebSocket(`ws://${location.host}/bridge`, ['ringside-bridge-1', `token.${token}`]);
  socket.binaryType = 'arraybuffer';
  sockets.set(key, socket);
  let open = false;
  socket.onmessage = ({ data }) => {
    if (typeof data === 'string') {
      open = true;
      last = '';
      hear(key, 'opened');
      return;
    }
    came += data.byteLength;
    if (came > MOST) {
      last = w().much;
      command('act cut real r1');
      for (const other of sockets.values()) other.close();
      return;
    }
    if (!waiting.size && !document.hidden) setTimeout(tellBytes, 5);
    waiting.set(key, (waiting.get(key) ?? '') + latin(data));
    if (document.hidden) tellBytes();
  };
  socket.onclose = ({ code, reason }) => {
    if (sockets.get(key) !== socket) return;
    tellBytes();
    sockets.delete(key);
    // 1006: nobody has said why, as when the bridge has ended.
    if (came <= MOST) last = reason || (code === 1006 ? w().gone : '');
    hear(key, open ? 'closed' : 'refused');
  };
}

// What came on each connection and the world was not told yet: it draws itself anew at every word, and a snapshot of a
// real server comes in thousands of messages.
const waiting = new Map();

function tellBytes() {
  const told = [...waiting];
  waiting.clear();
  for (const [key, bytes] of told) hear(key, `bytes ${btoa(bytes)}`);
}

function hear(key, what) {
  command(`outside ${key} ${what}`);
  show();
}

/** What the world wants: see `Player::wants`. */
function wanted(text) {
  for (const line of text.split('\n')) {
    const [what, key, value] = line.split(' ');
    const socket = sockets.get(key);
    if (what === 'send' && socket?.readyState === WebSocket.OPEN) {
      socket.send(bytesOf(atob(value).replace(bulk(STAND_IN), bulk(utf8(password)).replaceAll('$', '$$$$'))));
    } else if (what === 'took' && socket?.readyState === WebSocket.OPEN) {
      socket.send(`took ${value}`);
    } else if (what === 'conns') {
      connections(line.split(' ').slice(1));
    }
  }
}

function connections(names) {
  // A lesson or another session has taken the place of the bridged world.
  if (world().includes('gone')) started = false;
  const known = new Set(names.map((name) => name.replace('?', '')));
  for (const [key, socket] of sockets) {
    if (known.has(key)) continue;
    sockets.delete(key);
    socket.close();
  }
  for (const name of names) {
    if (name.startsWith('?')) {
      if (!sockets.has(name.slice(1)) && came <= MOST) dial(name.slice(1));
    } else if (!sockets.has(name)) {
      hear(name, 'closed');
    }
  }
  show();
}

new MutationObserver(() => {
  const text = root.dataset.outside;
  if (!text) return;
  root.dataset.outside = '';
  wanted(text);
}).observe(root, { attributeFilter: ['data-outside'] });

// A hidden page gets no frames: its time goes on by this.
let seen = performance.now();
function beat() {
  const now = performance.now();
  if (document.hidden && started) command(`tick ${Math.round((now - seen) / 100)}`);
  seen = now;
}
setInterval(beat, 1000);

// ---- what is shown ----

let started = false;
const make = (name, attributes = {}, ...children) => {
  const element = Object.assign(document.createElement(name), attributes);
  element.append(...children);
  return element;
};
const bar = make('section', { id: 'bridge-bar' });
const dialog = make('dialog', { id: 'bridge-dialog', className: 'help' });
bar.setAttribute('role', 'region');
bar.setAttribute('aria-live', 'polite');
bar.setAttribute('aria-label', 'bridge');
// What is typed here is nobody else's: the page listens to the whole window.
for (const name of ['input', 'keydown', 'paste', 'click', 'focusin']) dialog.addEventListener(name, (event) => event.stopPropagation());
dialog.setAttribute('aria-labelledby', 'bridge-title');
document.body.prepend(bar);
document.body.append(dialog);
root.dataset.bridged = '';

/** What the module says of its world: `live`, `paused` or `past`, and `cut` where the way to the server is. */
const world = () => (root.dataset.world ?? '').split(' ');
const isCut = () => world().includes('cut');

function state() {
  const t = w();
  if (!started) return ['off', last || t.off];
  if (world().includes('past')) return ['wait', t.waits];
  if (world().includes('paused')) return ['wait', t.paused];
  if (isCut()) return ['cut', last || t.cut];
  if (last) return ['cut', last];
  const open = [...sockets.values()].some((s) => s.readyState === WebSocket.OPEN);
  return open ? ['open', t.open] : sockets.size > 0 ? ['wait', t.dialling] : ['cut', t.lost];
}

let shown = '';

function show() {
  const [kind, text] = state();
  const now = JSON.stringify([kind, text, root.lang, isCut(), started]);
  if (now === shown) return;
  shown = now;
  const t = w();
  const button = (label, act, testid) => {
    const b = make('button', { type: 'button', className: 'act-on', textContent: label, onclick: act });
    b.dataset.testid = testid;
    return b;
  };
  bar.dataset.state = kind;
  bar.replaceChildren(
    make('b', { className: 'real-badge', textContent: t.real }),
    make('code', { textContent: target, translate: false }),
    make('span', { className: 'real-state', textContent: text }),
    ...(started
      ? [isCut() ? button(t.restore, () => command('act restore real r1'), 'bridge-restore') : button(t.cutIt, () => command('act cut real r1'), 'bridge-cut'),
         button(t.what, () => ask(), 'bridge-what')]
      : [button(t.start, () => ask(), 'bridge-start')]),
  );
  card();
}

/** What to know: two things for the card, all four for the dialog. */
function facts(all) {
  const t = w();
  const row = (title, text, kind) => make('div', { className: `fact ${kind}` }, make('dt', { textContent: title }), make('dd', { textContent: text }));
  const rows = [row(t.isReal, t.realText, 'is-real'), row(t.isVirtual, t.virtualText, 'is-virtual'), row(t.safe, t.safeText, ''), row(t.notice, t.noticeText, '')];
  return make('dl', { className: 'facts' }, ...rows.slice(0, all ? 4 : 3));
}

/** In the left column, in the place that the module leaves for it. */
function card() {
  const place = document.getElementById('bridge-card');
  if (!place || place.dataset.lang === root.lang) return;
  place.dataset.lang = root.lang;
  place.replaceChildren(
    make('h2', { textContent: w().card }),
    facts(false),
  );
}

/** The question before the first connection; afterwards the same without fields. */
function ask() {
  const t = w();
  const field = (label, attributes) => {
    const input = make('input', { autocomplete: 'off', spellcheck: false, ...attributes });
    return [make('label', { htmlFor: attributes.id, textContent: label }), input];
  };
  const close = make('button', { type: 'button', className: 'act-on', textContent: started ? t.close : t.not, onclick: () => dialog.close() });
  const form = make('form', { method: 'dialog' });
  form.append(make('h2', { id: 'bridge-title', textContent: t.title }), make('p', { className: 'prose', textContent: t.lead }), facts(true));
  if (!started) {
    const go = make('button', { type: 'submit', className: 'act-on go', textContent: t.connect });
    go.dataset.testid = 'bridge-connect';
    const fields = make('div', { className: 'bridge-fields' });
    fields.append(...field(t.password, { type: 'password', id: 'bridge-password' }), ...field(t.user, { type: 'text', id: 'bridge-user' }));
    form.append(fields, make('p', { className: 'muted', textContent: t.kept }), make('div', { className: 'buttons' }, go, close));
    form.addEventListener('submit', () => connect(form.querySelector('#bridge-password').value, form.querySelector('#bridge-user').value));
  } else {
    form.append(make('div', { className: 'buttons' }, close));
  }
  dialog.replaceChildren(form);
  if (!dialog.open) dialog.showModal();
}

function connect(secret, user) {
  password = secret;
  const colon = target.lastIndexOf(':');
  const auth = secret ? ` auth ${user}`.trimEnd() : '';
  started = true;
  last = '';
  command(`bridge ${target.slice(0, colon)} ${target.slice(colon + 1)} ${Date.now()}${auth}`);
  show();
}

new MutationObserver(show).observe(root, { attributeFilter: ['lang', 'data-world'] });

// The module broke: what it knew of its connections is gone, and no link holds a bridged session to go on with.
addEventListener('error', ({ error }) => {
  if (!(error instanceof WebAssembly.RuntimeError)) return;
  came = 0;
  started = false;
  last = w().anew;
  for (const [key, socket] of sockets) {
    sockets.delete(key);
    socket.close();
  }
  setInterval(beat, 1000); // all that waited for a time was silenced with the module
  show();
});

show();
if (token === '') {
  last = w().noToken;
  bar.replaceChildren(make('b', { className: 'real-badge', textContent: w().real }), make('span', { className: 'real-state', textContent: last }));
} else {
  const ready = setInterval(() => {
    if (!('ready' in root.dataset)) return;
    clearInterval(ready);
    ask();
  }, 50);
}
