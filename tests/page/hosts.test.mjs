// Ringside in other people's pages: the element and the frame in plain, strict and hostile hosts.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { browse, serve, until } from "./visitor.mjs";

const examples = fileURLToPath(new URL("../../www/examples", import.meta.url));
const built = fileURLToPath(new URL("../../target/package", import.meta.url));
let browser, site, other;
before(async () => {
  // A page that is framed in a sandbox has no origin: its files have to be for everybody.
  const open = { "access-control-allow-origin": "*" };
  [browser, site, other] = await Promise.all([browse(), serve({ examples }, open, built), serve({ examples }, open, built)]);
});
after(async () => {
  await browser?.close();
  site?.close();
  other?.close();
});

async function visit(address, options = {}) {
  const page = await browser.newPage({ viewport: { width: 900, height: 700 }, ...options });
  page.setDefaultTimeout(90_000); // a busy machine is no failure
  page.complaints = [];
  page.wasm = [];
  page.on("console", (m) => ["error", "warning"].includes(m.type()) && page.complaints.push(m.text()));
  page.on("pageerror", (e) => page.complaints.push(String(e)));
  page.on("request", (r) => r.url().endsWith(".wasm") && page.wasm.push(r.url()));
  await page.goto(address);
  return page;
}

/** Calls something of an element of the page. */
const call = (page, selector, name, ...args) =>
  page.evaluate(async ([selector, name, args]) => {
    const element = document.querySelector(selector);
    try {
      return typeof element[name] === "function" ? await element[name](...args) : element[name];
    } catch (error) {
      return { code: error.code, message: error.message };
    }
  }, [selector, name, args]);

const height = (page, selector) => page.evaluate((s) => document.querySelector(s).getBoundingClientRect().height, selector);

test("three elements in a plain page", { timeout: 180_000 }, async () => {
  const page = await visit(`${site.url}examples/three.html`);
  await page.locator("#partial [part=poster]").waitFor();
  assert.deepEqual([page.wasm, await page.locator("iframe").count(), await height(page, "#partial")], [[], 0, 460]);
  const picture = (id) => page.locator(`#${id} [part=poster]`).evaluate((e) => e.decode().then(() => [new URL(e.src).pathname, e.naturalWidth > 0]));
  assert.deepEqual([await picture("partial"), await picture("free")], [["/posters/partial-resync.svg", true], ["/poster.svg", true]]);
  const told = await page.evaluateHandle(() => {
    const told = [];
    for (const name of ["ready", "state", "stopped"]) document.addEventListener(name, (e) => told.push([e.target.id, name]));
    return told;
  });
  await page.locator("#partial [part=run]").click();
  await until(page, "the recorded story to be played to its partial resync", async () => (await call(page, "#partial", "state"))?.verdict?.outcome === "continue");
  assert.equal((await call(page, "#partial", "state")).verdict.replica, "r1");
  assert.deepEqual((await told.jsonValue())[0], ["partial", "ready"]);
  assert.equal(await page.evaluate(() => document.activeElement.tagName), "BODY", "no focus is taken");
  // Methods, and mistakes with a code.
  const said = (...command) => call(page, "#partial", "exec", ...command).then(({ bytes, ...said }) => ({ ...said, bytes: bytes && String.fromCharCode(...Object.values(bytes)) }));
  assert.deepEqual(await said("m", "SET by script"), { text: "OK", replies: [{ type: "simple", value: "OK" }], bytes: "+OK\r\n" });
  assert.deepEqual(await said("m", "GET by"), { text: '"script"', replies: [{ type: "bulk", value: "script" }], bytes: "$6\r\nscript\r\n" });
  assert.deepEqual((await said("m", "INCR by")).replies, [{ type: "error", value: "ERR value is not an integer or out of range" }]);
  assert.deepEqual((await said("m", "LRANGE none 0 -1")).replies, [{ type: "array", value: [] }]);
  assert.deepEqual((await said("m", "BLPOP none 0")), { text: "", replies: [], bytes: "" });
  assert.equal((await call(page, "#partial", "exec", "nobody", "PING")).code, "action");
  assert.equal((await call(page, "#partial", "act", "fly")).code, "action");
  assert.equal(await call(page, "#partial", "act", "kill r2"), undefined ?? null);
  assert.equal((await call(page, "#partial", "getState")).nodes.find((n) => n.name === "r2").link, "dead");
  // The link of one is the beginning of another.
  const link = await call(page, "#partial", "getLink");
  assert.match(link, /^1[\w-]+$/);
  await page.evaluate((link) => document.querySelector("#full").removeAttribute("scenario") ?? document.querySelector("#full").setAttribute("link", link), link);
  await call(page, "#full", "load");
  assert.equal((await call(page, "#full", "getState")).nodes.find((n) => n.name === "r2").link, "dead");
  assert.equal((await call(page, "#partial", "getState")).playing, false, "the other one pauses when this one is started");
  // The third one starts by itself when it comes into sight, and stands still out of it.
  assert.equal(await call(page, "#free", "state"), null);
  await page.locator("#free").scrollIntoViewIfNeeded();
  await until(page, "the third one to run", async () => (await call(page, "#free", "state"))?.nodes.length === 3);
  await call(page, "#free", "play");
  assert.equal((await call(page, "#free", "getState")).playing, true);
  await page.evaluate(() => scrollTo(0, 0));
  await until(page, "it to pause out of sight", async () => !(await call(page, "#free", "getState")).playing);
  await page.locator("#free").scrollIntoViewIfNeeded();
  await until(page, "it to go on", async () => (await call(page, "#free", "getState")).playing);
  assert.deepEqual([await height(page, "#free"), await page.evaluate(() => new Set(performance.getEntriesByType("resource").map((e) => e.name)).size > 0)], [460, true]);
  assert.equal(page.wasm.length, 2, "one module for all, in its two halves");
  // Removed: everything is given back, and what waits is told.
  const waits = await page.evaluate(async () => {
    const e = document.querySelector("#partial");
    const waits = e.exec("m", "PING").catch((error) => error.code);
    e.remove();
    return [await waits, e.state, e.shadowRoot.querySelectorAll("iframe").length];
  });
  assert.deepEqual(waits, ["disposed", null, 0]);
  assert.deepEqual(page.complaints, []);
  await page.close();
});

/** A page of a host with this body, where the examples are. */
async function bare(body, options) {
  const page = await visit("about:blank", options);
  await page.route("**/examples/bare.html", (route) => route.fulfill({ contentType: "text/html", body: `<!doctype html><meta name=viewport content="width=device-width"><link rel=icon href="../poster.svg"><script type=module src="../ringside.js"></script>${body}` }));
  await page.goto(`${site.url}examples/bare.html`);
  return page;
}

test("methods: time, files, and a world of one's own", { timeout: 180_000 }, async () => {
  const page = await bare('<ringside-playground id=e seed=5 replicas=1 backlog=1kb speed=10 at=0s></ringside-playground>');
  const e = (name, ...args) => call(page, "#e", name, ...args);
  await e("load");
  assert.deepEqual((await e("getState")).nodes.map((n) => n.name), ["m", "r1"]);
  assert.equal((await e("exec", "m", "CONFIG GET repl-backlog-size")).replies[0].value[1].value, "1024");
  const before = (await e("getState")).position;
  assert.ok(before.event === 0 || before.event === before.end, JSON.stringify(before));
  await e("act", "cut m r1");
  await e("run", 2000);
  await e("exec", "m", "SET a 1");
  await e("run", 500.5);
  const there = (await e("getState")).position;
  assert.ok(there.elapsed_us >= before.elapsed_us + 2_500_500, JSON.stringify(there));
  await e("seekTime", before.elapsed_us);
  let state = await e("getState");
  assert.deepEqual([state.position.past, state.nodes[0].keys, state.playing], [true, 3, false]);
  await e("seek", 1e6);
  state = await e("getState");
  assert.deepEqual([state.position.event, state.nodes[0].keys, state.nodes[1].link], [there.end, 4, "down"]);
  await e("seek", 0);
  assert.equal((await e("getState")).position.event, 0);
  await e("live");
  const file = await page.evaluate(async () => {
    const file = await document.querySelector("#e").exportRdb("m");
    return [file instanceof Uint8Array, String.fromCharCode(...file.slice(0, 9))];
  });
  assert.deepEqual(file, [true, "REDIS0010"]);
  assert.equal((await e("exportRdb", "nobody")).code, "action");
  assert.equal((await e("run", -1)).code, "request");
  assert.equal(await page.frames()[1].locator(".transport .choice [aria-pressed=true]").textContent(), "10×");
  // Properties that were set before the script came are taken over.
  await page.evaluate(() => {
    const late = Object.assign(document.createElement("ringside-playground"), { id: "late" });
    Object.defineProperty(late, "replicas", { value: "0", configurable: true, writable: true });
    document.body.append(late);
  });
  assert.equal(await page.locator("#late").getAttribute("replicas"), "0");
  assert.deepEqual(page.complaints, []);
  await page.close();
});

test("a scenario of the host's, at a moment of it, and one that is wrong", { timeout: 180_000 }, async () => {
  const page = await bare('<ringside-playground id=e src=story.txt at=4s></ringside-playground><ringside-playground id=w src=wrong.txt></ringside-playground><ringside-playground id=n src=none.txt></ringside-playground><ringside-playground id=l link=1abc></ringside-playground>');
  const text = "# mine\ncluster seed=3 replicas=1\n\nm> SET city Oslo\nrun 5s\nm> SET city Bergen\nsettle\n";
  await page.route("**/story.txt", (route) => route.fulfill({ contentType: "text/plain", body: text }));
  await page.route("**/wrong.txt", (route) => route.fulfill({ contentType: "text/plain", body: "cluster\nfly" }));
  await call(page, "#e", "load");
  const { position, nodes } = await call(page, "#e", "getState");
  assert.deepEqual([position.past, nodes.length], [true, 2], JSON.stringify(position));
  assert.ok(Math.abs(position.elapsed_us - 4e6) < 1e6, JSON.stringify(position));
  const frame = page.frames()[1];
  await frame.locator("[data-testid=console-output]", { hasText: "SET city Oslo" }).waitFor();
  assert.equal(await frame.getByText("SET city Bergen").count(), 0, "that is still to come");
  const wrong = await call(page, "#w", "load");
  assert.equal(wrong.code, "script");
  assert.match(wrong.message, /line 2, column 1/);
  assert.equal((await call(page, "#l", "load")).code, "link");
  assert.deepEqual(page.complaints, []);
  const none = await call(page, "#n", "load");
  assert.deepEqual(none, { code: "link", message: "none.txt: 404" });
  await page.close();
});

test("to look at only: visitors change nothing, scripts may", { timeout: 120_000 }, async () => {
  const page = await bare('<ringside-playground id=e readonly scenario=partial-resync></ringside-playground>');
  const e = (name, ...args) => call(page, "#e", name, ...args);
  await e("load");
  const frame = page.frames()[1];
  assert.equal(await frame.locator(".console").isVisible(), false);
  const offered = frame.locator("[data-do^='act '], [data-do^='try '], [data-do^='run '], [data-do=reset]");
  for (const offer of await offered.all()) assert.equal(await offer.isVisible(), false, await offer.getAttribute("data-do"));
  const link = await e("getLink");
  await frame.locator("body").click({ position: { x: 300, y: 60 } });
  for (const key of ["x", "k", "p", "n", "Control+K"]) await page.keyboard.press(key);
  await frame.evaluate(() => {
    const button = Object.assign(document.createElement("button"), { textContent: "kill" });
    button.dataset.do = "act kill m";
    document.body.append(button);
    button.click();
  });
  await page.waitForTimeout(300);
  assert.equal((await e("getState")).nodes[0].link, "master");
  assert.equal(await e("getLink"), link, "nothing was done");
  await frame.locator("[data-testid=play]").click();
  await until(page, "it to play", async () => (await e("getState")).playing);
  await e("act", "kill m");
  assert.equal((await e("getState")).nodes[0].link, "dead");
  await page.close();
});

test("nothing moves in the host: no shift of the layout, no scroll, no focus, no wheel, no touch", { timeout: 120_000 }, async () => {
  const page = await bare('<input id=mine autofocus><p style="height:300px"></p><ringside-playground id=e style="display:block;height:480px"></ringside-playground><p style="height:2000px">below</p>', { hasTouch: true, isMobile: true });
  await page.evaluate(() => {
    window.shifts = [];
    new PerformanceObserver((list) => window.shifts.push(...list.getEntries().map((e) => e.value))).observe({ type: "layout-shift", buffered: true });
  });
  const box = () => page.locator("#e").boundingBox();
  const first = await box();
  await page.locator("#e [part=run]").evaluate((e) => e.getRootNode().host.load());
  for (const line of ["load m 20/s", "cut m r1", "add of m"]) await call(page, "#e", "act", line);
  await page.waitForTimeout(1500);
  assert.deepEqual([await box(), await page.evaluate(() => [window.shifts, scrollY, document.activeElement.id])], [first, [[], 0, "mine"]]);
  // A finger and a wheel on it move the host.
  await page.mouse.move(first.x + 200, first.y + 150);
  await page.mouse.wheel(0, 120);
  await until(page, "the host to scroll by the wheel", async () => (await page.evaluate(() => scrollY)) > 0);
  const from = await page.evaluate(() => scrollY);
  const client = await page.context().newCDPSession(page);
  const touch = (type, ...touchPoints) => client.send("Input.dispatchTouchEvent", { type, touchPoints });
  const finger = (i) => ({ x: first.x + 200, y: first.y + 200 - from - 15 * i });
  await touch("touchStart", finger(0));
  for (let i = 1; i <= 8; i++) await touch("touchMove", finger(i));
  await touch("touchEnd");
  await until(page, "the host to scroll by a finger", async () => (await page.evaluate(() => scrollY)) > from);
  assert.deepEqual(await page.evaluate(() => document.activeElement.id), "mine");
  assert.deepEqual([(await box()).height, await page.evaluate(() => window.shifts)], [first.height, []]);
  await page.close();
});

test("a panic inside is told to the page around, with a code, and does not hang it", { timeout: 120_000 }, async () => {
  const page = await bare("<ringside-playground id=e></ringside-playground>");
  await call(page, "#e", "load");
  const told = page.evaluate(() => new Promise((done) => document.querySelector("#e").addEventListener("stopped", (e) => done(e.detail.message))));
  await page.frames()[1].evaluate(() => {
    document.documentElement.dataset.do = "panic";
    dispatchEvent(new Event("command"));
  });
  assert.match(await told, /a drill/);
  const refused = await call(page, "#e", "exec", "m", "PING");
  assert.equal(refused.code, "broken");
  await page.frames()[1].locator("#go-on").click();
  await page.frames()[1].locator("[data-node=r2][data-link=online]").waitFor({ state: "attached" });
  assert.equal((await call(page, "#e", "exec", "m", "PING")).text, "PONG");
  await page.close();
});

test("the engine in a page, and in a worker of it", { timeout: 90_000 }, async () => {
  const page = await bare("<p>by script</p>");
  const work = `import { Playground, replies } from "../ringside-engine.js";
    export async function work() {
      const p = await Playground.create({ replicas: 1 });
      const told = [];
      p.subscribe((event) => told.push(event.what.is));
      p.act("cut m r1");
      const raw = p.raw("m", new TextEncoder().encode("SET city Oslo\\r\\nGET city\\r\\n"));
      p.act("restore m r1");
      p.settle();
      const again = await Playground.create({ link: p.link() });
      const same = again.trace === p.trace;
      return [p.exec("r1", "GET city"), replies(raw), p.snapshot().verdict.outcome.is, told.includes("partial"), same, typeof document];
    }`;
  await page.route("**/examples/work.js", (route) => route.fulfill({ contentType: "text/javascript", body: work }));
  await page.route("**/examples/worker.js", (route) => route.fulfill({ contentType: "text/javascript", body: 'import { work } from "./work.js"; postMessage(await work());' }));
  const expected = ['"Oslo"', [{ type: "simple", value: "OK" }, { type: "bulk", value: "Oslo" }], "continue", true, true];
  assert.deepEqual(await page.evaluate(async () => (await import(new URL("work.js", location.href))).work()), [...expected, "object"]);
  const worked = await page.evaluate(() => new Promise((done, fail) => {
    const worker = new Worker(new URL("worker.js", location.href), { type: "module" });
    worker.onmessage = ({ data }) => done(data);
    worker.onerror = ({ message }) => fail(new Error(message));
  }));
  assert.deepEqual(worked, [...expected, "undefined"]);
  assert.deepEqual(page.complaints, []);
  await page.close();
});

test("the theme is the host's", { timeout: 90_000 }, async () => {
  const page = await visit(`${site.url}examples/three.html`, { colorScheme: "light" });
  await call(page, "#free", "load");
  const frame = page.frames().find((f) => f !== page.mainFrame());
  const theme = () => frame.evaluate(() => document.documentElement.dataset.theme);
  const is = (wanted) => until(page, wanted, async () => (await theme()) === wanted);
  await is("light");
  await page.emulateMedia({ colorScheme: "dark" });
  await is("dark");
  for (const [set, wanted] of [["dataset.theme = 'light'", "light"], ["removeAttribute('data-theme')", "dark"], ["className = 'rust'", "light"], ["className = 'ayu'", "dark"], ["className = ''; document.body.style.background = '#fff'; document.documentElement.id = 'a'; document.documentElement.className = 'x'", "light"]]) {
    await page.evaluate(`document.documentElement.${set}`);
    await is(wanted);
  }
  await page.evaluate(() => (document.querySelector("#free").theme = "light"));
  await is("light");
  await page.close();
});

test("a host with a strict policy: nothing moves, whenever the script comes", { timeout: 90_000 }, async () => {
  const page = await browser.newPage({ viewport: { width: 900, height: 700 } });
  page.setDefaultTimeout(90_000);
  page.complaints = [];
  page.on("console", (m) => ["error", "warning"].includes(m.type()) && page.complaints.push(m.text()));
  let go;
  const gate = new Promise((done) => (go = done));
  await page.route("**/ringside.js", (route) => gate.then(() => route.continue()));
  await page.goto(`${site.url}examples/strict-csp.html`, { waitUntil: "commit" });
  await page.locator("ringside-playground img").waitFor();
  const below = () => page.evaluate(() => document.querySelector("#below").getBoundingClientRect().top);
  const there = await below();
  go();
  await page.locator("[part=run]").waitFor();
  assert.equal(await below(), there, "with the script");
  await page.locator("[part=run]").click();
  await until(page, "it to run", async () => (await call(page, "ringside-playground", "state"))?.nodes.length === 3);
  assert.deepEqual([await below(), await height(page, "ringside-playground")], [there, 480]);
  const shifts = await page.evaluate(() => new Promise((done) => {
    new PerformanceObserver((list) => done(list.getEntries().map((e) => e.value))).observe({ type: "layout-shift", buffered: true });
    setTimeout(() => done([]), 300);
  }));
  assert.deepEqual([shifts, page.complaints], [[], []]);
  await page.close();
});

test("a page without the engine says what a scenario's text would need", { timeout: 90_000 }, async () => {
  const page = await visit(`${site.url}examples/three.html`);
  await page.route("**/ringside-engine.js", (route) => route.fulfill({ status: 404 }));
  await page.evaluate(() => {
    const e = document.querySelector("#partial");
    e.removeAttribute("scenario");
    e.src = URL.createObjectURL(new Blob(["cluster seed=1\nm> SET a 1\n"]));
  });
  const { code, message } = await call(page, "#partial", "load");
  assert.equal(code, "link");
  assert.match(message, /needs the engine, and there is none at http.*ringside-engine\.js/);
  await page.close();
});

test("a frame in a sandbox, without a script of the host", { timeout: 90_000 }, async () => {
  const page = await visit(`${site.url}examples/frame.html`);
  const frame = page.frameLocator("iframe");
  await frame.locator("#run").click();
  await frame.locator("[data-node=r2][data-link=online]").waitFor({ state: "attached" });
  assert.equal(await page.frames()[1].evaluate(() => self.origin), "null");
  await frame.locator("[data-testid=play]").click();
  await frame.locator("[data-testid=verdict][data-outcome=continue]").waitFor({ timeout: 60_000 });
  const full = page.context().waitForEvent("page");
  const session = await page.frames()[1].evaluate(() => document.querySelector("[data-node=m]").dataset.offset);
  await frame.locator("[data-do=full]").click();
  const opened = await full;
  await opened.locator("[data-node=r2][data-link=online]").waitFor({ state: "attached" });
  assert.equal(await opened.locator("[data-node=m]").first().getAttribute("data-offset"), session, "the very state, in full");
  assert.deepEqual(page.complaints.filter((c) => !/Storage|storage/.test(c)), []);
  await page.close();
});

test("a hostile host", { timeout: 120_000 }, async () => {
  const page = await visit(`${other.url}examples/hostile.html?page=${encodeURIComponent(site.url)}`);
  // It expects another parent: whoever frames it is not heard, and not told.
  const deaf = await page.evaluate(async () => {
    const f = await attack.frame("embed&run&origin=https://example.org");
    window.deaf = f;
    await attack.wait(3000);
    return [await attack.send(f, { ringside: 1, id: 1, do: "state" }, 400), attack.heard.length];
  });
  assert.deepEqual(deaf, [[], 0]);
  const inside = page.frames()[1];
  await inside.locator("[data-node=m]").first().waitFor({ state: "attached" });
  await page.evaluate(() => window.deaf.remove());

  // Wrong messages are refused with what is wrong, or not heard at all.
  const ask = (data, ms) => page.evaluate(([data, ms]) => attack.send(window.target, data, ms), [data, ms]);
  await page.evaluate(async () => (window.target = await attack.frame("embed&run")));
  const frame = () => page.frames().at(-1);
  await frame().locator("[data-node=r2][data-link=online]").waitFor({ state: "attached" });
  for (const silent of ["text", null, 7, [], {}, { ringside: 2, do: "state" }, { do: "state" }]) assert.deepEqual(await ask(silent, 100), [], JSON.stringify(silent));
  for (const [data, code] of [
    [{ do: "constructor" }, "request"], [{ do: "__proto__" }, "request"], [{ do: 7 }, "request"], [{}, "request"],
    [{ do: "state", more: 1 }, "request"], [{ do: "exec", node: "m" }, "request"], [{ do: "exec", node: "m", command: ["a"] }, "request"],
    [{ do: "exec", node: "m x", command: "PING" }, "request"], [{ do: "exec", node: "m", command: "PING\n:kill m" }, "request"],
    [{ do: "exec", node: "m", command: "x".repeat(65537) }, "limit"], [{ do: "open", link: "1damaged" }, "link"], [{ do: "theme", theme: "url(x)" }, "request"],
    [{ do: "run", ms: -1 }, "request"], [{ do: "run", ms: "1" }, "request"], [{ do: "run", ms: 1e9 }, "limit"], [{ do: "seek", event: NaN }, "request"], [{ do: "rdb", node: "nobody" }, "action"],
    [{ do: "panic" }, "request"], [{ do: "act", line: "fly" }, "action"],
  ]) {
    const [answer] = await ask({ ringside: 1, id: 5, ...data });
    assert.equal(answer?.error?.code, code, `${JSON.stringify(data).slice(0, 80)}: ${JSON.stringify(answer)}`);
    assert.equal(answer.origin, new URL(site.url).origin);
  }
  const [before] = await ask({ ringside: 1, id: 6, do: "state" });
  assert.deepEqual(before.ok.nodes.map((n) => n.link), ["master", "online", "online"], "nothing of it did anything");

  // Another window of the page is not its parent.
  const stranger = await page.evaluate(async () => {
    const thief = document.createElement("iframe");
    thief.srcdoc = `<script>parent.frames[0].postMessage({ ringside: 1, id: 7, do: "act", line: "kill m" }, "*")</` + `script>`;
    document.body.append(thief);
    await attack.wait(500);
    thief.remove();
    return (await attack.send(window.target, { ringside: 1, id: 8, do: "state" }))[0].ok.nodes[0].link;
  });
  assert.equal(stranger, "master");

  // A flood: a hundred a second are heard, one complaint a second is made, and it still lives.
  await page.waitForTimeout(1100);
  const [good, bad, seconds] = await page.evaluate(async () => {
    const [from, begun] = [attack.heard.length, performance.now()];
    for (let i = 0; i < 20_000; i++) window.target.contentWindow.postMessage({ ringside: 1, id: 1000 + i, do: "state" }, "*");
    // Over when nothing has come back for more than the second in which it may be silent.
    for (let n = -1; n !== attack.heard.length; await attack.wait(1500)) n = attack.heard.length;
    const answers = attack.heard.slice(from).filter((m) => m.event === undefined);
    return [answers.filter((a) => a.ok).length, answers.filter((a) => a.error?.code === "limit").length, (performance.now() - begun) / 1000];
  });
  assert.ok(good > 0 && good <= 100 * (seconds + 1) && bad >= 1 && bad <= seconds + 1, `${good} heard, ${bad} complaints, ${seconds} s`);
  assert.equal((await ask({ ringside: 1, id: 9, do: "exec", node: "m", command: "PING" }))[0].ok.text, "PONG");

  // Taken away while it runs, again and again: the next one runs as the first.
  const survivors = await page.evaluate(async () => {
    window.target.remove();
    for (let i = 0; i < 5; i++) {
      const f = await attack.frame("embed&run");
      f.contentWindow.postMessage({ ringside: 1, id: 1, do: "act", line: "load m 50/s" }, "*");
      await attack.wait(50 * i);
      f.remove();
    }
    window.target = await attack.frame("embed&run");
  });
  assert.equal(survivors, undefined);
  await frame().locator("[data-node=r2][data-link=online]").waitFor({ state: "attached" });
  assert.equal((await ask({ ringside: 1, id: 10, do: "exec", node: "m", command: "PING" }))[0].ok.text, "PONG");
  await page.close();
});
