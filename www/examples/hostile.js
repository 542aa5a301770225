// What a page can try on the playgrounds that it frames. `window.attack` is run by tests/page/hosts.test.mjs.
const heard = [];
addEventListener('message', ({ data, origin }) => heard.push({ ...data, origin }));

function frame(query) {
  const element = Object.assign(document.createElement('iframe'), { src: `${new URLSearchParams(location.search).get('page')}?${query}`, width: 720, height: 480, title: 'a playground' });
  document.body.append(element);
  return new Promise((done) => element.addEventListener('load', () => done(element)));
}

const wait = (ms) => new Promise((done) => setTimeout(done, ms));

window.attack = {
  heard,
  frame,
  wait,
  /** Sends and waits: for the answer to it, or this long for whatever comes back. */
  async send(element, data, ms) {
    const from = heard.length;
    const answers = () => heard.slice(from).filter((m) => m.event === undefined && (ms !== undefined || m.id === data.id));
    element.contentWindow.postMessage(data, '*');
    for (let waited = 0; ms === undefined && !answers().length && waited < 20_000; waited += 10) await wait(10);
    await wait(ms ?? 0);
    return answers();
  },
};
