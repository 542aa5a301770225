// What goes wrong, and what the visitor sees then: a panic, blocked storage, no WebAssembly, no scripts, a damaged link,
// limits; and what must not grow.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { attr, browse, line, number, open, serve, type, until } from "./visitor.mjs";

let browser, site;
before(async () => ([browser, site] = await Promise.all([browse(), serve()])));
after(async () => {
  await browser?.close();
  site?.close();
});

const offsets = (page) => page.evaluate(() => [...document.querySelectorAll(".stage [data-node]")].map((e) => `${e.dataset.node} ${e.dataset.offset} ${e.dataset.keys} ${e.dataset.replid}`).join("\n"));
const rest = (page) => until(page, "rest", async () => /idle/.test(await page.getByTestId("state").innerText()), 20_000);

test("after a panic the page says so, stays readable, and goes on from the step before", { timeout: 90_000 }, async () => {
  const { page, complaints, close } = await open(browser, site.url);
  await type(page, "SET hello world");
  await type(page, ":cut m r1");
  await type(page, "SET city Oslo");
  await rest(page);
  const was = await offsets(page);
  await page.evaluate(() => {
    document.documentElement.dataset.do = "panic";
    window.dispatchEvent(new Event("command"));
  });
  const bar = page.locator("#stopped");
  await bar.waitFor();
  assert.match(await bar.innerText(), /stopped/);
  assert.match(await page.locator("#what").innerText(), /drill/);
  assert.match(await page.getByTestId("console-output").innerText(), /SET city Oslo/, "the log stays readable");
  const began = Date.now();
  await page.locator("#go-on").click();
  await page.locator(".stage [data-node=r2]").first().waitFor({ state: "attached" });
  const took = Date.now() - began;
  await rest(page);
  assert.equal(await offsets(page), was, "the same world");
  assert.ok(!(await bar.isVisible()));
  // And it works again.
  await type(page, ":restore m r1");
  await until(page, "+CONTINUE", async () => (await attr(page, "[data-testid=verdict]", "data-outcome")) === "continue");
  assert.ok(complaints.length > 0 && complaints.every((c) => /drill|unreachable/.test(c)), complaints.join("\n"));
  console.log(`panic drill: went on after ${took} ms`);
  await close();
});

test("blocked storage: the page works and remembers nothing", { timeout: 60_000 }, async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  const complaints = [];
  page.on("pageerror", (e) => complaints.push(String(e)));
  await page.addInitScript(() => {
    Object.defineProperty(window, "localStorage", { get() { throw new DOMException("blocked", "SecurityError"); } });
  });
  await page.goto(site.url);
  await page.locator("[data-node=r2][data-link=online]").waitFor({ state: "attached" });
  await page.locator("[data-do=theme]").click();
  await page.locator("[data-do=language]").click();
  await until(page, "Chinese", async () => (await page.evaluate(() => document.documentElement.lang)) === "zh-CN");
  assert.deepEqual(complaints, []);
  await context.close();
});

test("no WebAssembly: a sentence says what is needed", { timeout: 60_000 }, async () => {
  const page = await browser.newPage();
  await page.addInitScript(() => delete window.WebAssembly);
  await page.goto(site.url);
  await until(page, "the sentence", async () => /WebAssembly/.test(await page.locator("#starting").innerText()));
  await page.close();
});

test("a module that does not come: a sentence says so", { timeout: 60_000 }, async () => {
  const page = await browser.newPage();
  await page.route("**/*.wasm", (route) => route.abort());
  await page.goto(site.url);
  await until(page, "the sentence", async () => /could not start/.test(await page.locator("#starting").innerText()));
  await page.close();
});

/** An ordinary start, with the late half of the module (`.ci/halve.mjs`) under `rule`; and whether everything waited for it. */
async function withLateHalf(rule) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  const complaints = [];
  page.on("pageerror", (e) => complaints.push(String(e)));
  await page.route("**/*_late.wasm", rule);
  await page.goto(site.url);
  await page.locator("[data-node=r2][data-link=online]").waitFor({ state: "attached" });
  const waited = () => page.evaluate(() => performance.getEntriesByType("resource").filter((r) => r.initiatorType === "xmlhttprequest").length);
  return { page, complaints, waited, close: () => context.close() };
}

/** All that stands in a page, texts and attributes, but for its numbers. */
const words = (page) =>
  page.evaluate(() => {
    const all = [];
    for (const walker = document.createTreeWalker(document.body); walker.nextNode(); ) {
      const { nodeValue, attributes } = walker.currentNode;
      all.push(nodeValue, ...Array.from(attributes ?? [], ({ name, value }) => `${name}=${value}`));
    }
    return [...new Set(all.map((text) => text?.replace(/-?[0-9a-f.]*\d[0-9a-f.]*/g, "#").trim()))].sort();
  });

test("the late half of the module follows, and nothing of the first moments waits for it", { timeout: 60_000 }, async () => {
  let let_go;
  const held = new Promise((done) => (let_go = done));
  const { page, complaints, close, waited } = await withLateHalf(async (route) => (await held, route.continue()));
  await page.waitForTimeout(1000); // the world goes on without it
  assert.equal(await waited(), 0, "`make late` writes anew what may come later");
  // The data that comes with it is not missed either.
  const whole = await open(browser, site.url);
  await whole.page.waitForTimeout(1000);
  assert.deepEqual(await words(page), await words(whole.page));
  await whole.close();
  // What is asked for now waits for it.
  setTimeout(let_go, 500);
  await type(page, "XADD stream * field value");
  await until(page, "its answer", async () => /\d+-0/.test(await page.getByTestId("console-output").innerText()));
  assert.equal(await waited(), 1);
  assert.deepEqual(complaints, []);
  await close();
});

test("a late half that does not come: the page stops, says why, and goes on with it", { timeout: 60_000 }, async () => {
  const { page, close } = await withLateHalf((route) => route.abort());
  await type(page, "XADD stream * field value");
  await page.locator("#stopped").waitFor();
  assert.match(await page.locator("#what").innerText(), /could not be loaded/);
  await page.unroute("**/*_late.wasm");
  await page.locator("#go-on").click();
  await page.locator("[data-node=r2][data-link=online]").waitFor({ state: "attached" });
  await type(page, "XADD stream * field value");
  await until(page, "its answer", async () => /\d+-0/.test(await page.getByTestId("console-output").innerText()));
  await close();
});

test("no scripts: a storyboard to read", { timeout: 60_000 }, async () => {
  const context = await browser.newContext({ javaScriptEnabled: false, viewport: { width: 1024, height: 900 } });
  const page = await context.newPage();
  await page.goto(site.url);
  const board = page.locator(".storyboard");
  assert.equal(await board.locator("li").count(), 8);
  assert.match(await board.innerText(), /\+CONTINUE/);
  assert.ok((await board.boundingBox()).y < 900, "on the first screen");
  await page.screenshot({ path: "output/no-scripts.png", fullPage: true });
  await context.close();
});

test("a damaged link: the page opens, says so and keeps the text", { timeout: 60_000 }, async () => {
  for (const hash of ["#1.broken", "#" + "A".repeat(5000), "#%E0%A4%A", "#v9.abc"]) {
    const { page, complaints, close } = await open(browser, site.url + hash);
    await until(page, "a word on the link", async () => /link/i.test(await page.getByTestId("console-output").innerText()));
    assert.deepEqual(complaints, [], hash);
    await type(page, "SET still works");
    await until(page, "an answer", async () => /OK/.test(await page.getByTestId("console-output").innerText()));
    await close();
  }
});

test("limits say their number", { timeout: 90_000 }, async () => {
  const { page, complaints, close } = await open(browser, site.url);
  for (let i = 0; i < 20; i++) await line(page, ":add of m");
  await page.waitForTimeout(500);
  const said = await page.getByTestId("console-output").innerText();
  assert.match(said, /\b(8|16)\b.*nodes|nodes.*\b(8|16)\b/, said.slice(-300));
  assert.deepEqual(complaints, []);
  await close();
});

test("ten minutes at full load: nothing grows without end", { timeout: 240_000 }, async () => {
  const { page, complaints, close } = await open(browser, site.url);
  const cdp = await page.context().newCDPSession(page);
  await type(page, ":load m 500/s reads r1 r2");
  const look = async () => {
    await cdp.send("HeapProfiler.collectGarbage");
    const { nodes, jsEventListeners } = await cdp.send("Memory.getDOMCounters");
    const heap = (await cdp.send("Runtime.getHeapUsage")).usedSize;
    const wasm = await page.evaluate(() => window.ringsideMemory?.() ?? 0);
    return { nodes, jsEventListeners, heap, wasm };
  };
  const pass = async (seconds) => {
    for (let s = 0; s < seconds; s += 10) {
      await page.evaluate(() => {
        document.documentElement.dataset.do = "pass 10";
        window.dispatchEvent(new Event("command"));
      });
      await page.waitForTimeout(10);
    }
  };
  await pass(120);
  const early = await look();
  await pass(480);
  const late = await look();
  console.log(`ten minutes at 500 writes a second: DOM ${early.nodes} to ${late.nodes}, listeners ${early.jsEventListeners} to ${late.jsEventListeners}, ` +
    `JS ${(early.heap / 1e6).toFixed(1)} to ${(late.heap / 1e6).toFixed(1)} MB, wasm ${(early.wasm / 1e6).toFixed(1)} to ${(late.wasm / 1e6).toFixed(1)} MB`);
  assert.ok(late.nodes <= early.nodes * 1.3 + 500, "DOM nodes");
  assert.ok(late.jsEventListeners <= early.jsEventListeners + 5, "listeners");
  assert.ok(late.heap <= early.heap * 1.3 + 4e6, "JavaScript memory");
  // The tape keeps copies of the world, and thins them: this is their bound.
  assert.ok(late.wasm <= 192e6, "wasm memory");
  assert.deepEqual(complaints, []);
  await close();
});
