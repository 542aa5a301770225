// Giving it away, and being told: how a link opens, the way to the code for a page of one's own, how much is said of what
// happens.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { browse, line, number, open, serve, sizes, type, until } from "./visitor.mjs";

let browser, site;
before(async () => ([browser, site] = await Promise.all([browse(), serve()])));
after(async () => {
  await browser?.close();
  site?.close();
});

const offset = (page, node) => number(page, `[data-node=${node}]`, "data-offset");
const key = async (page, name) => {
  await page.evaluate(() => document.activeElement.blur());
  await page.keyboard.press(name);
};

test("a link opens at the beginning, here, or here and playing", { timeout: 120_000 }, async () => {
  const { page, complaints, close } = await open(browser, site.url);
  await type(page, "SET city Oslo");
  await type(page, ":load m 5/s");
  await until(page, "some writes", async () => (await offset(page, "m")) > 200);
  await page.getByTestId("play").click();
  const here = await page.getByTestId("events").innerText();
  const at = await offset(page, "m");
  await key(page, "s");
  const links = {};
  for (const name of ["at the beginning", "here", "here, playing"]) {
    const choice = page.locator(".opens").getByRole("button", { name, exact: true });
    await choice.click();
    await until(page, `${name} to be chosen`, async () => (await choice.getAttribute("aria-pressed")) === "true");
    links[name] = await page.locator("#share-link").inputValue();
  }
  assert.equal(new Set(Object.values(links)).size, 3);
  await page.locator(".opens").getByRole("button", { name: "here", exact: true }).click();
  for (const [name, link] of Object.entries(links)) {
    const visit = await browser.newPage();
    await visit.goto(link);
    await visit.locator("[data-node=r2]").waitFor({ state: "attached" });
    const events = () => visit.getByTestId("events").innerText();
    if (name === "at the beginning") {
      // All that happened lies ahead.
      await visit.getByTestId("past").waitFor();
      assert.equal(await events(), `event 0 / ${here.split(" / ")[1]}`);
      await visit.getByTestId("play").click();
      await until(visit, "it to play", async () => (await offset(visit, "m")) >= 56);
    } else if (name === "here") {
      assert.equal(await events(), here);
      assert.equal(await offset(visit, "m"), at);
      assert.equal(await visit.getByTestId("play").getAttribute("aria-label"), "Play");
    } else {
      assert.equal(await visit.getByTestId("play").getAttribute("aria-label"), "Pause");
      await until(visit, "the load to go on", async () => (await offset(visit, "m")) > at);
    }
    // What else the link says of the page is there too.
    assert.equal(await visit.locator("#tab-wire").getAttribute("aria-selected"), "true");
    await visit.close();
  }
  assert.deepEqual(complaints, []);
  await close();
});

test("embed is a button of its own: it opens the dialog at that part; in the palette too", { timeout: 120_000 }, async () => {
  for (const [lang, name, said] of [["en", "Embed", "embed in a page"], ["zh", "嵌入", "嵌入网页"]]) {
    const { page, close } = await open(browser, `${site.url}?lang=${lang}`);
    const there = async () => {
      await until(page, "the part about embedding", async () => (await page.evaluate(() => document.activeElement.id)) === "embed-part");
      assert.equal(await page.locator("#embed-part").innerText(), name);
      const part = await page.locator("#embed-part").boundingBox();
      assert.ok(part.y >= 0 && part.y < 880, "it is seen");
    };
    await page.locator("header").getByRole("button", { name, exact: true }).click();
    await there();
    await page.keyboard.press("Escape");
    await until(page, "no dialog, for the page neither", async () => (await page.locator("dialog > :not(.close)").count()) === 0);
    await page.keyboard.press("Control+k");
    await page.locator("#find").fill(said);
    await page.keyboard.press("Enter");
    await there();
    await close();
  }
});

test("what just happened: key events, all with few words, or nothing; it is remembered", { timeout: 120_000 }, async () => {
  const { page, close } = await open(browser, site.url);
  const told = () => page.getByTestId("story").innerText();
  const how = async (name) => {
    await key(page, "?");
    const choice = page.locator("dialog").getByRole("button", { name, exact: true });
    await choice.click();
    await until(page, `${name} to be chosen`, async () => (await choice.getAttribute("aria-pressed")) === "true");
    await page.keyboard.press("Escape");
    await until(page, "no dialog, for the page neither", async () => (await page.locator("dialog > :not(.close)").count()) === 0);
  };
  await how("all");
  // Each sentence as it came, with its moment.
  await page.evaluate(() => {
    window.sentences = [];
    const story = document.querySelector("[data-testid=story]");
    new MutationObserver(() => window.sentences.push([story.innerText, performance.now()])).observe(story, { childList: true, characterData: true, subtree: true });
  });
  await line(page, "SET city Oslo");
  const sentences = () => page.evaluate(() => window.sentences);
  await until(page, "the write", async () => (await sentences()).some(([text]) => /^56 bytes entered the ring/.test(text)));
  await until(page, "packets", async () => (await sentences()).some(([text]) => /m → r\d: SELECT 0; SET city Oslo/.test(text)));
  await page.getByTestId("pass-10").click();
  await until(page, "heartbeats", async () => (await sentences()).some(([text]) => /ACK/.test(text)));
  const all = await sentences();
  for (const [text] of all) assert.ok(text.length <= 90, text);
  for (let i = 1; i < all.length; i++) assert.ok(all[i][1] - all[i - 1][1] > 500, `not too fast: ${JSON.stringify(all)}`);
  await how("nothing");
  await line(page, "SET city Bergen");
  await until(page, "the write on m", async () => (await offset(page, "m")) > 80);
  assert.equal(await told(), "Watch the bytes");
  await page.reload();
  await page.locator("[data-node=r2][data-link=online]").waitFor({ state: "attached" });
  assert.equal(await told(), "Watch the bytes");
  await how("key events");
  await line(page, ":cut m r1");
  await until(page, "the cut", async () => /cut off/.test(await told()));
  await close();
  const zh = await open(browser, `${site.url}?lang=zh`, sizes["390x844"].context);
  await zh.page.locator('header [data-do="help"]').click();
  assert.equal(await zh.page.locator("dialog .presets").innerText().then((text) => text.split("\n")[0]), "刚刚发生");
  await zh.close();
});
