// Under the ring and in the wire: what is pointed at is told byte by byte, and everything is there without a pointer too.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { browse, line, number, open, serve, sizes, until } from "./visitor.mjs";

let browser, site;
before(async () => ([browser, site] = await Promise.all([browse(), serve()])));
after(async () => {
  await browser?.close();
  site?.close();
});

const plain = (text) => text.replaceAll("\u202f", "");
const told = async (page, id) => plain(await page.getByTestId(id).innerText());
const offset = (page, node) => number(page, `[data-node=${node}]`, "data-offset");

/** m has written, r2 is in step, r1 is cut off. */
async function apart(page) {
  for (const text of ["SET hello world", ":cut m r1", "SET city Oslo", "SET tea mint"]) await line(page, text);
  await until(page, "r2 in step", async () => (await offset(page, "m")) === 123 && (await offset(page, "r2")) === 123);
  await until(page, "an acknowledgement", async () => (await told(page, "caption")).includes("123 bytes behind") && !/r2 is/.test(await told(page, "caption")));
}

test("under the ring stands in words what it shows, always", { timeout: 90_000 }, async () => {
  for (const options of [sizes["1440x900"].context, sizes["1024x768"].context, sizes["390x844"].context]) {
    const { page, complaints, close } = await open(browser, site.url, options);
    await apart(page);
    const caption = page.getByTestId("caption");
    assert.match(await told(page, "caption"), /^Backlog of m: 123 of 512 bytes, offsets 1–123\. r2 in step\. r1 disconnected, 123 bytes behind, can still resume: 389 bytes left\./);
    assert.ok(await caption.isVisible());
    for (const form of ["line", "table", "ring"]) {
      await page.locator(`.switch [data-do="face ${form}"]`).click();
      assert.ok(await caption.isVisible(), `beside the ${form}`);
    }
    assert.deepEqual(complaints, []);
    await close();
  }
  const { page, close } = await open(browser, site.url + "?lang=zh");
  assert.match(await told(page, "caption"), /^m 的积压缓冲区：0 \/ 512 字节；下一个是第 1 个字节。/);
  await close();
});

test("a command of the ring that is pointed at shows its bytes, and each tells its field", { timeout: 90_000 }, async () => {
  const { page, complaints, close } = await open(browser, site.url);
  await apart(page);
  assert.equal(await page.getByTestId("octets").count(), 0, "nothing is pointed at yet");
  await page.locator(".ring .cell").nth(2).hover();
  await page.locator(".octets span").first().waitFor();
  assert.equal(await page.locator(".octets span").count(), 33);
  assert.match(await told(page, "octet"), /^bytes 59–91 \(33\), db 0, at [\d.]+ s · still needed by r1$/);
  assert.equal(await page.locator(".octets b").allInnerTexts().then((all) => all.join("")), Buffer.from("*3\r\n$3\r\nSET\r\n$4\r\ncity\r\n$4\r\nOslo\r\n").toString("hex"));
  // The same bytes light up elsewhere, and nothing is selected.
  assert.match(await page.locator(".output li.on").innerText(), /SET city Oslo/);
  assert.equal(await page.locator('.output [aria-pressed="true"]').count(), 0);
  await page.locator(".octets span").nth(20).hover();
  await until(page, "the field", async () => (await told(page, "octet")) === "byte 79: 79 · argument 1 of 2");
  assert.equal(await page.locator(".octets .of").count(), 6, "city and its line end");
  // Away from the ring all is as before.
  await page.locator(".console h3").hover();
  await page.getByTestId("octets").waitFor({ state: "detached" });
  assert.equal(await page.locator(".output li.on").count(), 0);
  assert.deepEqual(complaints, []);
  await close();
});

test("the bytes of a command are reached by keys, and told", { timeout: 90_000 }, async () => {
  const { page, complaints, close } = await open(browser, site.url);
  await apart(page);
  await page.locator(".browse").focus();
  await page.keyboard.press("Home");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  const bytes = page.getByRole("slider", { name: "Bytes of this command" });
  await bytes.focus();
  const says = async (want) => until(page, want, async () => plain(await bytes.getAttribute("aria-valuetext")) === want);
  await page.keyboard.press("ArrowRight");
  await says("byte 59: 2a · a command of 3 words");
  await page.keyboard.press("ArrowRight");
  await says("byte 60: 33 · a command of 3 words");
  await page.keyboard.press("PageUp");
  await says("byte 63: 24 · length: 3 bytes");
  await page.keyboard.press("PageUp");
  await says("byte 67: 53 · the command");
  await page.keyboard.press("End");
  await says("byte 91: 0a · argument 2 of 2");
  assert.deepEqual(complaints, []);
  await close();
});

test("in the wire a byte tells its field, and a field its bytes; also of what no stream counts", { timeout: 90_000 }, async () => {
  const { page, complaints, close } = await open(browser, site.url);
  await apart(page);
  await page.locator('.inspector [data-do="page wire"]').click();
  await page.locator(".packets tr:has-text('SET city') td").nth(1).click();
  await page.locator(".hex i").nth(22).hover();
  await until(page, "the byte", async () => (await told(page, "byte")) === "Byte 81: 0a, 23/33");
  assert.equal(await told(page, "field"), "argument 1 of 2");
  assert.equal(await page.locator(".hex .of").count(), 6);
  await page.getByTestId("parts").getByRole("button", { name: "Oslo" }).hover();
  await until(page, "the other field", async () => (await told(page, "field")) === "argument 2 of 2");
  assert.equal(await page.locator(".hex .of").allInnerTexts().then((all) => all.join("")), Buffer.from("Oslo\r\n").toString("hex"));
  // Of the handshake: bytes of no stream, with keys alone.
  await page.locator('.sift [data-do="wire-kind 1"]').click();
  await page.locator(".packets tr:has-text('FULLRESYNC') button").first().press("Enter");
  await page.locator(".byte button").last().press("Enter");
  await until(page, "the first byte", async () => /^Byte \+0: 2b ?\+, 1\/\d+$/.test(await told(page, "byte")));
  assert.equal(await told(page, "field"), "a status");
  assert.deepEqual(complaints, []);
  await close();
});

test("at the pace of steps time stands, and Space is one event", { timeout: 90_000 }, async () => {
  const { page, complaints, close } = await open(browser, site.url);
  await page.locator('.transport [data-do="pace 4"]').click();
  assert.equal(await page.locator('.transport [data-do="pace 4"]').innerText(), "Step");
  const event = async () => Number((await page.getByTestId("events").innerText()).match(/(\d+) \//)[1]);
  await line(page, "SET hello world");
  const before = await event();
  await page.waitForTimeout(300); // long enough for a hop at any pace
  assert.equal(await event(), before);
  assert.equal(await offset(page, "r1"), 0);
  await page.evaluate(() => document.activeElement.blur());
  await page.keyboard.press("Space");
  await until(page, "one event", async () => (await event()) === before + 1);
  for (let i = 0; i < 40 && (await offset(page, "r1")) !== 58; i++) await page.keyboard.press(".");
  await until(page, "it came", async () => (await offset(page, "r1")) === 58);
  await line(page, ":pace 10");
  assert.equal(await page.locator('.transport [data-do="pace 3"]').getAttribute("aria-pressed"), "true");
  assert.deepEqual(complaints, []);
  await close();
});

test("b goes from ring to line to table, d shows what is selected, j and a their pages", { timeout: 90_000 }, async () => {
  const { page, complaints, close } = await open(browser, site.url);
  const on = (selector) => until(page, selector, async () => (await page.locator(selector).getAttribute("aria-pressed")) === "true");
  for (const form of ["line", "table", "ring"]) {
    await page.keyboard.press("b");
    await on(`.switch [data-do="face ${form}"]`);
  }
  await page.keyboard.press("2");
  await page.keyboard.press("d");
  const page_ = (name) => until(page, name, async () => (await page.locator(`#tab-${name}`).getAttribute("aria-selected")) === "true");
  await page_("node");
  await page.keyboard.press("j");
  await page_("ring");
  await page.keyboard.press("a");
  await page_("keys");
  assert.deepEqual(complaints, []);
  await close();
});

test("sixteen bytes stand in a row where there is room, eight where there is not", { timeout: 90_000 }, async () => {
  const { page, close } = await open(browser, site.url);
  await apart(page);
  await page.locator(".packets tr:has-text('SET city') td").nth(1).click();
  const rows = () => page.locator(".hex i").evaluateAll((all) => Object.values(Object.groupBy(all, (e) => Math.round(e.getBoundingClientRect().top))).map((row) => row.length));
  assert.deepEqual(await rows(), [8, 8, 8, 8, 1]);
  await page.getByTestId("big").click();
  await until(page, "wide rows", async () => (await rows()).join() === "16,16,1");
  await close();
});
