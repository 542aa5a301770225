// The rows of the scoreboard that need a browser: `make bench`, or `make bench ROWS="P1 P9"`. Times depend on the machine;
// what counts is the ratio to a peer that is measured in the same page and run.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { build } from "esbuild";
import { browse, line, type } from "../../tests/page/visitor.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const root = fileURLToPath(new URL("../..", import.meta.url));
const site = join(root, "target/bench-page");
const wanted = process.argv.slice(2).filter((a) => a.startsWith("P"));
const types = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".wasm": "application/wasm" };

/** The page, the package and the peers in one folder. */
async function prepare() {
  for (const [folder, how] of [["dist", "make build"], ["target/package", "make package"]])
    if (!existsSync(join(root, folder))) throw new Error(`${folder} is missing: run \`${how}\` first`);
  rmSync(site, { recursive: true, force: true });
  mkdirSync(site, { recursive: true });
  cpSync(join(root, "dist"), join(site, "page"), { recursive: true });
  cpSync(join(root, "target/package"), join(site, "package"), { recursive: true });
  cpSync(join(here, "rows.js"), join(site, "rows.js"));
  writeFileSync(join(site, "empty.html"), "<!doctype html><title>empty</title>");
  writeFileSync(join(site, "peer.html"), `<!doctype html><title>peer</title><script type="module">
    globalThis.require = () => ({});
    globalThis.process = { env: {}, versions: {}, cwd: () => "/", nextTick: (f, ...a) => queueMicrotask(() => f(...a)) };
    const { Redis } = await import("./peers.js");
    await new Redis().set("a", "b");
    document.documentElement.dataset.ready = "";
  </script>`);
  await build({
    entryPoints: [join(here, "peers.js")], outfile: join(site, "peers.js"), inject: [join(here, "node.js")],
    bundle: true, minify: true, format: "esm", platform: "browser", define: { global: "globalThis" }, logLevel: "error",
  });
}

function serve() {
  const packed = {};
  const server = createServer((request, response) => {
    const file = join(site, new URL(request.url, "http://x").pathname);
    if (!existsSync(file) || !statSync(file).isFile()) return response.writeHead(404).end();
    packed[file] ??= gzipSync(readFileSync(file), { level: 9 }); // as hosts of static pages send them
    response.writeHead(200, { "content-type": types[extname(file)] ?? "application/octet-stream", "content-encoding": "gzip" });
    response.end(packed[file]);
  });
  return new Promise((done) => server.listen(0, "127.0.0.1", () => done({ url: `http://127.0.0.1:${server.address().port}`, server })));
}

/** Runs before all scripts of a page: keeps its wasm memories, and times the work that its frames and timers do. */
function watch() {
  globalThis.memories = [];
  const keep = (instance) => {
    const memory = instance.exports.memory;
    if (memory && !globalThis.memories.includes(memory)) globalThis.memories.push(memory);
  };
  for (const name of ["instantiate", "instantiateStreaming"]) {
    const original = WebAssembly[name];
    WebAssembly[name] = async (...args) => {
      const made = await original.apply(WebAssembly, args);
      keep(made.instance ?? made);
      return made;
    };
  }
  WebAssembly.Instance = new Proxy(WebAssembly.Instance, {
    construct(target, args) {
      const instance = new target(...args);
      keep(instance);
      return instance;
    },
  });
  globalThis.ask = requestAnimationFrame.bind(globalThis);
  globalThis.work = [];
  const timed = (f) => (...args) => {
    const began = performance.now();
    f(...args);
    globalThis.work.push(performance.now() - began);
  };
  globalThis.requestAnimationFrame = (f) => globalThis.ask(timed(f));
  for (const name of ["setTimeout", "setInterval"]) {
    const original = globalThis[name].bind(globalThis);
    globalThis[name] = (f, ...rest) => original(typeof f === "function" ? timed(f) : f, ...rest);
  }
}

const fixed = (n) => (n >= 1000 ? Math.round(n).toLocaleString("en") : n.toFixed(1));
function row(name, ours, peer, target, unit) {
  const ratio = peer ? `${(ours / peer).toFixed(2)}x` : "";
  console.log(`${name.padEnd(46)} ${fixed(ours).padStart(12)} ${(peer ? fixed(peer) : "").padStart(12)} ${ratio.padStart(8)} ${target.padStart(10)}  ${unit}`);
}
const versus = (name, { ours, peer, spread }, target, unit) => {
  row(name, ours, peer, target, unit);
  if (spread > 0.2) console.log(`  (the peer's own rounds differ by ${Math.round(spread * 100)} %: the ratio is rough)`);
};

/** A page with `rows.js` at hand. */
async function page(browser, url, work) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const it = await context.newPage();
  await it.addInitScript(watch);
  await it.goto(url);
  try {
    return await work(it);
  } finally {
    await context.close();
  }
}

/** Milliseconds from the address to a thing that can be used. */
async function usable(browser, url, selector, slow) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const it = await context.newPage();
  if (slow) {
    const cdp = await context.newCDPSession(it);
    await cdp.send("Network.enable");
    await cdp.send("Network.emulateNetworkConditions", { offline: false, latency: 40, downloadThroughput: 1e7 / 8, uploadThroughput: 1e7 / 8 });
    await cdp.send("Emulation.setCPUThrottlingRate", { rate: 4 });
  }
  const began = performance.now();
  await it.goto(url, { waitUntil: "commit" });
  await it.locator(selector).waitFor({ state: "attached" });
  const ms = performance.now() - began;
  await context.close();
  return ms;
}

const median = (list) => list.toSorted((a, b) => a - b)[list.length >> 1];
const inPage = (browser, url, name, ...args) =>
  page(browser, `${url}/empty.html`, (it) =>
    it.evaluate(async ([name, args]) => (await import("./rows.js"))[name](...args), [name, args]));

const rows = {
  P1: async (browser, url) => {
    versus("P1 SET to a master and 2 replicas, batches", await inPage(browser, url, "p1", false), ">= 1.5x", "SET/s; events: false; peer ioredis-mock, one node");
    versus("P1 the same, every event is recorded", await inPage(browser, url, "p1", true), ">= 0.5x", "SET/s");
  },
  P1b: async (browser, url) => {
    versus("P1b the same, one call a command", await inPage(browser, url, "p1b", false), ">= 0.8x", "SET/s; events: false");
    versus("P1b, every event is recorded", await inPage(browser, url, "p1b", true), "", "SET/s");
  },
  P7: async () => {
    const parts = { "page": "page", "engine": "package" };
    for (const [name, folder] of Object.entries(parts)) {
      const all = readdirSync(join(site, folder)).filter((f) => (folder === "page" ? !/^\.|poster/.test(f) : /^ringside-(engine|glue).*\.(js|wasm)$/.test(f)));
      const sum = (f) => all.reduce((n, file) => n + f(readFileSync(join(site, folder, file))).length, 0);
      row(`P7 bytes of the ${name}, gzip`, sum((b) => gzipSync(b, { level: 9 })) / 1024, 0, name === "page" ? "<= 250" : "<= 120", `KB; ${(sum(brotliCompressSync) / 1024).toFixed(0)} with brotli`);
    }
  },
  P8: async (browser, url) => {
    for (const slow of [false, true]) {
      const [ours, theirs] = [[], []];
      for (let i = 0; i < 5; i++) {
        ours.push(await usable(browser, `${url}/page/index.html`, "[data-testid=console-input]:enabled", slow));
        theirs.push(await usable(browser, `${url}/peer.html`, "[data-ready]", slow));
      }
      row(`P8 until it can be used${slow ? ", 10 Mbit/s 40 ms CPU/4" : ""}`, median(ours), median(theirs), slow ? "<= 1200" : "<= 300", "ms; peer: ioredis-mock loaded, one SET");
    }
  },
  P9: async (browser, url) => {
    const seconds = 15;
    const look = (it) => it.evaluate(async ([rows, s]) => (await import(rows)).frames(s), [`${url}/rows.js`, seconds]);
    const empty = await page(browser, `${url}/empty.html`, look);
    const full = await page(browser, `${url}/page/index.html`, async (it) => {
      await it.locator("[data-node=r2][data-link=online]").waitFor({ state: "attached" });
      for (let i = 0; i < 5; i++) await type(it, ":add of m");
      await line(it, ":load m 1400/s");
      await it.waitForTimeout(3000);
      return look(it);
    });
    row("P9 frame distance, p99", full.p99, empty.p99, "<= 1.15x", "ms; 8 nodes, 1400 writes/s to 7 replicas; peer: an empty page");
    row("P9 work in a frame, p99", full.work, 0, "<= 6", "ms");
    row("P9 longest task", full.longest, 0, "<= 50", "ms");
  },
  P10: async (browser, url) => {
    const { speed, events, p50, p99 } = await inPage(browser, url, "p10");
    row("P10 virtual seconds in a second", speed, 0, ">= 50", `8 nodes, 1400 writes/s; ${events} events in a minute`);
    row("P10 seek within that minute, p99", p99, 0, "<= 50", `ms; p50 ${p50.toFixed(1)}`);
  },
  P11: async (browser, url) => {
    const { filled, perKey, soak } = await inPage(browser, url, "p11");
    row("P11 memory of a key in a node", perKey, 0, "<= 130", "bytes, with 32 of value, of the module's memory");
    row("P11 module with 8 nodes of 10 000 keys", filled / 2 ** 20, 0, "<= 64", `MB; after 1, 2, 3 minutes of load ${soak.map((b) => (b / 2 ** 20).toFixed(0)).join(", ")}`);
  },
};

const names = Object.keys(rows).filter((name) => wanted.length === 0 || wanted.some((w) => w.toLowerCase() === name.toLowerCase()));
if (names.length > 0) {
  await prepare();
  const [browser, { url, server }] = [await browse(), await serve()];
  console.log(`\nChromium ${browser.version()}, ioredis-mock ${JSON.parse(readFileSync(join(here, "node_modules/ioredis-mock/package.json"))).version}; medians of 5 rounds in turn\n`);
  try {
    for (const name of names) await rows[name](browser, url);
  } finally {
    await browser.close();
    server.close();
  }
}
