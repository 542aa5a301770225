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
  /** Sends and waits for what comes back. */
  async send(element, data, ms = 400) {
    const from = heard.length;
    element.contentWindow.postMessage(data, '*');
    await wait(ms);
    return heard.slice(from).filter((m) => m.event === undefined);
  },
};
