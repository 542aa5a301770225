// Lessons that a visitor brings along: from an address of this origin, or as a file that is dropped or chosen. What is
// wrong with one is said, with its line; what is hostile stays text.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { browse, open, serve } from "./visitor.mjs";

const example = readFileSync(new URL("../../src/lessons/texts/example.txt", import.meta.url), "utf8");
const markup = '<img src=x onerror="window.hurt=1"><script>window.hurt=1</script>';
const files = {
  "good.txt": example,
  "bad.txt": example.replace("check m.writes >= 1", "czech m.writes >= 1"),
  "verb.txt": example.replace("  settle\nnote", "  sttle\nnote"),
  "long.txt": example + "# more\n".repeat(20_000),
  "endless.txt": example.replace("  settle\nnote", "  run 100000s\nnote"),
  "latin.txt": Buffer.from("lesson caf\xe9 3\n", "latin1"),
  "wide.txt": Buffer.from(`\ufeff${example}`, "utf16le"),
  "bytes.txt": example.replace("Read, then write", "Read,\u0000 then write"),
  "crowd.txt": example.replace("replicas=1", "replicas=99"),
  "markup.txt": example.replaceAll("Read, then write", `Read ${markup}`).replace("lesson example 3", `lesson ${markup.replaceAll(" ", "")} 3`),
};

let browser, site, folder, other;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), "ringside-own-"));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  [browser, site, other] = await Promise.all([browse(), serve({ mine: folder }), serve({ mine: folder })]);
});
after(async () => {
  await browser?.close();
  site?.close();
  other?.close();
  rmSync(folder, { recursive: true });
});

/** What has to be said, in words of the page. */
const wrong = [
  ["bad.txt", /line \d+: czech: is no entry of a lesson/],
  ["verb.txt", /line \d+: no such verb: 'sttle'/],
  ["long.txt", /more than 64 KiB/],
  ["endless.txt", /line \d+: (more than ten minutes of virtual time|.*100000s)/],
  ["latin.txt", /no text in UTF-8/],
  ["wide.txt", /no text in UTF-8|control character/],
  ["bytes.txt", /line \d+: it has a control character/],
  ["crowd.txt", /line \d+: .*at most 7, not '99'/],
];

/** Drops a file on the page, as a file manager does. */
const drop = (page, name, bytes) =>
  page.evaluate(([name, bytes]) => {
    const data = new DataTransfer();
    data.items.add(new File([Uint8Array.from(bytes)], name, { type: "text/plain" }));
    for (const type of ["dragover", "drop"]) {
      const event = new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: data });
      document.querySelector(".stage-box").dispatchEvent(event);
      if (!event.defaultPrevented) throw new Error(`${type} would leave the page`);
    }
  }, [name, [...bytes]]);

test("a lesson from an address of this origin, played, begun anew, and not kept in the record", { timeout: 120_000 }, async () => {
  const { page, complaints, close } = await open(browser, site.url);
  await page.goto(`${site.url}?lesson-src=mine/good.txt&seed=7`); // whose world has one replica
  await page.locator(".crumbs", { hasText: "EXAMPLE · step 1 of 1" }).waitFor();
  await page.locator("[data-enter=lesson-answer]").fill("56");
  await page.keyboard.press("Enter");
  for (const line of ["GET lang", "SET key value"]) {
    await page.getByTestId("console-input").fill(line);
    await page.keyboard.press("Enter");
  }
  await page.locator(".go.ready").click();
  await page.locator(".lesson.end").waitFor();
  await page.locator('[data-do="lesson-answer set"]').click();
  await page.locator(".lesson.end .graded.right").waitFor();
  assert.equal(await page.evaluate(() => localStorage.getItem("ringside.lessons")), null);
  await page.locator('[data-do="reset"]').first().click();
  await page.locator('[data-do="reset"]').first().click();
  await page.locator(".crumbs", { hasText: "EXAMPLE · step 1 of 1" }).waitFor();
  assert.deepEqual(complaints, []);
  await close();
});

test("what is wrong with one is said, from an address and from a file, in both languages", { timeout: 180_000 }, async () => {
  const { page, complaints, close } = await open(browser, site.url);
  const problem = page.locator(".lesson .problem");
  for (const [name, says] of wrong) {
    await drop(page, name, readFileSync(join(folder, name)));
    await problem.filter({ hasText: says }).waitFor({ timeout: 20_000 }).catch(async () => assert.fail(`${name}: ${await problem.allInnerTexts()}`));
  }
  assert.deepEqual(complaints, []);
  // Nothing of it is left when a good one follows; it is chosen from a dialog this time.
  const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.locator("[data-bring]").click()]);
  await chooser.setFiles(join(folder, "good.txt"));
  await page.locator(".crumbs", { hasText: "EXAMPLE" }).waitFor();
  await drop(page, "good.txt", readFileSync(join(folder, "good.txt")));
  await page.locator(".crumbs", { hasText: "EXAMPLE" }).waitFor();
  for (const [address, says] of [
    ["mine/bad.txt", /第 \d+ 行：czech/],
    ["mine/long.txt", /超过 64 KiB/],
    ["mine/none.txt", /mine\/none\.txt 不存在（404）/],
    [`${other.url}mine/good.txt`, /只能来自本页面所在的站点/],
    ["data:text/plain,lesson", /只能来自本页面所在的站点/],
    ["javascript:alert(1)", /只能来自本页面所在的站点/],
  ]) {
    await page.goto(`${site.url}?lang=zh&lesson-src=${encodeURIComponent(address)}`);
    await problem.filter({ hasText: says }).waitFor({ timeout: 20_000 }).catch(async () => assert.fail(`${address}: ${await problem.allInnerTexts()}`));
  }
  await close();
});

test("markup in one is text", { timeout: 60_000 }, async () => {
  const { page, complaints, close } = await open(browser, site.url);
  await page.goto(`${site.url}?lesson-src=mine/markup.txt`);
  await page.locator(".lesson h2", { hasText: "<img src=x" }).waitFor();
  assert.equal(await page.locator("aside.guide :is(img, script)").count(), 0);
  assert.equal(await page.evaluate(() => window.hurt), undefined);
  assert.deepEqual(complaints, []);
  await close();
});
