// Screenshots of every view at four sizes, in both themes and both languages, into tests/page/output/shots; and of the
// closing picture of each lesson, and of one in presenter mode.
// usage: node shots.mjs [part of a name …]   e.g. `node shots.mjs 1024x768 cut` makes only names with both words
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { browse, open, serve, sizes } from "./visitor.mjs";
import { views } from "./views.mjs";

const folder = fileURLToPath(new URL("output/shots/", import.meta.url));
const wanted = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
const [browser, site] = await Promise.all([browse(), serve()]);
let made = 0;
const failed = [];
for (const [size, options] of Object.entries(sizes)) {
  for (const theme of ["light", "dark"]) {
    for (const lang of ["en", "zh"]) {
      const name = (view) => `${view}.${size}.${theme}.${lang}`;
      const some = Object.entries(views).filter(([view, v]) => (v.sizes?.includes(size) ?? true) && wanted.every((w) => name(view).includes(w)));
      if (some.length === 0) continue;
      // One visit for all: each view goes on from where the one before it left the world.
      const { page, close } = await open(browser, `${site.url}?lang=${lang}&theme=${theme}${options.embed ? "&embed" : ""}`, { ...options.context, colorScheme: theme });
      for (const [view, { show, sizes: only }] of Object.entries(views)) {
        if (only && !only.includes(size)) continue;
        const last = !some.some(([v]) => Object.keys(views).indexOf(v) >= Object.keys(views).indexOf(view));
        if (last) break;
        try {
          await show(page, options);
        } catch (error) {
          failed.push(`${name(view)}: ${error.message.split("\n")[0]}`);
          break;
        }
        if (!some.some(([v]) => v === view)) continue;
        await page.screenshot({ path: `${folder}${name(view)}.png` });
        made++;
      }
      await close();
    }
  }
}
// The closing pictures: a step past the last one is the end, with all steps played as they are shown.
const index = await (await fetch(`${site.url}lessons/index.txt`)).text();
for (const id of index.trim().split("\n").map((line) => line.split(" ")[0])) {
  for (const [theme, lang] of [["light", "en"], ["dark", "zh"]]) {
    for (const [size, width, height] of [["1440x900", 1440, 900], ["1920x1080", 1920, 1080]]) {
      const name = `${id}.${size === "1440x900" ? "end" : "present"}.${size}.${theme}.${lang}`;
      if (!wanted.every((w) => name.includes(w)) || (size !== "1440x900" && id !== "l06")) continue;
      const visit = await browser.newContext({ viewport: { width, height }, colorScheme: theme });
      const page = await visit.newPage();
      await page.goto(`${site.url}?lesson=${id}.20&lang=${lang}&theme=${theme}`);
      await page.locator(".lesson.end").waitFor();
      if (size !== "1440x900") await page.keyboard.press("Shift+P");
      await page.waitForTimeout(700);
      await page.screenshot({ path: `${folder}${name}.png` });
      await visit.close();
      made++;
    }
  }
}
await browser.close();
site.close();
console.log(`shots: ${made} pictures in tests/page/output/shots`);
for (const line of failed) console.error(`shots: ${line}`);
process.exit(failed.length ? 1 : 0);
