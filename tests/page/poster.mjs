// Draws www/poster.svg anew: the stage at its best moment, taken from the page itself, as a picture that stands alone.
// usage: node poster.mjs   (after `make build`)
import { writeFileSync } from "node:fs";
import { attr, browse, line, open, serve, sizes, until } from "./visitor.mjs";

const [browser, site] = await Promise.all([browse(), serve()]);
const { page, close } = await open(browser, `${site.url}?embed&panes=stage,console,time`, { ...sizes.embed.context, reducedMotion: "no-preference" });
for (const text of ["SET hello world", ":cut m r1", "SET city Oslo", "SET tea mint", "INCR hits"]) await line(page, text);
await page.waitForTimeout(1500);
await line(page, ":restore m r1");
await until(page, "+CONTINUE", async () => (await attr(page, "[data-testid=verdict]", "data-outcome")) === "continue");
await page.waitForTimeout(420);
const svg = await page.evaluate(() => {
  const drawing = document.querySelector(".drawing").cloneNode(true);
  for (const e of drawing.querySelectorAll("title, .hit, .said:empty, .note:empty")) e.remove();
  for (const e of [drawing, ...drawing.querySelectorAll("*")])
    for (const { name } of [...e.attributes]) if (name.startsWith("data-") || name.startsWith("aria-") || name === "focusable") e.removeAttribute(name);
  let shrunk = true;
  while (shrunk) {
    shrunk = false;
    for (const g of drawing.querySelectorAll("g:empty")) shrunk = (g.remove(), true);
  }
  document.querySelector(".drawing").after(drawing);
  // The rules that apply to something in it, and the colours that they use, in both themes.
  const sheets = [...document.styleSheets].flatMap((s) => [...s.cssRules]);
  const rules = sheets.filter((r) => r.selectorText?.includes(".drawing") && !/:hover|:root|:lang/.test(r.selectorText));
  const used = rules.flatMap((r) => {
    const mine = r.selectorText.split(",").filter((s) => drawing.parentElement.querySelector(s)?.closest(".drawing"));
    return mine.length ? [`${mine.map((s) => s.trim().replace(".drawing ", "")).join()}{${r.style.cssText}}`.replace(/: /g, ":").replace(/; ?}/g, "}").replace(/; /g, ";")] : [];
  }).filter((r) => !/^(.stage )?\.drawing\{/.test(r));
  const names = [...new Set(used.join().match(/--[\w-]+/g))];
  const root = getComputedStyle(document.documentElement);
  const colours = (theme) => {
    const of = (value) => value.match(/^light-dark\((.*), ?(.*)\)$/)?.[theme === "light" ? 1 : 2] ?? value;
    return names.map((n) => `${n}:${of(root.getPropertyValue(n).trim())}`).filter((d) => !/serif:|sans:|mono:/.test(d)).join(";");
  };
  const style = `svg{--sans:system-ui,sans-serif;--mono:ui-monospace,monospace;--serif:Georgia,serif;${colours("light")};font-family:var(--sans)}text{fill:var(--ink);font-size:13px}@media(prefers-color-scheme:dark){svg{${colours("dark")}}}${used.join("")}`;
  drawing.removeAttribute("class");
  drawing.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  drawing.prepend(Object.assign(document.createElementNS("http://www.w3.org/2000/svg", "style"), { textContent: style }));
  return new XMLSerializer().serializeToString(drawing).replace(/ xmlns="http:\/\/www\.w3\.org\/1999\/xhtml"/g, "");
});
writeFileSync(new URL("../../www/poster.svg", import.meta.url), `${svg}\n`);
console.log(`poster: ${svg.length} bytes`);
await close();
await browser.close();
site.close();
