// Ringside in sites that other tools build: a book of mdBook and a site of VitePress, each built here from
// www/examples by the tool itself, and used in Chromium.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { browse, serve, until } from "./visitor.mjs";

const examples = fileURLToPath(new URL("../../www/examples", import.meta.url));
const built = fileURLToPath(new URL("../../target/package", import.meta.url));
const vitepress = fileURLToPath(new URL("./node_modules/vitepress/bin/vitepress.js", import.meta.url));
const [scratch, sites] = [[], []];
let browser;
before(async () => (browser = await browse()));
after(async () => {
  await browser?.close();
  for (const site of sites) site.close();
  for (const folder of scratch) rmSync(folder, { recursive: true, force: true });
});

/** A folder that is gone afterwards. */
function folder(where) {
  const made = mkdtempSync(where);
  scratch.push(made);
  return made;
}

/** The site that was built, with the package in it. */
async function publish(main) {
  const site = await serve({ ringside: built }, {}, main);
  sites.push(site);
  return site.url;
}

async function visit(address, options) {
  const page = await browser.newPage({ viewport: { width: 1400, height: 800 }, ...options });
  page.setDefaultTimeout(30_000);
  page.complaints = [];
  page.on("console", (m) => ["error", "warning"].includes(m.type()) && page.complaints.push(m.text()));
  page.on("pageerror", (e) => page.complaints.push(String(e)));
  page.on("response", (r) => r.status() >= 400 && page.complaints.push(`${r.status()} ${r.url()}`));
  await page.goto(address);
  return page;
}

const state = (page, id) => page.evaluate((id) => document.getElementById(id)?.state, id);
const box = (page, id) => page.locator(`#${id}`).boundingBox();
const theme = (page) => page.frames().find((f) => f.url().includes("?embed"))?.evaluate(() => document.documentElement.dataset.theme);

/** Every theme of the host, and what the playground has to be then. */
async function themes(page, set, pairs) {
  for (const [name, wanted] of pairs) {
    await set(name);
    await until(page, `${wanted} in '${name}'`, async () => (await theme(page)) === wanted);
  }
}

test("a book of mdBook", { timeout: 240_000 }, async () => {
  const out = folder(join(tmpdir(), "ringside-book-"));
  execFileSync("mdbook", ["build", "--dest-dir", out, join(examples, "mdbook")], { stdio: "pipe" });
  const url = await publish(out);
  const page = await visit(`${url}blink.html`, { colorScheme: "light" });
  const picture = page.locator("#blink [part=poster]");
  await picture.waitFor();
  assert.equal(await picture.evaluate((e) => e.decode().then(() => e.naturalWidth > 0)), true);
  const before = await box(page, "blink");
  assert.equal(before.height, 460);
  await page.locator("#blink [part=run]").click();
  await until(page, "the partial resync of the story", async () => (await state(page, "blink"))?.verdict?.outcome === "continue", 60_000);
  assert.equal((await box(page, "blink")).height, 460);
  // mdBook's own shortcuts stay with the book, and typing in the playground does not turn its pages.
  const console_ = page.frameLocator("#blink iframe").getByTestId("console-input");
  await console_.fill("SET from book");
  await console_.press("ArrowLeft");
  await console_.press("Enter");
  await until(page, "the write", async () => (await state(page, "blink"))?.nodes[0].keys === 6);
  assert.match(page.url(), /blink\.html$/);
  // All of its themes, by its own menu.
  const choose = async (name) => {
    const choice = page.locator(`#mdbook-theme-${name}`);
    if (!(await choice.isVisible())) await page.locator("#mdbook-theme-toggle").click(); // the menu stays open
    await choice.click();
  };
  await themes(page, choose, [["navy", "dark"], ["rust", "light"], ["coal", "dark"], ["light", "light"], ["ayu", "dark"]]);
  await page.locator("a[rel*=next]:visible").first().click();
  await page.waitForURL(/away\.html$/);
  await page.locator("#away").scrollIntoViewIfNeeded();
  await until(page, "the second one to run when it is seen", async () => (await state(page, "away"))?.nodes.length === 3);
  assert.equal(await theme(page), "dark", "the book remembers its theme");
  // The link that needs no script.
  await page.getByRole("link", { name: "a link", exact: true }).click();
  await page.locator("[data-node=r1][data-link=online]").first().waitFor({ state: "attached" });
  assert.deepEqual(await page.locator("[data-node][data-offset]").evaluateAll((all) => [...new Set(all.map((e) => e.dataset.node))]), ["m", "r1"]);
  assert.deepEqual(page.complaints, []);
  await page.close();
});

test("a site of VitePress", { timeout: 300_000 }, async () => {
  const source = folder(fileURLToPath(new URL("./site-", import.meta.url))); // where its packages are found
  cpSync(join(examples, "vitepress"), source, { recursive: true });
  execFileSync(process.execPath, [vitepress, "build", source], { stdio: "pipe" });
  const url = await publish(join(source, ".vitepress/dist"));
  const page = await visit(url, { colorScheme: "dark" });
  await page.locator("#blink [part=run]").click();
  await until(page, "the partial resync of the story", async () => (await state(page, "blink"))?.verdict?.outcome === "continue", 60_000);
  assert.equal((await box(page, "blink")).height, 460);
  // It begins as the system is; its own switch goes the other way, and what the system says counts no more.
  await themes(page, () => page.locator(".VPSwitchAppearance").first().click(), [["", "light"], ["", "dark"], ["", "light"]]);
  // Another page, without a load: the element is taken away, the next one has Vue's listeners.
  const gone = await page.evaluateHandle(() => document.querySelector("#blink"));
  await page.evaluate(() => (window.same = true));
  await page.getByRole("link", { name: "a promotion" }).click();
  await page.locator("#promotion [part=run]").click();
  await page.getByText(/m master at byte \d+, r1 replica at byte/).waitFor();
  assert.equal(await page.evaluate(() => window.same), true, "no load");
  assert.deepEqual(await gone.evaluate((e) => [e.isConnected, e.state, e.shadowRoot.querySelector("iframe")]), [false, null, null]);
  assert.equal(page.frames().length, 2, "only one playground is left");
  await until(page, "the promotion", async () => (await state(page, "promotion"))?.nodes.find((n) => n.name === "r1")?.role === "master", 60_000);
  // And back: a fresh one, with its picture, that runs again.
  await page.goBack();
  await page.locator("#blink [part=run]").click();
  await until(page, "it to run again", async () => (await state(page, "blink"))?.nodes.length === 3);
  assert.equal(page.frames().length, 2);
  assert.deepEqual(page.complaints, []);
  await page.close();
});
