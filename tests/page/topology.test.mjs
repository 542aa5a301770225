// What one does on the stage and to the node that is selected: write there, copy its id, add a sub-replica.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { attr, browse, line, open, serve, sizes, type, until } from "./visitor.mjs";

let browser, site;
before(async () => ([browser, site] = await Promise.all([browse(), serve()])));
after(async () => {
  await browser?.close();
  site?.close();
});

const focused = (page) => page.evaluate(() => document.activeElement?.id);
const target = (page) => page.locator(".targets [aria-pressed=true]").innerText();

test("write here: the node is the console's target, and the prompt waits; by button, key and palette", { timeout: 120_000 }, async () => {
  const { page, complaints, close } = await open(browser, site.url);
  await page.evaluate(() => document.activeElement.blur());
  await page.keyboard.press("2");
  await page.locator(".act").getByRole("button", { name: "Write here" }).click();
  await until(page, "r1 as the target", async () => (await target(page)) === "r1" && (await focused(page)) === "console-input");
  await page.keyboard.press("Escape");
  await page.keyboard.press("3");
  await page.keyboard.press("h");
  await until(page, "r2 as the target", async () => (await target(page)) === "r2" && (await focused(page)) === "console-input");
  assert.equal(await page.getByTestId("console-input").inputValue(), "", "the key types nothing");
  await page.keyboard.press("Control+k");
  await page.locator("#find").fill("m: write here");
  await page.keyboard.press("Enter");
  await until(page, "m as the target", async () => (await target(page)) === "m");
  assert.deepEqual(complaints, []);
  await close();
  // On a phone it is another tab.
  const phone = await open(browser, `${site.url}?lang=zh`, sizes["390x844"].context);
  await phone.page.locator('.tabs [data-do="tab learn"]').click();
  await phone.page.locator(".act").getByRole("button", { name: "在此写入" }).click();
  await until(phone.page, "the prompt", async () => (await focused(phone.page)) === "console-input");
  await phone.close();
});

test("Shift N adds a replica of the replica that is looked at, and of a master's first one", { timeout: 120_000 }, async () => {
  const { page, close } = await open(browser, site.url);
  await page.evaluate(() => document.activeElement.blur());
  await page.keyboard.press("3");
  await page.locator(".act").getByRole("button", { name: "Sub-replica" }).waitFor();
  await page.keyboard.press("Shift+N");
  await page.locator("[data-node=r3][data-link=online]").waitFor({ state: "attached" });
  assert.match(await page.locator("div.stage-tree").innerText(), /r3, sub-replica[^]*Link r2 to r3/);
  await page.keyboard.press("1");
  await page.keyboard.press("Shift+N");
  await page.locator("[data-node=r4]").waitFor({ state: "attached" });
  assert.match(await page.locator("div.stage-tree").innerText(), /Link r1 to r4/);
  await close();
});

test("the replication id is copied whole, from the page of the node and from the drum, and the page says so", { timeout: 120_000 }, async () => {
  const { page, context, close } = await open(browser, site.url);
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const id = await attr(page, "[data-node=m]", "data-replid");
  assert.match(id, /^[0-9a-f]{40}$/);
  const clipboard = () => page.evaluate(() => navigator.clipboard.readText());
  const clear = () => page.evaluate(() => navigator.clipboard.writeText("nothing"));
  await page.locator('.inspector [data-do="page node"]').click();
  for (const control of [page.getByRole("button", { name: "Copy the replication ID" }), page.locator(".drawing .copies").first()]) {
    await clear();
    await control.click();
    await until(page, "the id in the clipboard", async () => (await clipboard()) === id);
    assert.equal(await page.locator(".toast").innerText(), `Copied: ${id}`);
    await until(page, "the note to go", async () => !(await page.locator(".toast").isVisible()));
  }
  // There is no second history yet, so nothing of it to copy.
  assert.equal(await page.locator(".info .copy").count(), 1);
  await close();
});

test("a handshake in small is at its wire: a mark for each step, by word, and a way to all of it", { timeout: 180_000 }, async () => {
  for (const [size, lang, word] of [["1440x900", "en", /^step \d+\/10 /], ["390x844", "zh", /^第 \d+\/10 步 /]]) {
    const { page, complaints, close } = await open(browser, `${site.url}?lang=${lang}`, sizes[size].context);
    const phone = size === "390x844";
    await page.evaluate(() => document.activeElement.blur());
    await page.keyboard.press(" ");
    for (const text of [":cut m r1", "SET city Oslo", ":restore m r1"]) await line(page, text);
    const steps = page.locator(phone ? "[data-node=r1] .steps" : ".drawing .wire[data-wire=r1] .steps");
    const state = () => page.locator("[data-node=r1]").getAttribute("data-link");
    const seen = [];
    await until(page, "r1 to be online again", async () => {
      await page.keyboard.press(".");
      if ((await steps.count()) === 0) return (await state()) === "online" && seen.length > 0;
      const step = Number(await steps.getAttribute("data-step"));
      if (seen.at(-1) === step) return false;
      seen.push(step);
      assert.deepEqual([await steps.locator(".done").count(), await steps.locator(".now").count(), await steps.locator("rect:not(.hit)").count()], [step - 1, 1, 10]);
      // The same for the ear, at the link.
      const link = await page.locator('.stage-tree [data-sel="link:r1"]').innerText();
      assert.match(link.split(/, /).at(-1), word, link);
      if (!phone) {
        assert.match(await steps.locator("text").innerHTML(), new RegExp(`^${step}/10 `));
        if (step === 7) {
          await steps.click();
          assert.equal(await page.locator("#tab-node").getAttribute("aria-selected"), "true");
          assert.equal(await page.locator(".inspector .node-pick[aria-pressed=true]").innerText(), "r1");
        }
      }
      return false;
    });
    assert.deepEqual(seen, [1, 2, 4, 7], "without a password or an address of its own; port and capabilities are answered at once");
    assert.deepEqual(complaints, []);
    await close();
  }
});

test("nodes are cut off from the rest: by a rectangle around them, or by a key and one by one", { timeout: 180_000 }, async () => {
  const { page, complaints, close } = await open(browser, site.url);
  const asked = page.getByTestId("apart");
  const chosen = () => asked.locator("[aria-pressed=true]").allInnerTexts();
  const ends = async () => Promise.all(["m", "r1", "r2"].map((node) => attr(page, `[data-node=${node}]`, "data-offset")));
  // Around both replicas, from the empty paper at their left end down to the right of the lower one.
  const [upper, lower] = await Promise.all(["r1", "r2"].map((node) => page.locator(`.plate[data-node=${node}]`).boundingBox()));
  await page.mouse.move(upper.x - 20, upper.y - 20);
  await page.mouse.down();
  await page.mouse.move(upper.x + 60, upper.y + 60);
  await page.mouse.move(lower.x + lower.width + 20, lower.y + lower.height + 20, { steps: 4 });
  assert.equal(await page.locator("svg.lasso rect").count(), 1, "it is seen");
  await page.mouse.up();
  await asked.waitFor();
  assert.equal(await page.locator("svg.lasso").count(), 0);
  assert.deepEqual(await chosen(), ["r1", "r2"]);
  await asked.getByRole("button", { name: "r1", exact: true }).click();
  await until(page, "r2 alone", async () => String(await chosen()) === "r2");
  await asked.getByRole("button", { name: "Cut off", exact: true }).click();
  await page.locator(".output", { hasText: ":partition r2 | m r1" }).waitFor();
  assert.equal(await asked.count(), 0);
  await type(page, "SET city Oslo");
  await until(page, "the write at r1 and not at r2", async () => String(await ends()) === "56,56,0");
  // A press that does not move is a click: what is selected no longer is.
  await page.mouse.click(upper.x - 40, upper.y - 20);
  assert.equal(await asked.count(), 0);
  // By keys alone: healed, and the other one cut off.
  await page.evaluate(() => document.activeElement.blur());
  await page.keyboard.press("2");
  await page.keyboard.press("u");
  await until(page, "it to have the focus", async () => (await page.evaluate(() => document.activeElement.id)) === "apart");
  assert.deepEqual(await chosen(), ["r1"]);
  const press = async (name) => {
    for (let i = 0; i < 8 && (await page.evaluate(() => document.activeElement.textContent)) !== name; i++) await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
  };
  await press("Heal all");
  await until(page, "the write everywhere", async () => String(await ends()) === "56,56,56");
  await page.evaluate(() => document.activeElement.blur());
  await page.keyboard.press("u");
  await asked.waitFor();
  await press("m");
  await until(page, "m and r1", async () => String(await chosen()) === "m,r1");
  await press("Cut off");
  await page.locator(".output", { hasText: ":partition m r1 | r2" }).waitFor();
  assert.deepEqual(complaints, []);
  await close();
  // By a finger, where the page does not scroll.
  const tablet = await open(browser, site.url, { ...sizes["1024x768"].context, hasTouch: true });
  const cdp = await tablet.context.newCDPSession(tablet.page);
  const touch = (type, ...touchPoints) => cdp.send("Input.dispatchTouchEvent", { type, touchPoints });
  const [first, last] = await Promise.all(["r1", "r2"].map((node) => tablet.page.locator(`.plate[data-node=${node}]`).boundingBox()));
  await touch("touchStart", { x: first.x - 30, y: first.y - 2 });
  for (const part of [0.3, 0.6, 1]) await touch("touchMove", { x: first.x - 30 + part * (first.width + 32), y: first.y - 2 + part * (last.y + last.height - first.y) });
  await touch("touchEnd");
  await tablet.page.getByTestId("apart").waitFor();
  assert.deepEqual(await tablet.page.getByTestId("apart").locator("[aria-pressed=true]").allInnerTexts(), ["r1", "r2"]);
  assert.deepEqual(tablet.complaints, []);
  await tablet.close();
  // On a phone, as large as a finger wants it.
  const phone = await open(browser, `${site.url}?lang=zh`, sizes["390x844"].context);
  // There are no keys: the page of the faults has a button.
  await phone.page.locator('.tabs [data-do="tab inspect"]').tap();
  await phone.page.locator('.inspector [data-do="page faults"]').tap();
  await phone.page.locator('.faultpage [data-do="apart m"]').tap();
  await phone.page.getByTestId("apart").waitFor();
  for (const button of await phone.page.getByTestId("apart").locator("button").all()) {
    const box = await button.boundingBox();
    assert.ok(box.width >= 44 && box.height >= 44, `${await button.innerText()}: ${JSON.stringify(box)}`);
  }
  await phone.close();
});
