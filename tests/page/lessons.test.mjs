// Every lesson, by keyboard alone and in both languages, to its end: predictions, hints, commands at the prompt, and
// `Continue` only by a key; axe on every step.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { browse, open, serve } from "./visitor.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const folder = new URL("../../src/lessons/texts/", import.meta.url);
const ids = readFileSync(new URL("index.txt", folder), "utf8").trim().split("\n").map((line) => line.split(" ")[0]);

let browser, site;
before(async () => ([browser, site] = await Promise.all([browse(), serve()])));
after(async () => {
  await browser?.close();
  site?.close();
});

/** The steps of a lesson: what the golden run predicts, and its lines. */
function golden(id) {
  const steps = [];
  let list = null;
  for (const line of readFileSync(new URL(`${id}.txt`, folder), "utf8").split("\n")) {
    const [key, ...rest] = line.split(" ");
    if (line.startsWith("  ")) list?.push(line.trim());
    else if (line && !line.startsWith("#")) {
      list = null;
      if (key === "step") steps.push({ show: [] });
      if (key === "answer") steps.at(-1).answer = rest.join(" ");
      if (key === "show") list = steps.at(-1).show;
    }
  }
  return steps;
}

/** A line of a script as it is typed at the prompt; waits for a state look again and again. */
async function type(page, line) {
  const prompt = async (text) => {
    const at = page.locator("#console-input:focus");
    if (!(await at.count())) await page.keyboard.press("/");
    await at.waitFor();
    await page.keyboard.insertText(text);
    await page.keyboard.press("Enter");
  };
  const until = /^until (\S+) (\S+)$/.exec(line);
  if (until) {
    const [, node, phase] = until;
    for (let i = 0; i < 400; i++) {
      const now = await page.locator(`[data-node=${node}]`).first().getAttribute("data-link");
      if (now === phase) return;
      await prompt(":after 50ms");
    }
    throw new Error(`${node} is never ${phase}`);
  }
  const exec = /^(\w+)> (.*)$/.exec(line);
  if (exec) await prompt(`@${exec[1]} ${exec[2]}`);
  else if (line === "settle") await prompt(":after 9s");
  else await prompt(line.startsWith("run ") ? `:after ${line.slice(4)}` : `:${line}`);
}

/** Goes to the lesson by its key, and by Tab to what is wanted there. */
async function press(page, wanted) {
  if (await page.evaluate(() => document.activeElement?.tagName === "INPUT")) await page.keyboard.press("Escape");
  await page.keyboard.press("l");
  for (let i = 0; i < 30; i++) {
    await page.keyboard.press("Tab");
    if (await page.evaluate((s) => document.activeElement?.matches(s), wanted)) return;
  }
  throw new Error(`Tab never comes to ${wanted}`);
}

async function complaints(page, name) {
  const { violations } = await page.evaluate(() => window.axe.run(document.querySelector(".guide"), { resultTypes: ["violations"] }));
  return violations.flatMap((v) => v.nodes.map((n) => `${name}: ${v.id}: ${n.target.join(" ")} ${n.failureSummary?.split("\n")[1] ?? ""}`));
}

/** In the second language the long ones are skipped step by step, by their key too: the words are what differs. */
const TYPED = ["l01", "l03", "l06", "l10", "r5484"];

for (const [lang, theme] of [["en", "light"], ["zh", "dark"]]) {
  for (const id of ids) {
    test(`lessons: ${id} by keyboard, ${lang}`, { timeout: 240_000 }, async () => {
      const found = [];
      const { page, complaints: browserSays, close } = await open(browser, `${site.url}?lang=${lang}&theme=${theme}`, { colorScheme: theme, bypassCSP: true, reducedMotion: "reduce" });
      await page.evaluate(axe);
      await page.keyboard.press("l");
      await page.locator(".lesson .all li").first().waitFor();
      await press(page, `.all [data-do="lesson ${id}"]`);
      await page.keyboard.press("Enter");
      const steps = golden(id);
      for (const [i, step] of steps.entries()) {
        const name = `${id}.${i + 1} ${lang}`;
        await page.locator(".crumbs", { hasText: new RegExp(`${i + 1}.*${steps.length}`) }).waitFor();
        // Nothing moves by itself from here on: time passes as the lines say.
        if (i === 0) await page.keyboard.press("Space");
        assert.equal(await page.locator(".go").getAttribute("aria-disabled"), "true", `${name} is open at first`);
        found.push(...(await complaints(page, name)));
        if (step.answer !== undefined) {
          if (await page.locator("[data-enter=lesson-answer]").count()) {
            await press(page, "[data-enter=lesson-answer]");
            await page.keyboard.insertText(step.answer);
          } else {
            await press(page, `[data-do="lesson-answer ${step.answer}"]`);
          }
          await page.keyboard.press("Enter");
        }
        if (lang === "en" || TYPED.includes(id)) {
          for (const line of step.show) await type(page, line);
          await page.locator(".go.ready").waitFor({ timeout: 60_000 }).catch(async () => {
            throw new Error(`${name} does not pass: ${await page.locator(".checks").innerText()}`);
          });
          // A number may be another one here: we wait longer than the golden run, and heartbeats count as bytes.
          const graded = /^\d+$/.test(step.answer) ? ".graded" : ".graded.right";
          if (step.answer !== undefined) assert.equal(await page.locator(graded).count(), 1, `${name}: graded`);
          found.push(...(await complaints(page, `${name} passed`)));
          await press(page, ".go");
        } else {
          await press(page, "[data-do=lesson-skip]");
        }
        await page.keyboard.press("Enter");
      }
      await page.locator(".lesson.end").waitFor();
      found.push(...(await complaints(page, `${id} end ${lang}`)));
      const stored = await page.evaluate(() => localStorage.getItem("ringside.lessons"));
      assert.match(stored, new RegExp(`\\b${id}=\\d+/\\d+`), "progress is kept");
      assert.deepEqual(browserSays, []);
      await close();
      assert.deepEqual(found, []);
    });
  }
}

test("lessons: hints, reset, skip, show me and back, an address, and storage that is blocked", { timeout: 300_000 }, async () => {
  const { page, close, complaints: browserSays } = await open(browser, `${site.url}?lesson=l06.3&seed=42&set=repl-timeout%2055`.replace("%20", "="));
  await page.locator(".crumbs", { hasText: "3 of 3" }).waitFor();
  // The class's settings and the golden run so far are in the console.
  assert.match(await page.locator(".console").innerText(), /CONFIG SET repl-timeout 55/);
  for (let i = 0; i < 3; i++) await page.locator("[data-do=lesson-hint]").click();
  assert.equal(await page.locator("[data-do=lesson-hint]").count(), 0);
  await page.locator('[data-do="lesson-insert :restore m r3"]').click();
  assert.equal(await page.locator("#console-input").inputValue(), ":restore m r3");
  const offset = () => page.locator("[data-node=r3]").first().getAttribute("data-link");
  assert.equal(await offset(), "down");
  await page.locator("[data-do=lesson-show]").click();
  await page.locator("[data-node=r3][data-link=online]").waitFor({ state: "attached", timeout: 60_000 });
  await page.locator(".go.ready").click(); // Back
  assert.equal(await offset(), "down", "what was shown is undone");
  await page.locator("[data-do=lesson-skip]").click();
  await page.locator(".lesson.end").waitFor();
  assert.deepEqual(browserSays, []);
  await close();

  const blocked = await open(browser, site.url, { bypassCSP: true });
  await blocked.page.addInitScript(() => Object.defineProperty(window, "localStorage", { get() { throw new DOMException("blocked", "SecurityError"); } }));
  await blocked.page.goto(`${site.url}?lesson=l01`);
  await blocked.page.locator(".crumbs", { hasText: "1 of 2" }).waitFor();
  await blocked.page.locator("[data-do=lesson-skip]").click();
  await blocked.page.locator(".crumbs", { hasText: "2 of 2" }).waitFor();
  await blocked.page.goto(`${site.url}?lesson=nosuch`);
  await blocked.page.locator(".lesson .problem").waitFor();
  await blocked.close();
});

test("lessons: without a network, from the second visit on; presenter mode; the pages of a workshop", { timeout: 300_000 }, async () => {
  const { page, context, close } = await open(browser, site.url);
  await page.evaluate(async () => {
    const { active } = await navigator.serviceWorker.ready;
    while (active.state !== "activated") await new Promise((later) => setTimeout(later, 100));
  });
  await context.setOffline(true);
  await page.goto(`${site.url}?lesson=l06.3`);
  await page.locator(".crumbs", { hasText: "3 of 3" }).waitFor();
  await page.locator("[data-enter=lesson-answer]").fill("65");
  await page.keyboard.press("Enter");
  await page.keyboard.press("/");
  await page.keyboard.insertText(":restore m r3");
  await page.keyboard.press("Enter");
  await page.keyboard.insertText(":after 9s");
  await page.keyboard.press("Enter");
  await page.locator(".go.ready").click();
  await page.locator(".lesson.end").waitFor();
  await context.setOffline(false);

  await page.keyboard.press("Shift+P");
  await page.locator("html[data-present]").waitFor();
  await page.keyboard.press("l");
  assert.equal(await page.locator("#pressed").innerText(), "l");
  await page.evaluate(axe);
  for (const name of ["record", "index", "inventory"]) {
    const other = await (await browser.newContext({ bypassCSP: true, storageState: await context.storageState() })).newPage();
    await other.goto(`${site.url}workshop/${name}.html`);
    await other.evaluate(axe);
    const { violations } = await other.evaluate(() => window.axe.run(document));
    assert.deepEqual(violations.map((v) => `${name}: ${v.id}: ${v.nodes[0].target}`), []);
    if (name === "record") {
      await other.locator("#rows tr").first().waitFor();
      const code = await other.locator("#code").innerText();
      assert.match(code, /^RS1-----[01]/, "L06 is done, with its prediction");
      await other.locator("#given").fill(code);
      assert.match(await other.locator("#read").innerText(), /^1 \/ \d+: L06/);
      assert.equal(JSON.parse(await other.locator("#json").inputValue()).lessons.find((l) => l.id === "l06").done, true);
    }
    await other.close();
  }
  await close();
});
