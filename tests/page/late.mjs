// Writes www/late.txt: what of the module nobody needs in the first moments. `make late` builds a page in which every
// function notes that it ran, and this opens it at every size and in both languages. A list that is out of date costs
// bytes or a short wait, never anything else.
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { browse, dist, open, serve, sizes } from "./visitor.mjs";

const list = fileURLToPath(new URL("../../www/late.txt", import.meta.url));
/** A module of this many bytes is named as a whole when none of it ran; a function of fewer is not worth a call. */
const [wholeModule, worth] = [500, 100];

const functions = JSON.parse(readFileSync(join(dist, "functions.json"), "utf8"));
const ran = new Set();
const [browser, site] = await Promise.all([browse(), serve()]);
for (const [name, size] of Object.entries(sizes)) {
  for (const lang of ["en", "zh"]) {
    const context = await browser.newContext(size.context);
    await context.addInitScript(() => {
      const { instantiate } = WebAssembly;
      WebAssembly.instantiate = async (...what) => {
        const made = await instantiate(...what);
        window.counted = (made.instance ?? made).exports;
        return made;
      };
    });
    const page = await context.newPage();
    await page.goto(`${site.url}?lang=${lang}${size.embed ? "&embed" : ""}`);
    if (size.embed) await page.locator("#run").click();
    await page.locator("[data-node=r2][data-link=online]").waitFor({ state: "attached" });
    await page.waitForTimeout(1500);
    const seen = await page.evaluate(() => Object.entries(window.counted).flatMap(([name, { value }]) => (name.startsWith("ran ") && value ? [name] : [])));
    for (const name of seen) ran.add(Number(name.slice(4)));
    console.log(`late: ${name} ${lang}: ${seen.length} functions, ${ran.size} so far, of ${functions.length}`);
    await context.close();
  }
}
await browser.close();
site.close();

/** The modules of ours that a function is in, by its path; many functions may have one path. */
const modules = (path) => {
  const names = path.match(/^<?(ringside(?:::[a-z_0-9]+)*)::/)?.[1].split("::") ?? [];
  return names.slice(1).map((_, i) => names.slice(0, i + 2).join("::"));
};
/** What asks for the late half, and how JavaScript is called at all, cannot be in it. */
const never = /^(wasm_bindgen|js_sys|web_sys|page|__|[0-9]+$)/;
const sums = new Map();
const add = (what, size, i) => {
  const sum = sums.get(what) ?? { size: 0, ran: false };
  sums.set(what, { size: sum.size + size, ran: sum.ran || ran.has(i) });
};
functions.forEach(([path, size], i) => [path, ...modules(path).map((module) => `${module}::`)].forEach((what) => add(what, size, i)));
const idle = new Set([...sums].filter(([what, { size, ran }]) => !ran && !never.test(what) && size >= (what.endsWith("::") ? wholeModule : worth)).map(([what]) => what));
const lines = [...idle].filter((what) => !modules(what).some((module) => idle.has(`${module}::`) && what !== `${module}::`));
writeFileSync(list, `# What the page does not need to stand there and run: modules and functions of its late half, by .ci/halve.mjs.\n# Written by \`make late\`.\n${lines.sort().join("\n")}\n`);
console.log(`late: ${lines.length} lines, ${lines.reduce((sum, what) => sum + sums.get(what).size, 0)} bytes of code`);
