// axe-core on every view, in both themes and both languages: no violation, and nothing left to review without a reason (M1).
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { browse, open, serve, sizes, type } from "./visitor.mjs";
import { views } from "./views.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
let browser, site;
before(async () => ([browser, site] = await Promise.all([browse(), serve()])));
after(async () => {
  await browser?.close();
  site?.close();
});

// What axe cannot judge, and who does: letters in drawings and over them (M6: all pairs of colours), the page in the frame of
// the share dialog (it is this page, and judged below).
const explained = ["color-contrast", "frame-tested"];

async function check(page, name, { within, rules = {} } = {}) {
  await page.evaluate(axe);
  const { violations, incomplete } = await page.evaluate(
    ({ within, rules }) => window.axe.run(within ?? document, { resultTypes: ["violations", "incomplete"], iframes: !within, rules }), { within, rules });
  return [...violations, ...incomplete.filter((i) => !explained.includes(i.id))].flatMap((v) => v.nodes.slice(0, 3).map((n) => `${name}: ${v.id}: ${n.target.join(" ")} ${n.failureSummary?.split("\n")[1]?.trim() ?? ""}`));
}

// Colours come from the theme and words from the language: two visits a size see all of both. What stands on which ground
// is asked (it is half of the time) where all panels are side by side and where each has the screen for itself.
const coloured = ["1440x900", "390x844"];
for (const size of Object.keys(sizes)) {
  const rules = { "color-contrast": { enabled: coloured.includes(size) } };
  for (const [theme, lang] of [["light", "en"], ["dark", "zh"]]) {
    {
      test(`axe: ${size} ${theme} ${lang}`, { timeout: 300_000 }, async () => {
        const options = sizes[size];
        const query = `?lang=${lang}&theme=${theme}${options.embed ? "&embed" : ""}`;
        const { page, close } = await open(browser, site.url + query, { ...options.context, colorScheme: theme, bypassCSP: true });
        const found = new Map(); // each complaint once, with the first view that has it
        for (const [name, view] of Object.entries(views)) {
          if (view.sizes && !view.sizes.includes(size)) continue;
          await view.show(page, options);
          for (const line of await check(page, name, { rules })) {
            const [, what] = line.split(/: (.*)/s);
            const known = what.replaceAll(/nth-child\(\d+\)|#deed-\d+/g, "");
            if (!found.has(known)) found.set(known, line);
          }
        }
        await close();
        assert.deepEqual([...found.values()], []);
      });
    }
  }
}

test("axe: before the module, without scripts, after a panic", { timeout: 120_000 }, async () => {
  const found = [];
  const page = await (await browser.newContext({ bypassCSP: true })).newPage();
  await page.goto(`${site.url}?embed`);
  await page.locator("#run").waitFor();
  found.push(...(await check(page, "poster")));
  await page.goto(site.url);
  await page.locator("[data-node=r2][data-link=online]").waitFor({ state: "attached" });
  await page.evaluate(() => {
    document.documentElement.dataset.do = "panic";
    window.dispatchEvent(new Event("command"));
  });
  await page.locator("#stopped").waitFor();
  found.push(...(await check(page, "stopped")));
  await page.close();
  assert.deepEqual(found, []);
});

for (const [lang, label, picture] of [["en", /picture that is a link/, "Redis replication, to play with"], ["zh", /带链接的图片/, "Redis 复制，可动手试"]]) {
  test(`the share dialog: a code link, and axe on its preview, ${lang}`, { timeout: 120_000 }, async () => {
    const { page, close } = await open(browser, `${site.url}?lang=${lang}`, { bypassCSP: true });
    await type(page, "SET city Oslo");
    await page.evaluate(() => document.activeElement.blur());
    await page.keyboard.press("s");
    assert.match(await page.locator("label[for=share-code]").innerText(), label);
    const link = await page.locator("#share-link").inputValue();
    const code = await page.locator("#share-code").inputValue();
    assert.equal(code, `[![${picture}](${site.url}poster.svg)](${link})`);
    const [, image, target] = /^\[!\[[^\]]*\]\(([^()\s]+)\)\]\(([^()\s]+)\)$/.exec(code);
    assert.match((await (await fetch(image)).text()).slice(0, 200), /<svg/, "the picture is there");
    const preview = page.frames().find((f) => f !== page.mainFrame());
    await preview.locator("#run").waitFor();
    const found = await check(preview, "poster");
    await preview.locator("#run").click();
    await preview.locator("[data-node=r2][data-link=online]").waitFor({ state: "attached" });
    found.push(...(await check(preview, "preview")), ...(await check(page, "dialog", { within: "dialog.share" })));
    await page.goto("about:blank");
    await page.goto(target);
    await page.locator("[data-node=r2][data-link=online]").first().waitFor({ state: "attached" });
    await close();
    assert.deepEqual(found, []);
  });
}
