// What is laid over the ring (the needle of a PSYNC that nobody sends, the blocks of Redis 7), and keys beyond those that
// every look at the world lists.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { attr, browse, line, number, open, serve, sizes, type, until } from "./visitor.mjs";

let browser, site;
before(async () => ([browser, site] = await Promise.all([browse(), serve()])));
after(async () => {
  await browser?.close();
  site?.close();
});

const offset = (page, node) => number(page, `[data-node=${node}]`, "data-offset");
const inStep = (page) => async () => (await offset(page, "r1")) === (await offset(page, "m")) && (await offset(page, "r2")) === (await offset(page, "m"));
const middle = ({ x, y, width, height }) => [x + width / 2, y + height / 2];

/** A ring that went round, and nothing on its way. */
async function full(page) {
  for (let i = 0; i < 14; i++) {
    const had = await offset(page, "m");
    await line(page, `SET key${i} ${"x".repeat(30)}`);
    await until(page, `key${i}`, async () => (await offset(page, "m")) > had);
  }
  await until(page, "all in step", inStep(page));
}

test("the needle: turned by the pointer, moved by keys, told as a slider", { timeout: 120_000 }, async () => {
  const { page, complaints, close } = await open(browser, site.url);
  await full(page);
  const [first, size, next] = [await number(page, ".ring", "data-first"), await number(page, ".ring", "data-size"), (await offset(page, "m")) + 1];
  assert.equal(await page.locator(".hand").count(), 0, "only who tries has a needle");
  await line(page, ":try");
  const hand = page.locator(".stage .hand");
  await hand.waitFor();
  const byte = async () => Number(await hand.getAttribute("aria-valuenow"));
  const cause = async () => (await attr(page, ".trying [data-testid=decision]", "data-cause")) || (await attr(page, ".trying [data-testid=decision]", "data-outcome"));
  assert.equal(await byte(), first, "it begins at the oldest byte");
  assert.deepEqual([await hand.getAttribute("role"), await hand.getAttribute("aria-label")], ["slider", "first byte wanted"]);

  // Keys: by a byte, by a command, to both ends; and no further than it goes.
  await hand.focus();
  const press = async (key, want, answer) => {
    await page.keyboard.press(key);
    await until(page, `${key}: byte ${want}`, async () => (await byte()) === want);
    await until(page, `${key}: ${answer}`, async () => (await cause()) === answer);
    assert.match(await hand.getAttribute("aria-valuetext"), new RegExp(`^${want} \\+${answer === "continue" ? "CONTINUE" : "FULLRESYNC"} `));
  };
  await press("ArrowLeft", first - 1, "too-old");
  await press("ArrowRight", first, "continue");
  await press("End", next, "continue");
  await press("ArrowUp", next + 1, "too-far");
  await press("PageDown", next, "continue");
  await press("Home", first, "continue");
  await page.keyboard.press("PageUp");
  await until(page, "the next command", async () => (await byte()) > first);
  const starts = await page.locator(".ring .cell").evaluateAll((cells) => cells.map((c) => Number(c.dataset.sel.split(":")[1])));
  assert.ok(starts.includes(await byte()), "a command begins there");
  assert.equal(Number(await page.getByTestId("face-byte").inputValue()), await byte(), "the field has the same");

  // By the pointer: a quarter of the ring on from the oldest byte, then around the other way past it.
  await page.keyboard.press("Home");
  await until(page, "the oldest byte", async () => (await byte()) === first);
  const dial = await hand.locator(".dial").boundingBox();
  const [cx, cy] = middle(dial);
  const spot = (at) => {
    const angle = 2 * Math.PI * ((((at - 1) % size) + size) % size) / size;
    return [cx + (dial.width / 2) * 0.8 * Math.sin(angle), cy - (dial.height / 2) * 0.8 * Math.cos(angle)];
  };
  await page.mouse.move(...middle(await hand.locator(".grip").boundingBox()));
  await page.mouse.down();
  const drag = async (to, answer) => {
    for (let at = await byte(), step = Math.sign(to - at) * 16; Math.abs(at - to) > 16; at += step) await page.mouse.move(...spot(at + step));
    await page.mouse.move(...spot(to));
    await until(page, `dragged to ${to}`, async () => Math.abs((await byte()) - to) <= 4);
    await until(page, `${answer} at ${to}`, async () => (await cause()) === answer);
  };
  await drag(first + size / 4, "continue");
  await drag(first - size / 8, "too-old");
  assert.ok((await page.locator(".ring .hatched").count()) > 0, "what is overwritten is drawn");
  await page.mouse.up();
  await page.mouse.move(cx, cy);
  const left = await byte();
  await page.mouse.move(...spot(first + 40));
  assert.equal(await byte(), left, "who lets go no longer turns it");

  // On the line too.
  const window_ = page.locator(".window .hand");
  const bar = await page.locator(".window .over").boundingBox();
  await window_.locator(".grip").scrollIntoViewIfNeeded();
  await page.mouse.move(...middle(await window_.locator(".grip").boundingBox()));
  await page.mouse.down();
  await page.mouse.move(bar.x + bar.width * 0.97, middle(await window_.boundingBox())[1]);
  await until(page, "the end of the line", async () => (await cause()) === "too-far");
  assert.equal(await byte(), Number(await hand.getAttribute("aria-valuemax")));
  await page.mouse.up();
  assert.equal(await page.locator('.packets tr:has-text("PSYNC")').count(), 2, "nothing was sent");
  assert.deepEqual(complaints, []);
  await close();
});

test("the needle under a finger: room for it, and it does not scroll the page", { timeout: 120_000 }, async () => {
  const { page, context, close } = await open(browser, site.url, sizes["390x844"].context);
  await full(page);
  await page.locator('.tabs [data-do="tab inspect"]').click();
  await page.locator('.inspector [data-do="page psync"]').click();
  await page.locator('[data-do="probe r1"]').click();
  const answer = () => attr(page, "[data-testid=decision]", "data-outcome");
  await until(page, "what r1 would be told", async () => (await answer()) === "continue");
  const touch = page.locator(".window .touch");
  const room = await touch.boundingBox();
  assert.ok(room.width >= 44 && room.height >= 44, JSON.stringify(room));
  const [x, y] = middle(room);
  const bar = await page.locator(".window .over").boundingBox();
  const session = await context.newCDPSession(page);
  const finger = (type, x) => session.send("Input.dispatchTouchEvent", { type, touchPoints: type === "touchEnd" ? [] : [{ x, y }] });
  await finger("touchStart", x);
  for (let part = 1; part <= 10; part++) await finger("touchMove", x + ((bar.x + 8 - x) * part) / 10);
  await until(page, "too old", async () => (await answer()) === "full");
  await finger("touchEnd");
  // The same on the ring, where it stands now.
  await page.locator('.tabs [data-do="tab nodes"]').click();
  const ring = await page.locator(".stage .hand .touch").boundingBox();
  assert.ok(ring.width >= 44 && ring.height >= 44, JSON.stringify(ring));
  await close();
});

test("the blocks of Redis 7 under the exact ring, switched on and off", { timeout: 120_000 }, async () => {
  const { page, complaints, close } = await open(browser, site.url);
  await full(page);
  await line(page, ":blocks");
  const said = page.getByTestId("face").getByTestId("blocks");
  await said.waitFor();
  const [block, more] = [await number(page, "[data-testid=blocks]", "data-block"), await number(page, "[data-testid=blocks]", "data-more")];
  assert.equal(block, 64, "an eighth of the ring, which is too small for real ones");
  assert.ok(more >= 0 && more <= block, `${more} B more than the ring`);
  assert.match(await said.innerText(), /exact, as in Redis ≤ 6\.2.*real blocks have 16.384 B or more/s);
  const boxes = await page.locator(".face .blocks-lane .block").count();
  assert.ok(boxes >= 8 && boxes <= 10, `${boxes} blocks`);
  assert.ok(((await attr(page, ".over .border", "d")) ?? "").split("M").length > 7, "their borders on the ring");
  assert.match(await page.locator(".face .blocks-lane").textContent(), /backlog.*r1 r2/);
  await page.evaluate(() => document.activeElement?.blur());
  await page.keyboard.press("q");
  await until(page, "off", async () => (await page.locator(".blocks-lane").count()) === 0);
  await page.locator('.inspector [data-do="page ring"]').click();
  await page.locator('.inspector [data-do="face blocks"]').click();
  await page.locator(".inspector .blocks-lane").waitFor();
  assert.equal(await attr(page, '.inspector [data-do="face blocks"]', "aria-pressed"), "true");
  assert.deepEqual(complaints, []);
  await close();
});

test("a bar of what memory is for: of the selected node, and where there is a limit", { timeout: 120_000 }, async () => {
  const { page, complaints, close } = await open(browser, site.url);
  const bars = () => page.locator(".over .mem").count();
  assert.equal(await bars(), 0, "nobody asked, and nothing is short");
  await line(page, "CONFIG SET maxmemory 3mb");
  await until(page, "that of m", async () => (await bars()) === 1);
  assert.match(await page.locator(".over .mem title").textContent(), /^Memory\n(.*\n)+maxmemory 3.145.728 B$/);
  await page.locator(".plate[data-node=r1] .front").click();
  await until(page, "and that of r1, which is selected", async () => (await bars()) === 2);
  await page.locator(".over .mem .rest").first().click();
  await page.getByTestId("memory").waitFor();
  assert.deepEqual(complaints, []);
  await close();
});

test("any key is found and compared, also beyond the five hundred that are listed", { timeout: 180_000 }, async () => {
  const { page, complaints, close } = await open(browser, site.url);
  for (let from = 0; from < 1300; from += 100) {
    await line(page, `MSET ${Array.from({ length: 100 }, (_, i) => `user:${from + i} v${from + i}`).join(" ")}`);
    await until(page, `keys up to ${from}`, async () => (await number(page, "[data-node=m]", "data-keys")) > from + 100);
  }
  for (const node of ["m", "r1", "r2"]) await until(page, `many keys on ${node}`, async () => (await number(page, `[data-node=${node}]`, "data-keys")) >= 1300);
  await page.locator('.inspector [data-do="page keys"]').click();
  const keys = page.getByTestId("dataset");
  const rows = keys.locator("tbody tr");
  const told = () => page.getByTestId("keys-found").innerText();
  assert.equal(await rows.count(), 300);
  assert.match(await told(), /^1–300 of 1.30\d$/);
  await keys.getByRole("button", { name: "More", exact: true }).click();
  await until(page, "the second part", async () => /^301–600 of/.test(await told()));
  await keys.getByTestId("keys-find").fill("user:12*9");
  await until(page, "what the pattern fits", async () => /^1\d found$/.test(await told()));
  assert.equal(await rows.count(), 11);
  // A difference in a key that is not listed.
  await line(page, ":cut m r1");
  await line(page, "SET user:1299 mint");
  await keys.getByTestId("keys-find").fill("user:1299");
  await until(page, "one row", async () => (await rows.count()) === 1);
  await until(page, "r2 has it too", async () => (await keys.locator("tbody td.same").count()) === 2);
  assert.match(await keys.locator("td.differs").innerText(), /v1299.*differs/s);
  await line(page, ":keys nothing*");
  await until(page, "nothing", async () => (await keys.locator(".nothing").count()) === 1);
  assert.equal(await keys.getByTestId("keys-find").inputValue(), "nothing*");
  await keys.getByTestId("keys-find").fill("");
  await keys.locator('[data-do="differing"]').click();
  await until(page, "the one that differs", async () => (await rows.count()) === 1);
  assert.match(await rows.first().innerText(), /user:1299/);
  assert.deepEqual(complaints, []);
  await close();
});
