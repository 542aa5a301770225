// The first thirty seconds, at the speed of a person: reads, moves the pointer, clicks what is offered. A partial resync
// within thirty seconds of loading, a full one because the ring went round within the next thirty.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { attr, browse, open, serve, until } from "./visitor.mjs";

let browser, site;
before(async () => ([browser, site] = await Promise.all([browse(), serve()])));
after(async () => {
  await browser?.close();
  site?.close();
});

test("a partial resync in thirty seconds, a full one in thirty more", { timeout: 120_000 }, async () => {
  const began = Date.now();
  const { page, complaints, close } = await open(browser, site.url);
  const seconds = () => (Date.now() - began) / 1000;
  const outcome = (want) => async () => (await attr(page, "[data-testid=verdict]", "data-outcome")) === want;
  /** Reads for a while, then goes to a thing and clicks it. */
  const click = async (read, target) => {
    await page.waitForTimeout(read);
    const box = await target.boundingBox();
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2, { steps: 15 });
    await page.waitForTimeout(250);
    await target.click();
  };
  // The one strong button of the guide, four times.
  const next = page.locator(".steps .now .line.strong");
  await click(2000, next);
  await click(3000, next);
  await click(2500, next);
  await click(2500, next);
  await until(page, "+CONTINUE", outcome("continue"));
  const partial = seconds();
  console.log(`first minute: +CONTINUE after ${partial.toFixed(1)} s`);
  assert.ok(partial <= 30, `${partial} s`);

  // What the guide offers then: with r1 cut, a load pushes its bytes out of the ring.
  await page.waitForTimeout(2000);
  const input = page.getByTestId("console-input");
  await input.click();
  await page.keyboard.type(":cut m r1", { delay: 90 });
  await page.keyboard.press("Enter");
  await click(1500, page.locator(".steps .line", { hasText: ":load m 50/s" }));
  await until(page, "r1 off the ring", async () => (await page.locator(".ghost, .problem").count()) > 0);
  await page.waitForTimeout(1200);
  await input.click();
  await page.keyboard.type(":restore m r1", { delay: 90 });
  await page.keyboard.press("Enter");
  await until(page, "+FULLRESYNC", outcome("full"));
  const full = seconds() - partial;
  console.log(`first minute: +FULLRESYNC after ${full.toFixed(1)} s more`);
  assert.equal(await attr(page, "[data-testid=verdict]", "data-cause"), "too-old");
  assert.ok(full <= 30, `${full} s`);
  assert.deepEqual(complaints, []);
  await close();
});
