// The built page, driven as a visitor would: write, cut, write, restore, overflow the ring, promote.
// Screenshots go to tests/page/output.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { attr, browse, number, open, serve, type, until } from "./visitor.mjs";

const output = fileURLToPath(new URL("output/", import.meta.url));
const shot = (page, name) => page.screenshot({ path: `${output}${name}.png` });
let browser, site;

before(async () => {
  mkdirSync(output, { recursive: true });
  [browser, site] = await Promise.all([browse(), serve()]);
});
after(async () => {
  await browser?.close();
  site?.close();
});

const offset = (page, node) => number(page, `[data-node=${node}]`, "data-offset");
const inStep = (page) => async () => {
  const m = await offset(page, "m");
  return (await offset(page, "r1")) === m && (await offset(page, "r2")) === m;
};

test("a visitor's first minutes, from SET to a new master", { timeout: 240_000 }, async () => {
  const { page, complaints, close } = await open(browser, site.url);
  await shot(page, "1-open");
  const begin = await offset(page, "m");

  await type(page, "SET city Oslo");
  await until(page, "the write", async () => (await offset(page, "m")) > begin);
  await until(page, "the write at all nodes", inStep(page));
  assert.equal((await offset(page, "m")) - begin, 23 + 33, "SELECT 0 is 23 bytes, SET city Oslo 33");
  assert.match(await page.getByTestId("console-output").innerText(), /OK/);
  assert.equal(await attr(page, "[data-node=r1]", "data-keys"), "4");

  // The link breaks; the master goes on; the ring still covers what r1 misses.
  await type(page, ":cut m r1");
  const had = await offset(page, "r1");
  await type(page, "SET tea mint");
  await type(page, "SET hits 42");
  await until(page, "r2 to have the writes", async () => (await offset(page, "r2")) === (await offset(page, "m")));
  assert.equal(await offset(page, "r1"), had, "r1 stands still");
  await shot(page, "2-cut");
  await type(page, ":restore m r1");
  await until(page, "+CONTINUE", async () => (await attr(page, "[data-testid=verdict]", "data-outcome")) === "continue");
  await shot(page, "3-continue");
  await until(page, "all in step", inStep(page));
  const sent = await number(page, "[data-testid=verdict]", "data-bytes");
  assert.equal(await number(page, "[data-testid=verdict]", "data-asked"), had + 1, "it asks for the byte after its last one");
  // A PING of 14 bytes may have come between the last write and the answer.
  const missed = 32 + 31;
  assert.ok(sent === missed || sent === missed + 14, `the missing bytes and no more: ${sent}`);
  assert.match(await page.getByTestId("verdict").innerText(), /\+CONTINUE/);

  // Away for too long: the ring goes round.
  await type(page, ":cut m r1");
  const size = await number(page, "[data-testid=ring]", "data-size");
  const away = await offset(page, "r1");
  for (let i = 0; (await offset(page, "m")) - away <= size; i++) await type(page, `SET key${i} ${"x".repeat(40)}`);
  assert.ok((await number(page, "[data-testid=ring]", "data-first")) > away + 1, "what r1 needs is overwritten");
  await page.waitForTimeout(300);
  await shot(page, "4-fell-off");
  await type(page, ":restore m r1");
  await until(page, "+FULLRESYNC", async () => (await attr(page, "[data-testid=verdict]", "data-outcome")) === "full");
  await page.waitForTimeout(1000);
  await shot(page, "5-full-sync");
  await until(page, "all in step again", inStep(page), 60_000);
  assert.equal(await attr(page, "[data-node=r1]", "data-keys"), await attr(page, "[data-node=m]", "data-keys"));

  // The master dies; r1 takes over under a new id.
  const old = await attr(page, "[data-node=r1]", "data-replid");
  await type(page, ":kill m");
  await type(page, "@r1 REPLICAOF NO ONE");
  await until(page, "a new master", async () => (await attr(page, "[data-node=r1]", "data-role")) === "master");
  assert.notEqual(await attr(page, "[data-node=r1]", "data-replid"), old, "a promotion begins a new history");
  await type(page, "@r2 REPLICAOF 127.0.0.1 6380");
  await until(page, "r2 to follow", async () => (await attr(page, "[data-node=r2]", "data-replid")) === (await attr(page, "[data-node=r1]", "data-replid")), 60_000);
  assert.equal(await attr(page, "[data-testid=verdict]", "data-outcome"), "continue", "r2 goes on by the second id");
  await shot(page, "6-promoted");

  assert.deepEqual(complaints, [], "the browser has nothing to complain about");
  await close();
});

test("who types fast on a slow machine is understood", { timeout: 120_000 }, async () => {
  const { page, context, close } = await open(browser, site.url);
  const slow = await context.newCDPSession(page);
  await slow.send("Emulation.setCPUThrottlingRate", { rate: 4 });
  // Keys come before the page has drawn what the last ones did.
  await page.keyboard.press("/");
  const lines = Array.from({ length: 8 }, (_, i) => `SET key${i} ${i}`);
  for (const line of lines) {
    await page.keyboard.insertText(line);
    await page.keyboard.press("Enter");
  }
  await page.keyboard.insertText("inc");
  await page.locator("#console-input[data-more]").waitFor();
  await page.keyboard.press("Tab");
  await page.keyboard.insertText(" count");
  await page.keyboard.press("Enter");
  await page.locator(".console .input b", { hasText: /count$/ }).waitFor();
  assert.deepEqual(await page.locator(".console .input b").allInnerTexts(), [...lines, "incr count"]);
  await close();
});

test("no frame is drawn while nothing moves", { timeout: 60_000 }, async () => {
  const { page, close } = await open(browser, site.url);
  await page.evaluate(() => {
    window.frames_asked = 0;
    const ask = window.requestAnimationFrame.bind(window);
    window.requestAnimationFrame = (f) => (window.frames_asked++, ask(f));
  });
  // The opening's heartbeats: until a second passes without a frame.
  const frames = () => page.evaluate(() => window.frames_asked);
  await until(page, "rest", async () => {
    const before = await frames();
    await page.waitForTimeout(1000);
    return (await frames()) === before;
  });
  await page.evaluate(() => (window.frames_asked = 0));
  await page.waitForTimeout(3000);
  assert.equal(await page.evaluate(() => window.frames_asked), 0);
  await close();
});

for (const [name, options] of Object.entries({
  "desktop-dark": { colorScheme: "dark" },
  "laptop-light": { viewport: { width: 1024, height: 768 } },
  "phone-light": { viewport: { width: 390, height: 844 }, hasTouch: true, deviceScaleFactor: 2 },
  "phone-dark": { viewport: { width: 390, height: 844 }, hasTouch: true, deviceScaleFactor: 2, colorScheme: "dark" },
  "small-phone": { viewport: { width: 320, height: 640 }, hasTouch: true },
})) {
  test(`the page fits: ${name}`, { timeout: 60_000 }, async () => {
    const { page, complaints, close } = await open(browser, site.url, options);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    assert.ok(wide <= 0, `the page is ${wide} px too wide`);
    await shot(page, `fit-${name}`);
    assert.deepEqual(complaints, []);
    await close();
  });
}
