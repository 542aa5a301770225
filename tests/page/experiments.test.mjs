// The experiments, one click each; the wire list's filters; and that every verb of `:help` has a control.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { attr, browse, line, number, open, serve, type, until, verbs } from "./visitor.mjs";

let browser, site;
before(async () => ([browser, site] = await Promise.all([browse(), serve()])));
after(async () => {
  await browser?.close();
  site?.close();
});

async function on(work, options = {}) {
  const visit = await open(browser, site.url, options);
  try {
    return await work(visit.page, visit);
  } finally {
    await visit.close();
  }
}

const outcome = (page) => attr(page, "[data-testid=verdict]", "data-outcome");
const cause = (page) => attr(page, "[data-testid=verdict]", "data-cause");
const role = (page, node) => attr(page, `[data-node=${node}]`, "data-role");
const keys = (page, node) => number(page, `[data-node=${node}]`, "data-keys");

/** What each shows in the end, in the order of the dialog. */
const ends = {
  "Partial resync": async (page) => (await outcome(page)) === "continue",
  "Off the ring": async (page) => (await outcome(page)) === "full" && (await cause(page)) === "too-old",
  "A slow replica": async (page) => (await number(page, "[data-node=r1]", "data-behind")) > 100,
  "A chain": async (page) => (await number(page, "[data-node=r3]", "data-offset")) > 0,
  "The offset moves while you do nothing": async (page) => (await number(page, "[data-node=m]", "data-offset")) >= 14,
  "The write that never was": async (page) => (await role(page, "r1")) === "master" && (await keys(page, "r1")) === 3,
  "The old master returns": async (page) => (await role(page, "m")) === "replica" && (await attr(page, "[data-testid=verdict]", "data-replica")) === "m" && (await outcome(page)) === "full",
  "Two masters": async (page) => (await role(page, "m")) === "master" && (await role(page, "r1")) === "master" && (await keys(page, "m")) === 5,
  "The empty master": async (page) => (await keys(page, "m")) === 0 && (await keys(page, "r1")) === 0 && (await keys(page, "r2")) === 0,
};

test("every experiment leads where it says, with one click", { timeout: 300_000 }, () =>
  on(async (page, { complaints }) => {
    for (const [i, [name, end]] of Object.entries(ends).entries()) {
      await page.locator("header [data-do=experiments]").click();
      const button = page.locator(`dialog [data-do="experiment ${i}"]`);
      assert.equal(await button.locator("b").innerText(), name);
      await button.click();
      await page.locator("dialog[open]").waitFor({ state: "detached" });
      await until(page, name, () => end(page));
    }
    assert.equal(await page.locator("dialog [data-do^=experiment]").count(), 0);
    assert.deepEqual(complaints, []);
  }));

test("every verb of :help that acts on the world has a control", { timeout: 120_000 }, () =>
  on(async (page) => {
    await type(page, ":help");
    const help = await page.getByTestId("console-output").innerText();
    const helped = [...help.matchAll(/^:?\s*:([a-z]+)\b/gm)].map((m) => m[1]);
    const all = verbs();
    assert.ok(all.length >= 23, `${all}`);
    for (const verb of all) assert.ok(helped.includes(verb), `${verb} is in :help: ${helped}`);
    const controls = new Set();
    const look = async () => {
      for (const line of await page.locator("[data-do^='act ']").evaluateAll((all) => all.map((e) => e.dataset.do))) controls.add(line.split(" ")[1]);
    };
    await page.locator('.inspector [data-do="page faults"]').click();
    await look();
    await type(page, ":cut m r1");
    await look();
    await type(page, ":latency m r2 2s");
    await type(page, "WAIT 2 0");
    await page.getByTestId("waiting").waitFor();
    await look();
    await type(page, ":kill m");
    await page.locator('[data-node=m][data-link=dead]').first().waitFor({ state: "attached" });
    await look();
    assert.deepEqual(all.filter((verb) => !controls.has(verb)), []);
  }));

test("the wire list: a filter, a search, and copies", { timeout: 60_000 }, () =>
  on(async (page, { context }) => {
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    await type(page, "SET hello world");
    await type(page, "SET tea mint");
    const kinds = () => page.locator(".packets tbody tr td:nth-child(3)").allInnerTexts();
    await until(page, "the stream", async () => (await kinds()).includes("STREAM"));
    await page.locator('[data-do="wire-kind 3"]').click();
    await until(page, "only snapshots", async () => (await kinds()).every((k) => k === "RDB") && (await kinds()).length === 2);
    await page.locator('[data-do="wire-kind 0"]').click();
    await page.locator("[data-input=wire-find]").fill("tea");
    await until(page, "only tea", async () => (await kinds()).length === 2);
    await page.locator(".packets tbody tr").first().click();
    await page.locator('[data-do^="copy-packet text"]').click();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), "SET tea mint");
    await page.locator('[data-do^="copy-packet hex"]').click();
    assert.match(await page.evaluate(() => navigator.clipboard.readText()), /^2a 33 0d 0a /);
  }));

test("words of the experiments in Chinese too", () =>
  on(async (page) => {
    await page.locator("[data-do=language]").click();
    await page.locator("header [data-do=experiments]").click();
    for (const text of await page.locator("dialog .experiments b, dialog .experiments span").allInnerTexts()) assert.match(text, /\p{Script=Han}/u);
  }));
