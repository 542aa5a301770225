// The page without a network, from any folder of any server; and a new version of it: announced, taken when one says so,
// never half of each.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { appendFileSync, cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { after, before, test } from "node:test";
import { browse, dist, number, open, serve, type, until } from "./visitor.mjs";

const seal = (folder) => execFileSync(fileURLToPath(new URL("../../.ci/seal", import.meta.url)), [folder]);
let browser, folder;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), "ringside-keep-"));
  browser = await browse();
});
after(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true });
});

/** A copy of the built page, as on a stick; `change` makes it another build. */
function copy(name, change = () => {}) {
  const to = join(folder, name);
  cpSync(dist, to, { recursive: true });
  change(to);
  seal(to);
  return to;
}

const kept = (page) =>
  page.evaluate(async () => {
    const { active } = await navigator.serviceWorker.ready;
    while (active.state !== "activated") await new Promise((later) => setTimeout(later, 100));
  });

test("from a folder of a server, which is then stopped: L06 to its end", { timeout: 180_000 }, async () => {
  const site = await serve({ "stick/ringside": copy("stick") });
  const url = `${site.url}stick/ringside/`;
  const { page, context, close } = await open(browser, url);
  await kept(page);
  await page.close();
  site.close();
  const again = await context.newPage();
  await again.goto(`${url}?lesson=l06.3`);
  await again.locator(".crumbs", { hasText: "3 of 3" }).waitFor();
  await again.locator("[data-enter=lesson-answer]").fill("65");
  await again.keyboard.press("Enter");
  await again.locator(".ask input").waitFor({ state: "detached" });
  await again.keyboard.press("/");
  await again.locator("#console-input:focus").waitFor();
  await again.keyboard.insertText(":restore m r3");
  await again.keyboard.press("Enter");
  await again.keyboard.insertText(":after 9s");
  await again.keyboard.press("Enter");
  await again.locator(".go.ready").click({ timeout: 90_000 });
  await again.locator(".lesson.end").waitFor();
  // Each page of a workshop, and what is fetched only when one asks for it.
  await again.goto(`${url}workshop/`);
  await again.locator("h1").first().waitFor();
  await again.goto(`${url}workshop/record.html`);
  await again.locator("#rows tr").first().waitFor();
  await again.goto(`${url}?lesson=l14`);
  await again.locator(".crumbs", { hasText: "1 of 3" }).waitFor();
  await again.evaluate(() => document.activeElement?.blur());
  await again.keyboard.press("Shift+P");
  await again.locator("html[data-present]").waitFor();
  await close();
});

test("a second build is announced, and taken with what stands in the world", { timeout: 180_000 }, async () => {
  const folders = { page: copy("first") };
  const site = await serve(folders);
  const url = `${site.url}page/`;
  const { page, complaints, close } = await open(browser, url);
  await kept(page);
  const workers = () => page.evaluate(async () => (await navigator.serviceWorker.getRegistrations()).length);
  assert.equal(await workers(), 1);
  assert.equal(await page.locator("#fresh").count(), 0, "the first one replaces nothing");
  const text = () => page.evaluate(async () => (await fetch("lessons/l01.txt")).text());

  // In between, a server that is being changed: the list is new, a file is not. Nothing happens.
  folders.page = copy("half", (to) => appendFileSync(join(to, "lessons/l01.txt"), "# second\n"));
  appendFileSync(join(folders.page, "lessons/l01.txt"), "# not the one that was built\n");
  await page.reload();
  await page.locator("[data-node=r2][data-link=online]").waitFor({ state: "attached" });
  await page.waitForTimeout(5000);
  assert.equal(await page.locator("#fresh").count(), 0);
  assert.doesNotMatch(await text(), /# second/);

  folders.page = copy("second", (to) => {
    appendFileSync(join(to, "lessons/l01.txt"), "# second\n");
    appendFileSync(join(to, "boot.js"), "\nwindow.build = 2;\n");
  });
  await page.reload();
  await page.locator("#fresh", { hasText: "There is a new version of this page." }).waitFor();
  assert.equal(await page.evaluate(() => window.build), undefined, "it is still the old page");
  assert.doesNotMatch(await text(), /# second/, "the old page gets old files");
  await page.locator("#fresh button", { hasText: "Later" }).click();
  assert.equal(await page.locator("#fresh").count(), 0);

  await page.goto(`${url}?lang=zh`);
  await page.locator("#fresh", { hasText: "此页面有新版本。" }).waitFor();
  await page.locator("[data-node=r2][data-link=online]").waitFor({ state: "attached" });
  await type(page, "SET city Oslo");
  await until(page, "the write", async () => (await number(page, "[data-node=m]", "data-offset")) === 56);
  await page.locator("#fresh button", { hasText: "重新加载" }).click();
  await until(page, "the new build", () => page.evaluate(() => window.build === 2).catch(() => false));
  await until(page, "the same world", async () => (await number(page, "[data-node=m]", "data-offset")) === 56);
  assert.match(await text(), /# second/);
  // Not announced again, and what only the old version had is gone.
  await page.waitForTimeout(5000);
  assert.equal(await page.locator("#fresh").count(), 0);
  const [keys, files] = await page.evaluate(async () => {
    const source = await (await fetch("sw.js")).text();
    return [(await (await caches.open("ringside")).keys()).length, new Set(Object.values(JSON.parse(/const FILES = (.*);/.exec(source)[1]))).size];
  });
  assert.equal(keys, files);
  assert.deepEqual(complaints, []);
  await close();
  site.close();
});

test("an embedded page keeps nothing", { timeout: 60_000 }, async () => {
  const site = await serve({ page: copy("embedded") });
  const { page, close } = await open(browser, `${site.url}page/?embed`);
  await page.waitForTimeout(5000);
  assert.equal(await page.evaluate(async () => (await navigator.serviceWorker.getRegistrations()).length), 0);
  await close();
  site.close();
});
