// Writes www/late.txt: what of the module nobody needs in the first moments. `make late` builds a page in which every
// stretch of a function notes that it ran, and this opens it at many sizes and in both languages. A list that is out of
// date costs bytes or a short wait, never anything else.
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { browse, dist, open, serve, sizes } from "./visitor.mjs";

const list = fileURLToPath(new URL("../../www/late.txt", import.meta.url));
/** A module of this many bytes is named as a whole when none of it ran; a function or a stretch of fewer is not worth a call. */
const [wholeModule, worth] = [500, 100];

const functions = JSON.parse(readFileSync(join(dist, "stretches.json"), "utf8"));
const ran = new Set();
const [browser, site] = await Promise.all([browse(), serve()]);
/** Also between the sizes that the page is drawn for, and beyond. */
const others = [[1280, 720], [1920, 1080], [2560, 1300], [800, 600], [844, 390], [360, 640]];
const visits = { ...sizes, ...Object.fromEntries(others.map(([width, height]) => [`${width}x${height}`, { context: { viewport: { width, height } } }])) };
for (const [name, size] of Object.entries(visits)) {
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
    await page.waitForTimeout(4000); // on a slow line the late half takes its time
    const seen = await page.evaluate(() => Object.entries(window.counted).flatMap(([name, { value }]) => (name.startsWith("ran ") ? [[Number(name.slice(4)), String(value)]] : [])));
    for (const [word, bits] of seen) for (let bit = 0n; bit < 64n; bit++) if ((BigInt(bits) >> bit) & 1n) ran.add(word * 64 + Number(bit));
    console.log(`late: ${name} ${lang}: ${ran.size} stretches so far`);
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
/** Of the functions of one path and shape: the bytes of their stretches, and which of them ran in any. */
const shapes = new Map();
let count = 0;
for (const [path, sizes, print] of functions) {
  const size = sizes.reduce((sum, size) => sum + size);
  [path, ...modules(path).map((module) => `${module}::`)].forEach((what) => add(what, size, count));
  const shape = `${path} = ${print}`;
  if (!shapes.has(shape)) shapes.set(shape, { path, sizes, ran: new Set() });
  for (const [i] of sizes.entries()) if (ran.has(count + i)) shapes.get(shape).ran.add(i);
  count += sizes.length;
}
const idle = new Set([...sums].filter(([what, { size, ran }]) => !ran && !never.test(what) && size >= (what.endsWith("::") ? wholeModule : worth)).map(([what]) => what));
const lines = [...idle].filter((what) => !modules(what).some((module) => idle.has(`${module}::`) && what !== `${module}::`));
for (const [shape, { path, sizes, ran }] of shapes) {
  if (!ran.has(0) || never.test(path)) continue;
  const ranges = [];
  for (let from = 1; from < sizes.length; from++) {
    let to = from;
    while (to < sizes.length && !ran.has(to)) to++;
    if (sizes.slice(from, to).reduce((sum, size) => sum + size, 0) >= worth) ranges.push(to - 1 > from ? `${from}-${to - 1}` : from);
    from = to;
  }
  if (ranges.length) lines.push(`${shape}: ${ranges.join(" ")}`);
}
writeFileSync(list, `# What the page does not need to stand there and run, by .ci/halve.mjs: modules, functions, stretches of functions.\n# Written by \`make late\`.\n${lines.sort().join("\n")}\n`);
console.log(`late: ${lines.length} lines; ${ran.size} of ${count} stretches ran`);
