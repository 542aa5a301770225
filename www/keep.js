// Keeps the page for when there is no network, and tells when the server has another one: `sw.js` does the keeping, this
// asks. The old page stays whole until one says so; what stands in the world goes along in the address.
const root = document.documentElement;
const SAID = {
  fresh: ['There is a new version of this page.', '此页面有新版本。'],
  reload: ['Reload', '重新加载'],
  later: ['Later', '稍后'],
};

/** All that was done, as a link: the module (`src/ui/ask.rs`) answers with a code when it cannot. */
const session = () =>
  new Promise((done) => dispatchEvent(new CustomEvent('ask', { detail: ['link', (code, text) => done(code ? '' : text)] })));

export async function keep() {
  const address = new URL('sw.js', document.baseURI).href;
  const own = window.trustedTypes?.createPolicy('sw', { createScriptURL: () => address });
  const kept = await navigator.serviceWorker.register(own?.createScriptURL('') ?? address, { updateViaCache: 'none' });
  const ready = (worker) => {
    // The very first one replaces nothing.
    if (worker?.state === 'installed' && navigator.serviceWorker.controller) tell(kept);
  };
  ready(kept.waiting);
  kept.addEventListener('updatefound', () => {
    const worker = kept.installing;
    worker?.addEventListener('statechange', () => ready(worker));
  });
  // A page that stays open for days looks again when one comes back to it.
  document.addEventListener('visibilitychange', () => document.hidden || kept.update().catch(() => {}));
}

function tell(kept) {
  document.getElementById('fresh')?.remove();
  const say = (what) => SAID[what][Number(root.lang.startsWith('zh'))];
  const make = (tag, more) => Object.assign(document.createElement(tag), more);
  const line = make('div', { id: 'fresh', className: 'stopped', role: 'status' });
  const button = (what, done) => {
    const made = make('button', { type: 'button', textContent: say(what) });
    made.addEventListener('click', done);
    return made;
  };
  line.append(make('p', { textContent: say('fresh') }), button('reload', reload), button('later', () => line.remove()));
  document.body.append(line);

  // The old one goes with the page that it served; what comes next is the server's, and keeps itself from there on. To
  // let the new one take over from it while it still answers was tried: some browsers then never end the reload.
  async function reload() {
    const link = await Promise.race([session(), new Promise((done) => setTimeout(done, 2000))]);
    if (link) history.replaceState(null, '', `#${link}`);
    await kept.unregister();
    location.reload();
  }
}
