// The prompt: what it offers while one types, what it remembers, and where it is on a phone.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { browse, line, open, serve, sizes, type, until, verbs } from "./visitor.mjs";

let browser, site;
before(async () => ([browser, site] = await Promise.all([browse(), serve()])));
after(async () => {
  await browser?.close();
  site?.close();
});

const prompt = (page) => page.getByTestId("console-input");
const options = (page) => page.locator(".completions [role=option] b").allInnerTexts();
const marked = (page) => page.locator(".completions [aria-selected=true] b").innerText();
const holds = (page, text) => until(page, `the prompt to hold “${text}”`, async () => (await prompt(page).inputValue()) === text);
const offers = (page, want) => until(page, `the list ${want}`, async () => String(await options(page)) === want);

test("a list of what the line may become: arrows choose, Tab and Enter take, Escape sends it away", { timeout: 120_000 }, async () => {
  const { page, complaints, close } = await open(browser, site.url);
  await type(page, "PING");
  await prompt(page).focus();
  await page.keyboard.type("GET");
  await offers(page, "GETEX,GETBIT,GETDEL,GETSET,GETRANGE");
  assert.equal(await page.locator(".ghost i").innerText(), "EX");
  assert.equal(await prompt(page).getAttribute("aria-expanded"), "true");
  assert.match(await page.locator(".completions li").first().innerText(), /^GETEX\s+key \[/, "with its arguments");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await until(page, "the third", async () => (await marked(page)) === "GETDEL");
  assert.equal(await page.locator(".ghost i").innerText(), "DEL");
  assert.equal(await page.evaluate(() => document.getElementById(document.activeElement.getAttribute("aria-activedescendant"))?.innerText.split(/\s/)[0]), "GETDEL");
  await page.keyboard.press("ArrowUp");
  await until(page, "the second", async () => (await marked(page)) === "GETBIT");
  await page.keyboard.press("Enter");
  await holds(page, "GETBIT");
  assert.equal(await page.locator(".output .input").count(), 1, "nothing was run");
  // Away with it: Tab then leaves the prompt, and the arrow goes to what was typed before.
  await prompt(page).fill("GET");
  await offers(page, "GETEX,GETBIT,GETDEL,GETSET,GETRANGE");
  await page.keyboard.press("Escape");
  await offers(page, "");
  await holds(page, "GET");
  await page.keyboard.press("Tab");
  assert.notEqual(await page.evaluate(() => document.activeElement.id), "console-input");
  await prompt(page).fill("PI");
  await page.keyboard.press("ArrowUp");
  await holds(page, "PING");
  await page.keyboard.press("ArrowDown");
  await holds(page, "PI");
  // Nodes, keys, and words of the page's own; by pointer too.
  await prompt(page).fill("@r");
  await offers(page, "@r1,@r2");
  await page.locator(".completions li", { hasText: "@r2" }).click();
  await holds(page, "@r2");
  await prompt(page).fill(":cut m r");
  await offers(page, "r1,r2");
  for (const key of ["SET harbour 1", "SET hat 2"]) await type(page, key);
  await prompt(page).fill("GET ha");
  await offers(page, "harbour,hat");
  await page.keyboard.press("Tab");
  await holds(page, "GET harbour");
  // A line that is complete is run as it stands.
  await prompt(page).fill("GET hat");
  await page.keyboard.press("Enter");
  await page.locator(".output .reply", { hasText: '"2"' }).waitFor();
  assert.deepEqual(complaints, []);
  await close();
});

test("what was typed is there on the next visit, for each lesson its own, and no password", { timeout: 120_000 }, async () => {
  const { page, close } = await open(browser, site.url);
  const older = async (want) => {
    await prompt(page).focus();
    for (const text of want) {
      await page.keyboard.press("ArrowUp");
      await holds(page, text);
    }
    await page.keyboard.press("ArrowUp");
    await holds(page, want.at(-1));
    await page.keyboard.press("Escape");
    await holds(page, "");
  };
  for (const text of ["SET city Oslo", "AUTH hunter2", "CONFIG SET requirepass hunter2", ":page keys"]) await type(page, text);
  await older([":page keys", "CONFIG SET requirepass hunter2", "AUTH hunter2", "SET city Oslo"]);
  await page.reload();
  await page.locator("[data-node=r2][data-link=online]").waitFor({ state: "attached" });
  await older([":page keys", "SET city Oslo"]);
  await line(page, ":lesson l06");
  await page.locator(".guide .lesson .step, .guide .lesson").first().waitFor();
  await type(page, "GET lang");
  await page.goto(`${site.url}?lesson=l06`);
  await page.locator(".guide .lesson").waitFor();
  await until(page, "the lesson's lines", async () => {
    await prompt(page).focus();
    await page.keyboard.press("ArrowUp");
    return (await prompt(page).inputValue()) === "GET lang";
  });
  await page.keyboard.press("ArrowUp");
  await holds(page, "GET lang");
  await close();
});

test(":help speaks the language of the page, a line for each verb", { timeout: 120_000 }, async () => {
  for (const [lang, cut] of [["en", "break the path between two nodes"], ["zh", "断开两个节点之间的路径"]]) {
    const { page, close } = await open(browser, `${site.url}?lang=${lang}`);
    await type(page, ":help");
    const notes = page.locator(".output .note");
    await notes.filter({ hasText: cut }).waitFor();
    const texts = await notes.allInnerTexts();
    for (const verb of [...verbs(), "help", "share", "try"]) {
      const [said] = texts.filter((text) => new RegExp(`^:${verb} `).test(text));
      assert.ok(said, `:${verb} is told`);
      assert.equal(/[\u4e00-\u9fff]/.test(said), lang === "zh", said);
    }
    assert.match(texts.at(-1), lang === "zh" ? /^@NODE COMMAND — 给/ : /^@NODE COMMAND — one/);
    await close();
  }
});

test("on a phone the prompt stays above the keyboard, and common words are one touch", { timeout: 120_000 }, async () => {
  const context = await browser.newContext(sizes["390x844"].context);
  const page = await context.newPage();
  await page.addInitScript(() => {
    const seen = Object.assign(new EventTarget(), { height: innerHeight, scale: 1 });
    Object.defineProperty(window, "visualViewport", { value: seen });
  });
  await page.goto(site.url);
  await page.locator("[data-node=r2][data-link=online]").waitFor({ state: "attached" });
  await page.locator('.tabs [data-do="tab console"]').click();
  await page.locator(".chips").getByRole("button", { name: "GET", exact: true }).tap();
  await holds(page, "GET ");
  assert.equal(await page.evaluate(() => document.activeElement.id), "console-input");
  const keyboard = (height) =>
    page.evaluate((height) => {
      visualViewport.height = height;
      visualViewport.dispatchEvent(new Event("resize"));
    }, height);
  const bottom = async () => Math.round((await prompt(page).boundingBox()).y + (await prompt(page).boundingBox()).height);
  assert.ok((await bottom()) > 600);
  await keyboard(430);
  await until(page, "the prompt above the keyboard", async () => (await bottom()) <= 430);
  assert.ok(await page.locator(".output").isVisible() && await page.locator(".peek").isVisible());
  await page.keyboard.type("ha");
  await keyboard(844);
  await until(page, "all as it was", async () => (await bottom()) > 600 && (await page.locator(".tabs").isVisible()));
  for (const button of await page.locator(".chips button, .completions li").all()) {
    const box = await button.boundingBox();
    assert.ok(box.width >= 44 && box.height >= 44, `${await button.innerText()}: ${JSON.stringify(box)}`);
  }
  await context.close();
});
