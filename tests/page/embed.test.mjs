// The page inside of another page: it waits for a click, and leaves focus, wheel and scroll to its host.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { browse, serve, until } from "./visitor.mjs";

/** Pages of hosts, which are written when they are visited. */
const hosts = mkdtempSync(join(tmpdir(), "ringside-hosts-"));
let browser, site, other;
before(async () => {
  const open = { "access-control-allow-origin": "*" };
  [browser, site, other] = await Promise.all([browse(), serve({ hosts }, open), serve({ hosts }, open)]);
});
after(async () => {
  await browser?.close();
  site?.close();
  other?.close();
  rmSync(hosts, { recursive: true, force: true });
});

/** A host page with some embedded pages below the fold. */
async function host(count, query = "./?embed") {
  const page = await browser.newPage({ viewport: { width: 900, height: 700 } });
  const frames = Array.from({ length: count }, (_, i) => `<iframe id=f${i} src="${query}" width=720 height=480 title=f${i}></iframe>`).join("<p style='height:300px'></p>");
  await page.route("**/host.html", (route) => route.fulfill({ contentType: "text/html", body: `<!doctype html><input id=mine autofocus><p style="height:1200px"></p>${frames}<p style="height:2000px"></p>` }));
  await page.goto(`${site.url}host.html`);
  return page;
}

test("an embedded page takes nothing of its host", { timeout: 90_000 }, async () => {
  const page = await host(1);
  const wasm = [];
  page.on("request", (r) => r.url().endsWith(".wasm") && wasm.push(r.url()));
  await page.frameLocator("#f0").locator("#run").waitFor();
  await page.waitForTimeout(500);
  assert.deepEqual(wasm, [], "no module before the click");
  assert.deepEqual(await page.evaluate(() => [document.activeElement.id, window.scrollY]), ["mine", 0]);
  await page.locator("#f0").scrollIntoViewIfNeeded();
  const box = await page.locator("#f0").boundingBox();
  await page.mouse.move(box.x + 300, box.y + 200);
  const before = await page.evaluate(() => window.scrollY);
  await page.mouse.wheel(0, 200);
  await until(page, "the host to scroll", async () => (await page.evaluate(() => window.scrollY)) > before);
  await page.frameLocator("#f0").locator("#run").click();
  await page.frameLocator("#f0").locator("[data-node=r2][data-link=online]").waitFor({ state: "attached" });
  const focus = await page.frames()[1].evaluate(() => document.activeElement.tagName);
  assert.equal(focus, "BODY", "running takes no focus");
  assert.ok(!(await page.frameLocator("#f0").locator("#poster").count()), "the poster has gone");
  // The wheel still belongs to the host.
  const again = await page.evaluate(() => window.scrollY);
  const now = await page.locator("#f0").boundingBox();
  await page.mouse.move(now.x + 300, now.y + 150);
  await page.mouse.wheel(0, 150);
  await until(page, "the host to scroll again", async () => (await page.evaluate(() => window.scrollY)) > again);
  await page.close();
});

test("at most one of five runs", { timeout: 120_000 }, async () => {
  const page = await host(5);
  for (const i of [0, 1, 2]) {
    await page.frameLocator(`#f${i}`).locator("#run").click();
    await page.frameLocator(`#f${i}`).locator("[data-node=r2][data-link=online]").waitFor({ state: "attached" });
  }
  await page.waitForTimeout(300);
  const playing = await Promise.all([0, 1, 2].map((i) => page.frameLocator(`#f${i}`).locator("[data-testid=play]").getAttribute("aria-label")));
  assert.deepEqual(playing, ["Play", "Play", "Pause"]);
  await page.close();
});

test("the panes are the host's choice, and the height stays", { timeout: 60_000 }, async () => {
  const page = await browser.newPage({ viewport: { width: 720, height: 480 } });
  await page.goto(`${site.url}?embed&panes=stage,time`);
  await page.locator("#run").click();
  await page.locator("[data-node=r2][data-link=online]").waitFor({ state: "attached" });
  assert.ok(!(await page.locator(".console").isVisible()) && (await page.locator(".transport").isVisible()) && (await page.locator(".drawing").isVisible()));
  assert.equal(await page.evaluate(() => document.documentElement.scrollHeight), 480);
  await page.close();
});

test("an embedded page uses its room: the line has its table, a lesson a ring that can be read", { timeout: 120_000 }, async () => {
  const page = await browser.newPage({ viewport: { width: 720, height: 480 } });
  const box = (selector) => page.locator(selector).first().boundingBox();
  await page.goto(`${site.url}?embed&run&panes=line&scenario=partial-resync`);
  await page.locator(".face .grid tbody tr").first().waitFor();
  const face = await box(".face");
  assert.ok(face.y + face.height > 460, `the face ends at ${face.y + face.height}`);
  await page.goto(`${site.url}?embed&run&lesson=l06.3`);
  await page.locator(".guide .lesson").waitFor();
  await page.locator("[data-node=r3]").waitFor({ state: "attached" });
  await until(page, "a drum of half the width", async () => (await box(".drum .front")).width > 220);
  const [drum, ring] = [await box(".drum .front"), await box(".drum .ring .track, .drum .ring")];
  assert.ok(drum.height >= 160 && ring.height >= 120, `${drum.height}, ${ring.height}`);
  for (const word of await page.locator(".drum .words text").all()) {
    const place = await word.boundingBox();
    assert.ok(place.x + place.width < ring.x + ring.width / 2, await word.textContent());
  }
  await page.close();
});

test("in a narrow page the nodes are there, and in the past nothing covers what is told", { timeout: 120_000 }, async () => {
  const meet = (a, b) => a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
  for (const [width, height] of [[358, 460], [500, 460], [720, 480]]) {
    const page = await browser.newPage({ viewport: { width, height } });
    const box = (selector) => page.locator(selector).first().boundingBox();
    await page.goto(`${site.url}?embed&run&scenario=partial-resync&at=4s`);
    await page.locator("[data-node=r2][data-link=online]").waitFor({ state: "attached" });
    await page.locator("[data-testid=past]").waitFor({ state: "attached" });
    const [told, console_] = [await box(".story h2"), await box(".console")];
    const nodes = width < 576 ? await page.locator(".peek button").all() : [page.locator(".stage .drawing")];
    for (const node of nodes) {
      const place = await node.boundingBox();
      assert.ok(place.height >= 40 && place.y >= told.y + told.height && place.y + place.height <= console_.y + 1, `${width}: ${JSON.stringify(place)}`);
    }
    assert.equal(nodes.length, width < 576 ? 3 : 1);
    const back = page.locator("[data-testid=past] button");
    if (await back.isVisible()) {
      const place = await back.boundingBox();
      for (const text of await page.locator(".story h2, .verdict > *").all())
        if (await text.isVisible()) assert.ok(!meet(place, await text.boundingBox()), `${width}: ${await text.innerText()}`);
    }
    assert.equal(await page.locator(".skip a[href='#guide']").isVisible(), false, "what is not shown is not skipped to");
    await page.close();
  }
});

/** A page of `where` with some elements; what compiles a module, what fetches one, and what the frames ask the elements for. */
async function elements(where, body) {
  const page = await browser.newPage({ viewport: { width: 900, height: 700 } });
  const seen = { compiled: 0, fetched: 0, complaints: [] };
  const log = [];
  page.on("request", (r) => {
    if (!r.url().endsWith(".wasm")) return;
    seen.fetched += 1;
    log.push(`${r.resourceType()} ${r.url().replace(/.*_/, "")} for frame ${page.frames().indexOf(r.frame())}`);
  });
  page.on("requestfailed", (r) => log.push(`${r.url()}: ${r.failure()?.errorText}`));
  page.on("console", (message) => log.push(message.text()));
  page.on("pageerror", (e) => seen.complaints.push(String(e)));
  await page.exposeFunction("compiled", () => void (seen.compiled += 1));
  await page.addInitScript(() => {
    window.asked = 0;
    addEventListener("message", ({ data }) => (window.asked += data?.event === "module"));
    for (const name of ["compile", "compileStreaming", "instantiate", "instantiateStreaming"]) {
      const own = WebAssembly[name];
      WebAssembly[name] = function (source, ...rest) {
        if (!(source instanceof WebAssembly.Module)) window.compiled();
        return own.call(this, source, ...rest);
      };
    }
  });
  writeFileSync(join(hosts, "elements.html"), `<!doctype html><script type=module src="${site.url}ringside.js"></script>${body}`);
  await page.goto(`${where}hosts/elements.html`);
  return [page, seen, log];
}
const runs = (page, id) => page.waitForFunction((id) => document.getElementById(id)?.state?.nodes.length > 0, id, { timeout: 60_000 });

/** Three elements, of which one goes; what was compiled and fetched for them. */
async function three(where) {
  const [page, seen, log] = await elements(where, "<ringside-playground id=a loading=eager></ringside-playground><ringside-playground id=b loading=eager></ringside-playground><ringside-playground id=c></ringside-playground>");
  await Promise.all(["a", "b"].map((id) => runs(page, id)));
  await page.evaluate(() => document.getElementById("a").remove());
  await page.evaluate(() => document.getElementById("c").load());
  assert.deepEqual(await page.evaluate(() => document.getElementById("c").exec("m", "SET a 1").then(({ text }) => text)), "OK");
  await page.close();
  return [seen, log];
}

test("all elements of a page run from one compiled module, also where the page is somebody else's", { timeout: 240_000 }, async (t) => {
  for (const where of [site.url, other.url.replace("127.0.0.1", "localhost")]) {
    // A frame that is not given the module gets one by itself, so nothing is lost when a browser refuses to pass one on.
    // That was seen once in many runs, its cause is not known: three in a row would be a fault.
    for (let tries = 3; ; tries--) {
      const [seen, log] = await three(where);
      if (tries > 1 && seen.fetched > 2) t.diagnostic(`${where}: ${JSON.stringify(seen)}\n${log.join("\n")}`);
      else {
        assert.deepEqual(seen, { compiled: 2, fetched: 2, complaints: [] }, `${where}: each half once\n${log.join("\n")}`);
        break;
      }
    }
  }
});

test("an element that goes while its module comes holds up nobody", { timeout: 120_000 }, async () => {
  const [page, seen] = await elements(site.url, "<ringside-playground id=a></ringside-playground><ringside-playground id=b></ringside-playground><ringside-playground id=c></ringside-playground>");
  let first = true;
  await page.route("**/*.wasm", (route) => (first ? (first = false) : route.continue())); // the first never comes
  const asked = (times) => page.waitForFunction((times) => window.asked === times, times, { timeout: 60_000 });
  const start = (id) => page.evaluate((id) => void document.getElementById(id).load().catch(() => {}), id);
  for (const [i, id] of ["a", "b", "c"].entries()) {
    await start(id);
    await asked(i + 1);
  }
  await until(page, "the first to be fetched", () => !first);
  assert.equal(seen.fetched, 1, "the others wait for it");
  await page.evaluate(() => document.getElementById("a").remove());
  await Promise.all(["b", "c"].map((id) => runs(page, id)));
  assert.deepEqual(seen, { compiled: 2, fetched: 3, complaints: [] });
  await page.close();
});
