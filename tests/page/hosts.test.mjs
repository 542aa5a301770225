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
  assert.equal(await call(page, "#partial", "exec", "m", "SET by script"), "OK");
  assert.equal(await call(page, "#partial", "exec", "m", "GET by"), '"script"');
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
  assert.equal(new Set(page.wasm).size, 1, "one module for all");
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

test("the theme is the host's", { timeout: 90_000 }, async () => {
  const page = await visit(`${site.url}examples/three.html`, { colorScheme: "light" });
  await call(page, "#free", "load");
  const frame = page.frames().find((f) => f !== page.mainFrame());
  const theme = () => frame.evaluate(() => document.documentElement.dataset.theme);
  const is = (wanted) => until(page, wanted, async () => (await theme()) === wanted);
  await is("light");
  await page.emulateMedia({ colorScheme: "dark" });
  await is("dark");
  for (const [set, wanted] of [["dataset.theme = 'light'", "light"], ["removeAttribute('data-theme')", "dark"], ["className = 'rust'", "light"], ["className = 'ayu'", "dark"]]) {
    await page.evaluate(`document.documentElement.${set}`);
    await is(wanted);
  }
  await page.evaluate(() => (document.querySelector("#free").theme = "light"));
  await is("light");
  await page.close();
});

test("a host with a strict policy", { timeout: 90_000 }, async () => {
  const page = await visit(`${site.url}examples/strict-csp.html`);
  await page.locator("[part=run]").click();
  await until(page, "it to run", async () => (await call(page, "ringside-playground", "state"))?.nodes.length === 3);
  assert.equal(await height(page, "ringside-playground"), 480);
  assert.deepEqual(page.complaints, []);
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
    return [await attack.send(f, { ringside: 1, id: 1, do: "state" }), attack.heard.length];
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

  // A flood: a hundred a second are heard, one complaint is made, and it still lives.
  await page.waitForTimeout(1100);
  const flood = await page.evaluate(async () => {
    const from = attack.heard.length;
    for (let i = 0; i < 20_000; i++) window.target.contentWindow.postMessage({ ringside: 1, id: i, do: "state" }, "*");
    await attack.wait(3000);
    const answers = attack.heard.slice(from).filter((m) => m.event === undefined);
    return [answers.filter((a) => a.ok).length, answers.filter((a) => a.error?.code === "limit").length];
  });
  assert.ok(flood[0] <= 400 && flood[0] > 0 && flood[1] >= 1 && flood[1] <= 4, `${flood}`);
  await page.waitForTimeout(1100);
  assert.equal((await ask({ ringside: 1, id: 9, do: "exec", node: "m", command: "PING" }))[0].ok, "PONG");

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
  assert.equal((await ask({ ringside: 1, id: 10, do: "exec", node: "m", command: "PING" }))[0].ok, "PONG");
  await page.close();
});
