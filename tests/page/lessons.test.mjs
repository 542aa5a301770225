// Every lesson, by keyboard alone and in both languages, to its last question: predictions, commands at the prompt, and
// `Continue` only by a key; axe on every step.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, describe, it, test } from "node:test";
import { attr, browse, line, open, serve, until } from "./visitor.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const folder = new URL("../../src/lessons/texts/", import.meta.url);
const ids = readFileSync(new URL("index.txt", folder), "utf8").trim().split("\n").map((line) => line.split(" ")[0]);

let browser, site;
before(async () => ([browser, site] = await Promise.all([browse(), serve()])));
after(async () => {
  await browser?.close();
  site?.close();
});

/** A lesson: its steps, what the golden run predicts in each, opens and types; and what its questions at the end want. */
function golden(id) {
  const [steps, recalls] = [[], []];
  let list = null;
  for (const line of readFileSync(new URL(`${id}.txt`, folder), "utf8").split("\n")) {
    const [key, ...rest] = line.split(" ");
    if (line.startsWith("  ")) list?.push(line.trim());
    else if (line && !line.startsWith("#")) {
      list = null;
      if (key === "step") steps.push({ show: [], opens: [] });
      if (key === "recall") recalls.push("");
      if (key === "answer" && recalls.length) recalls[recalls.length - 1] = rest.join(" ");
      else if (key === "answer") steps.at(-1).answer = rest.join(" ");
      if (key === "show") list = steps.at(-1).show;
      if (key === "open") steps.at(-1).opens.push(rest[1]);
    }
  }
  return { steps, recalls };
}

/** A line of a script as it is typed at the prompt; waits for a state look again and again. */
async function type(page, line) {
  const prompt = async (text) => {
    if (!(await page.evaluate(() => document.activeElement?.id === "console-input"))) await page.keyboard.press("/");
    await page.keyboard.insertText(text);
    await page.keyboard.press("Enter");
  };
  const until = /^until (\S+) (\S+)$/.exec(line);
  if (until) {
    const [, node, phase] = until;
    for (let i = 0; i < 300; i++) {
      if ((await attr(page, `[data-node=${node}]`, "data-link")) === phase) return;
      await prompt(":after 100ms");
    }
    throw new Error(`${node} is never ${phase}`);
  }
  const exec = /^(\w+)> (.*)$/.exec(line);
  if (exec) await prompt(`@${exec[1]} ${exec[2]}`);
  else if (line === "settle") await prompt(":after 9s");
  else await prompt(line.startsWith("run ") ? `:after ${line.slice(4)}` : `:${line}`);
}

/** A key of the page, wherever one is. */
async function key(page, name) {
  if (await page.evaluate(() => document.activeElement?.tagName === "INPUT")) await page.keyboard.press("Escape");
  await page.keyboard.press(name);
}

/** Goes to the lesson by its key, by Tab to what is wanted there, and presses it (or writes into it). */
async function press(page, wanted, text) {
  await key(page, "l");
  // How often Tab is wanted is counted beforehand: to look after each would take most of the time of this test.
  const away = await page.evaluate((s) => {
    const stops = [...document.querySelectorAll("#guide :is(button, a, input)")];
    return stops.findIndex((e) => e.matches(s)) + 1;
  }, wanted);
  for (let i = 0; i < away; i++) await page.keyboard.press("Tab");
  assert.ok(await page.evaluate((s) => document.activeElement?.matches(s), wanted), `Tab comes to ${wanted}`);
  if (text !== undefined) await page.keyboard.insertText(text);
  await page.keyboard.press("Enter");
}

/** Answers the question that is open. */
async function answer(page, text) {
  if (await page.locator("[data-enter=lesson-answer]").count()) await press(page, "[data-enter=lesson-answer]", text);
  else await press(page, `[data-do="lesson-answer ${text}"]`);
}

async function complaints(page, name) {
  const { violations } = await page.evaluate(() => window.axe.run(document.querySelector(".guide"), { resultTypes: ["violations"] }));
  return violations.flatMap((v) => v.nodes.map((n) => `${name}: ${v.id}: ${n.target.join(" ")} ${n.failureSummary?.split("\n")[1] ?? ""}`));
}

/** What an unmet check lacks (M29): each says what it wants and what there is now, the first one what to do next. */
async function unsaid(page, name, lang) {
  const texts = await page.locator(".checks li:not(.done)").evaluateAll((all) => all.map((li) => [...li.querySelectorAll("p")].map((p) => p.textContent)));
  const say = { en: /^\S.{3,}/, zh: /\p{Script=Han}/u }[lang];
  const heads = { en: ["", "Now: ", "Next: "], zh: ["", "现状：", "下一步："] }[lang];
  const good = (words, i) => words?.startsWith(heads[i]) && (i === 1 ? words.length > heads[1].length : say.test(words.slice(heads[i].length)));
  const wanted = (at) => (at === 0 ? [0, 1, 2] : [0, 1]);
  return texts.flatMap((said, at) => wanted(at).filter((i) => !good(said[i], i)).map((i) => `${name}: check ${at + 1} says “${said[i]}”`));
}

/** A lesson from the list to its last question, all of it typed. */
async function learn(page, id, lang) {
  const found = [];
  const { steps, recalls } = golden(id);
  await key(page, "l");
  if (!(await page.locator(".lesson .all").count())) await press(page, "[data-do=lessons]");
  await page.locator(".lesson .all li").first().waitFor();
  await press(page, `.all [data-do="lesson ${id}"]`);
  for (const [i, step] of steps.entries()) {
    const name = `${id}.${i + 1} ${lang}`;
    await page.locator(".crumbs", { hasText: new RegExp(`${id.toUpperCase()} .*${i + 1} .*${steps.length}`) }).waitFor();
    // Nothing moves by itself from here on: time passes as the lines say.
    if (i === 0) await key(page, "Space");
    await page.locator('[data-testid=play]:is([aria-label="Play"], [aria-label="播放"])').waitFor({ timeout: 20_000 });
    assert.equal(await attr(page, ".go", "aria-disabled"), "true", `${name} is open at first`);
    found.push(...(await complaints(page, name)), ...(await unsaid(page, name, lang)));
    if (step.answer !== undefined) await answer(page, step.answer);
    for (const line of step.show) await type(page, line);
    for (const view of step.opens) await key(page, { rdb: "r" }[view]);
    await page.locator(".go.ready").waitFor({ timeout: 20_000 }).catch(async () => {
      const said = (await page.getByTestId("console-output").innerText()).split("\n").slice(-20).join("\n");
      throw new Error(`${name} does not pass: ${await page.locator(".checks").innerText()}\n${said}`);
    });
    // A number may be another one here: we wait longer than the golden run, and heartbeats count as bytes.
    const graded = /^\d+$/.test(step.answer) ? ".graded" : ".graded.right";
    if (step.answer !== undefined) assert.equal(await page.locator(graded).count(), 1, `${name}: graded`);
    found.push(...(await complaints(page, `${name} passed`)));
    await press(page, ".go");
  }
  await page.locator(".lesson.end").waitFor();
  found.push(...(await complaints(page, `${id} end ${lang}`)));
  for (const [i, wanted] of recalls.entries()) {
    await answer(page, wanted);
    await page.locator(".lesson.end .graded.right").waitFor({ timeout: 20_000 }).catch(() => assert.fail(`${id}: recall ${i + 1}`));
    if (i + 1 < recalls.length) await page.locator(".lesson.end h3", { hasText: `${i + 2}` }).waitFor();
  }
  found.push(...(await complaints(page, `${id} recalled ${lang}`)));
  const stored = await page.evaluate(() => localStorage.getItem("ringside.lessons"));
  assert.match(stored, new RegExp(`\\b${id}=\\d+/\\d+\\+${recalls.length}/${recalls.length}\\b`), "progress is kept");
  assert.deepEqual(found, []);
}

// Both languages at the same time, each on a page of its own.
describe("lessons by keyboard", { concurrency: 2 }, () => {
  for (const [lang, theme] of [["en", "light"], ["zh", "dark"]]) {
    it(`all of them, ${lang}`, { timeout: 400_000 }, async (t) => {
      const visit = async () => {
        const made = await open(browser, `${site.url}?lang=${lang}&theme=${theme}`, { colorScheme: theme, bypassCSP: true, reducedMotion: "reduce" });
        await made.page.evaluate(axe);
        await line(made.page, ":pace auto"); // who wants less motion begins by steps
        return made;
      };
      let visited = await visit();
      for (const id of ids) {
        await t.test(`${id}, ${lang}`, async () => {
          try {
            await learn(visited.page, id, lang);
            assert.deepEqual(visited.complaints, []);
          } catch (error) {
            await visited.close();
            visited = await visit();
            throw error;
          }
        });
      }
      await visited.close();
    });
  }
});

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

test("presenter mode, and the pages of a workshop", { timeout: 300_000 }, async () => {
  const { page, context, close } = await open(browser, `${site.url}?lesson=l06.4`, { viewport: { width: 1920, height: 1080 } });
  await page.locator(".lesson.end").waitFor();
  for (const wanted of ["bytes", "500", "both"]) await answer(page, wanted);
  await page.locator(".lesson.end p[role=status]", { hasText: "3 of 3" }).waitFor();
  const size = () => page.evaluate(() => Number.parseFloat(getComputedStyle(document.querySelector(".console code, .console b")).fontSize));
  const before = await size();
  await key(page, "Shift+P");
  await page.locator("html[data-present]").waitFor();
  assert.equal((await size()) / before, 1.25);
  // The keys that are pressed are shown; a clicker's keys step and go back.
  await page.keyboard.press("l");
  assert.equal(await page.locator("#pressed").innerText(), "l");
  const time = () => attr(page, "[data-testid=strip]", "aria-valuetext");
  await page.keyboard.press("Space");
  await page.keyboard.press("PageUp");
  await page.getByTestId("past").waitFor();
  const past = await time();
  await page.keyboard.press("PageUp");
  await until(page, "further back", async () => (await time()) !== past);
  await page.keyboard.press("PageDown");
  await until(page, "forward again", async () => (await time()) === past);
  assert.match(await page.locator("#pressed").innerText(), /^\.$/);
  await page.keyboard.press("Shift+P");
  await page.locator("html:not([data-present])").waitFor();
  assert.equal(await size(), before);
  for (const name of ["record", "index", "inventory"]) {
    const other = await (await browser.newContext({ bypassCSP: true, storageState: await context.storageState() })).newPage();
    await other.goto(`${site.url}workshop/${name}.html`);
    await other.evaluate(axe);
    const { violations } = await other.evaluate(() => window.axe.run(document));
    assert.deepEqual(violations.map((v) => `${name}: ${v.id}: ${v.nodes[0].target}`), []);
    if (name === "record") {
      await other.locator("#rows tr").first().waitFor();
      const code = await other.locator("#code").innerText();
      assert.match(code, /^RS2[-.]{10}03/, "L06 is done, no prediction, three recalls");
      await other.locator("#given").fill(code);
      assert.match(await other.locator("#read").innerText(), /^1 \/ \d+: L06 \(0 \+ 3\)/);
      // Codes of before there were questions at the end are still read.
      await other.locator("#given").fill("RS1-----1-----------x");
      assert.match(await other.locator("#read").innerText(), /^1 \/ \d+: L06 \(1 \+ 0\)/);
      const l06 = JSON.parse(await other.locator("#json").inputValue()).lessons.find((l) => l.id === "l06");
      assert.deepEqual(l06, { id: "l06", done: true, right: 0, asked: 0, recalled: 3, recalls: 3 });
    }
    await other.close();
  }
  await close();
});
