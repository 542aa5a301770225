// `ringside svg` and the page draw the same beads: one moment of a scenario, opened by its link, and as a picture.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { browse, serve } from "./visitor.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const binary = ["debug", "release"].map((kind) => join(root, "target", kind, "ringside")).find((path) => existsSync(path));
const ringside = (...args) => execFileSync(binary, args, { cwd: root, encoding: "utf8" }).trim();

/** What can be seen in a layer: tags, classes and texts as they stand, and the numbers of each shape. */
function seen(layer) {
  const one = (e) => {
    if (e.getAttribute("display") === "none") return [];
    const below = [...e.children].flatMap(one);
    if (e.tagName === "g" && !below.length) return [];
    const numbers = ["d", "transform", "x", "y", "rotate", "r"].map((name) => (e.getAttribute(name) ?? "").match(/-?[\d.]+/g)?.map(Number) ?? []);
    return [{ is: [e.tagName, e.getAttribute("class"), e.children.length ? "" : e.textContent].join(" "), numbers }, ...below];
  };
  return [...layer.children].flatMap(one);
}

test("the picture has the beads of the page, where the page has them", { timeout: 120_000 }, async (t) => {
  assert.ok(binary, "the binary is not built: run `cargo build`");
  const [site, browser] = [await serve(), await browse()];
  t.after(() => (site.close(), browser.close()));
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  const blank = await browser.newPage();
  let beads = 0;
  for (const [file, at] of [["partial-resync", "1550ms"], ["partial-resync", "5750ms"], ["full-resync", "3800ms"], ["full-resync", "5450ms"], ["full-resync", "6050ms"]]) {
    const path = `www/scenarios/${file}.txt`;
    const picture = ringside("svg", path, "--at", at);
    await page.goto("about:blank");
    await page.goto(`${site.url}?lang=en#${ringside("link", path, "--at", at).replace(/^.*#/, "")}`);
    await page.locator("[data-node=m]").first().waitFor({ state: "attached" });
    await page.locator("[data-testid=play]").waitFor();
    const theirs = await page.evaluate(`(${seen})(document.querySelector("[data-beads]"))`);
    await blank.setContent(picture);
    const ours = await blank.evaluate(`(${seen})(document.querySelector("svg g.beads"))`);
    assert.deepEqual(ours.map((e) => e.is), theirs.map((e) => e.is), `${file} at ${at}`);
    for (const [i, { numbers, is }] of ours.entries())
      for (const [k, list] of numbers.entries()) {
        assert.equal(list.length, theirs[i].numbers[k].length, is);
        for (const [j, n] of list.entries()) assert.ok(Math.abs(n - theirs[i].numbers[k][j]) < 1, `${file} at ${at}: ${is}: ${list} and ${theirs[i].numbers[k]}`);
      }
    beads += ours.filter((e) => /shape/.test(e.is)).length;
  }
  assert.ok(beads >= 14, `only ${beads} beads were compared`);
});
