// Small things of the panels: one byte of a packet, heartbeats alone, the lanes of other branches, a minute at once, and how an
// embedded page is to be.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import jsQR from "jsqr";
import { browse, line, number, open, serve, type, until } from "./visitor.mjs";

let browser, site;
before(async () => ([browser, site] = await Promise.all([browse(), serve()])));
after(async () => {
  await browser?.close();
  site?.close();
});

const offset = (page, node) => number(page, `[data-node=${node}]`, "data-offset");
const written = async (page, line, bytes) => {
  const before = await offset(page, "m");
  await type(page, line);
  for (const node of ["m", "r1", "r2"]) await until(page, `${line} at ${node}`, async () => (await offset(page, node)) === before + bytes);
};

test("one byte of a packet is one everywhere, by pointer and by keys", { timeout: 120_000 }, async () => {
  const { page, close, complaints } = await open(browser, site.url);
  await written(page, "SET city Oslo", 56);
  await page.locator(".packets tr", { hasText: "2 commands" }).first().click();
  await page.locator(".frames button", { hasText: "SET city Oslo" }).click();
  // The command's bytes are those of redis-cli, in hexadecimal.
  const bytes = page.locator(".hex i");
  assert.equal(Buffer.from((await bytes.allInnerTexts()).join(""), "hex").toString(), "*3\r\n$3\r\nSET\r\n$4\r\ncity\r\n$4\r\nOslo\r\n");
  await bytes.nth(8).click(); // the S of SET: byte 9 of 33, which begin at 24
  assert.equal(await page.getByTestId("byte").innerText(), "Byte 32: 53 S, 9/33");
  assert.equal(await page.locator(".hex i.on").innerText(), "53");
  // Selected: the bead of its command, and its key on every node.
  await page.locator(".drawing .cell.on").first().waitFor({ state: "attached" });
  assert.equal(await page.locator(".tiles .on").count(), 2, "the tile of city on both replicas");
  await page.locator(".byte button").last().focus();
  await page.keyboard.press("Enter");
  assert.equal(await page.getByTestId("byte").innerText(), "Byte 33: 45 E, 10/33");
  for (let i = 0; i < 9; i++) await page.locator(".byte button").first().click();
  assert.equal(await page.getByTestId("byte").innerText(), "Byte 24: 2a *, 1/33");
  assert.ok(await page.locator(".byte button").first().isDisabled(), "before the first there is none");
  // What is no part of a stream has no number.
  await page.locator(".sift button", { hasText: "handshake" }).click();
  await page.locator(".packets tbody tr").first().click();
  assert.ok((await bytes.count()) > 0 && (await page.locator(".hex i[data-do^='select bytes:']").count()) === 0);
  assert.deepEqual(complaints, []);
  await close();
});

test("ACK and PING alone, each of them", { timeout: 120_000 }, async () => {
  const { page, close } = await open(browser, site.url);
  await written(page, "SET a 1", 50);
  await page.getByTestId("pass-60").click();
  await until(page, "PINGs", async () => (await offset(page, "m")) >= 50 + 5 * 14);
  const kinds = () => page.locator(".packets tbody tr").evaluateAll((rows) => [...new Set(rows.map((row) => row.cells[2].innerText))]);
  for (const kind of ["ACK", "PING"]) {
    await page.locator(".sift button", { hasText: kind }).click();
    await until(page, `only ${kind}`, async () => String(await kinds()) === kind);
    assert.ok((await page.locator(".packets tbody tr").count()) > 5 && !(await page.locator(".packets tr.fold").count()));
  }
  await page.locator(".sift button", { hasText: "all" }).click();
  await until(page, "all but heartbeats", async () => (await kinds()).includes("RDB") && !(await kinds()).includes("ACK"));
  await close();
});

test("the lane of a branch is a way to it", { timeout: 120_000 }, async () => {
  const { page, close } = await open(browser, site.url);
  await written(page, "SET a 1", 50);
  await written(page, "SET b 1", 27);
  await page.keyboard.press("Escape");
  await page.evaluate(() => document.activeElement.blur());
  await page.keyboard.press("Home");
  await page.getByTestId("past").waitFor();
  await type(page, "SET c 1");
  const lane = page.locator(".kept g");
  await lane.waitFor();
  const shown = () => page.locator(".clock .branches .segments [aria-pressed=true]").innerText();
  assert.equal(await shown(), "B");
  // A click on its name; a press there moves no handle.
  await lane.locator("text").click();
  await until(page, "branch A", async () => (await shown()) === "A");
  // The same time as on the other branch, which had gone on meanwhile; what is there follows to its end.
  await page.keyboard.press("End");
  await until(page, "what was written in it", async () => (await offset(page, "m")) === 77);
  await close();
});

test("how an embedded page is to be: both codes and the preview follow", { timeout: 120_000 }, async () => {
  const { page, close } = await open(browser, site.url);
  await page.evaluate(() => document.activeElement.blur());
  await page.keyboard.press("s");
  const [element, frame] = [page.locator("#share-element"), page.locator("#share-embed")];
  assert.match(await element.inputValue(), /<ringside-playground link="1[\w-]+" style="display:block;width:720px;max-width:100%;height:480px">/);
  assert.match(await frame.inputValue(), /\?embed#1[\w-]+" width="720" height="480"/);
  for (const name of ["whole width", "nodes, time", "dark", "中文", "only look"]) await page.locator(".presets").getByRole("button", { name, exact: true }).click();
  assert.match(await element.inputValue(), /link="1[\w-]+" panes="stage,time" theme="dark" lang="zh" readonly="on" style="display:block;width:100%;max-width:100%;height:420px">/);
  assert.match(await frame.inputValue(), /\?embed&panes=stage,time&theme=dark&lang=zh&readonly=on#1[\w-]+" width="100%" height="420"/);
  const preview = page.frameLocator(".preview");
  await preview.getByRole("button", { name: "运行" }).click();
  await preview.locator("[data-node=r2][data-link=online]").waitFor({ state: "attached" });
  const root = await preview.locator(":root").evaluate((e) => [e.dataset.theme, e.lang, e.dataset.panes, e.dataset.readonly]);
  assert.deepEqual(root, ["dark", "zh-CN", "stage time", "on"]);
  await close();
});

test("embedded: the ring, the line or the sequence alone, or a step of a lesson", { timeout: 180_000 }, async () => {
  const { page, complaints, close } = await open(browser, site.url);
  await line(page, ":cut m r1");
  await line(page, "SET tea mint");
  await page.evaluate(() => document.activeElement.blur());
  await page.keyboard.press("s");
  const preset = (name) => page.locator(".presets").getByRole("button", { name, exact: true }).click();
  const [element, code] = [page.locator("#share-element"), page.locator("#share-embed")];
  assert.equal(await page.locator(".presets").getByRole("button", { name: "this step of the lesson" }).count(), 0, "no lesson is open");
  const preview = page.frameLocator(".preview");
  const shown = async () => {
    const seen = [];
    for (const [name, selector] of Object.entries({ plates: ".stage .plate", ring: ".stage .ring", line: ".face .line-view", sequence: ".inspector .sequence", words: ".guide .lesson", console: ".console" }))
      if (await preview.locator(selector).first().isVisible()) seen.push(name);
    return seen.join(" ");
  };
  for (const [name, pane, want] of [["the ring", "ring", "ring"], ["the line", "line", "line"], ["the sequence", "sequence", "sequence"]]) {
    await preset(name);
    assert.match(await element.inputValue(), new RegExp(` panes="${pane}" `));
    assert.match(await code.inputValue(), new RegExp(`\\?embed&panes=${pane}#1`));
    await preview.locator("#run").click();
    await until(page, `${pane} alone`, async () => (await shown()) === want);
  }
  await close();

  const lesson = await open(browser, `${site.url}?lesson=l06.2`);
  await lesson.page.locator(".guide .lesson .step, .guide .lesson").first().waitFor();
  await lesson.page.evaluate(() => document.activeElement.blur());
  await lesson.page.keyboard.press("s");
  await lesson.page.locator(".presets").getByRole("button", { name: "this step of the lesson" }).click();
  assert.match(await lesson.page.locator("#share-element").inputValue(), /<ringside-playground lesson="l06\.2" style/);
  const frame = await lesson.page.locator("#share-embed").inputValue();
  assert.match(frame, /\?embed&lesson=l06\.2" width/);
  const address = /src="([^"]*)"/.exec(frame)[1];
  await lesson.page.goto(`${address}&run`);
  await lesson.page.locator(".guide .lesson").waitFor();
  for (const selector of [".guide .lesson", ".stage .plate", ".stage .ring", ".console"]) assert.ok(await lesson.page.locator(selector).first().isVisible(), selector);
  assert.deepEqual([...complaints, ...lesson.complaints], []);
  await lesson.close();
});

test("a master that knows only SYNC: the switch, the fall back, and what memory is for", { timeout: 120_000 }, async () => {
  const { page, close } = await open(browser, site.url);
  await page.locator("[data-do='page faults']").first().click();
  await page.locator("[data-do='act psync m gone']").click();
  await page.locator("[data-testid=console-output]", { hasText: ":psync m gone" }).waitFor();
  assert.equal(await page.locator("[data-do='act psync m gone']").getAttribute("aria-pressed"), "true");
  await type(page, ":cut m r1");
  await type(page, "SET city Oslo");
  await until(page, "the write on m", async () => (await offset(page, "m")) === 56);
  await type(page, ":restore m r1");
  await until(page, "r1 to be back by SYNC", async () => (await page.locator("[data-node=r1]").getAttribute("data-link")) === "online" && (await page.locator("[data-node=r1]").getAttribute("data-keys")) === "4");
  await page.locator("[data-do='page wire']").first().click();
  await page.locator(".sift button", { hasText: "handshake" }).click();
  const said = (await page.locator(".packets tbody tr").allInnerTexts()).map((row) => row.split("\t").slice(1, 4).join(" "));
  const refused = said.findIndex((row) => /^m→r1 -ERR unknown/.test(row));
  assert.match(said[refused - 1], /^r1→m PSYNC 3cc2d7ab/);
  assert.match(said[refused + 1], /^r1→m SYNC/);
  // Of m: what the page says is what INFO memory says, when both are asked in one moment.
  await page.locator("[data-do='page node']").first().click();
  const names = ["mem_replication_backlog", "mem_clients_slaves"];
  let told;
  await until(page, "the page and INFO memory to say the same", async () => {
    await type(page, "@m INFO memory");
    told = await page.locator("[data-testid=memory] dl > div").evaluateAll((rows) => Object.fromEntries(rows.map((row) => [row.querySelector("dt").innerText, Number(row.querySelector("dd").innerText.replace(/\D/g, ""))])));
    const info = await page.locator("[data-testid=console-output]").innerText();
    return names.every((name) => String(told[name]) === [...info.matchAll(new RegExp(`^${name}:(\\d+)`, "gm"))].at(-1)?.[1]);
  });
  assert.ok(told.mem_replication_backlog >= 56, JSON.stringify(told));
  // The same switch is below the steps of the handshake.
  await page.locator("[data-do='select node:r1'], [data-do='select focus:r1']").first().click();
  await page.locator(".handshake .toggle[aria-pressed=true]").click();
  await page.locator("[data-testid=console-output]", { hasText: ":psync m ok" }).waitFor();
  await page.locator(".handshake .toggle[aria-pressed=false]").waitFor();
  await close();
});

test("the QR code is the link, as a camera sees it", { timeout: 120_000 }, async () => {
  for (const query of ["?theme=light", "?theme=dark&lang=zh"]) {
    const { page, context, close } = await open(browser, site.url + query);
    await written(page, "SET city Oslo", 56);
    await page.evaluate(() => document.activeElement.blur());
    await page.keyboard.press("s");
    const link = await page.locator("#share-link").inputValue();
    const picture = await page.getByTestId("qr").screenshot();
    // The pixels, by a canvas of a page without a policy.
    const blank = await context.newPage();
    const [width, height, pixels] = await blank.evaluate(async (png) => {
      const image = await createImageBitmap(await (await fetch(`data:image/png;base64,${png}`)).blob());
      const pen = new OffscreenCanvas(image.width, image.height).getContext("2d");
      pen.drawImage(image, 0, 0);
      return [image.width, image.height, [...pen.getImageData(0, 0, image.width, image.height).data]];
    }, picture.toString("base64"));
    assert.equal(jsQR(Uint8ClampedArray.from(pixels), width, height)?.data, link, query);
    await blank.close();
    // Of a link that is too long for that there is none, and the link is there.
    await page.keyboard.press("Escape");
    await type(page, `SET k ${Array.from({ length: 1200 }, (_, i) => (i * 7919).toString(36)).join("")}`);
    await until(page, "the long write", async () => (await offset(page, "m")) > 2000);
    await page.evaluate(() => document.activeElement.blur());
    await page.keyboard.press("s");
    assert.ok((await page.locator("#share-link").inputValue()).length > 1200);
    assert.equal(await page.getByTestId("qr").count(), 0);
    await close();
  }
});

/** Which of the boxes that `selector` finds lie on each other, by what they say. */
const onEachOther = (page, selector) =>
  page.locator(selector).evaluateAll((all) => {
    const boxes = all.filter((e) => e.getClientRects().length).map((e) => [e.textContent, e.getBoundingClientRect()]);
    const meet = (a, b) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 2 && b.top < a.bottom - 2;
    return boxes.flatMap(([name, box], i) => boxes.slice(i + 1).filter(([, other]) => meet(box, other)).map(([other]) => `${name} / ${other}`));
  });

test("in the sequence no words lie on others, however close the packets are", { timeout: 240_000 }, async () => {
  for (const [width, height, lang] of [[1440, 900, "en"], [1024, 768, "zh"], [390, 844, "en"]]) {
    const { page, close } = await open(browser, `${site.url}?lang=${lang}`, { viewport: { width, height } });
    await line(page, ":cut m r1");
    for (let i = 0; i < 6; i++) await line(page, `SET key${i} value`);
    await line(page, ":restore m r1");
    await until(page, "r1 back", async () => (await offset(page, "r1")) === (await offset(page, "m")));
    if (width < 576) await page.locator('.tabs [data-do="tab inspect"]').click();
    await page.locator('.inspector [data-do="page sequence"]').click();
    const words = page.locator(".sequence .words text");
    await words.first().waitFor();
    for (const big of width < 576 ? [false] : [false, true]) {
      if (big) await page.getByTestId("big").click();
      await until(page, `no words on others at ${width}`, async () => (await onEachOther(page, ".sequence .words text")).length === 0, 5_000);
      assert.ok((await words.count()) >= 0.9 * (await page.locator(".sequence .arrow").count()), "nearly every arrow has its words");
    }
    // What the lines say beside: how the snapshot was made and loaded, and that r1 was away.
    for (const part of ["dump", "load", "away"]) assert.ok((await page.locator(`.sequence .${part}`).count()) > 0, part);
    await close();
  }
});

test("on the wires no words lie on others, whatever passes", { timeout: 120_000 }, async () => {
  for (const [width, height] of [[1440, 900], [1024, 768], [390, 844]]) {
    const { page, close } = await open(browser, site.url, { viewport: { width, height } });
    for (const text of [":bandwidth m r1 100", ":latency m r2 400ms", "SET a 1"]) await line(page, text);
    const seen = new Set();
    const end = Date.now() + 8_000;
    while (Date.now() < end && seen.size < 2) {
      assert.deepEqual(await onEachOther(page, ".drawing .wires text, .drawing [data-beads] .said"), []);
      for (const text of await page.locator(".drawing .wires text, .drawing [data-beads] .said:not([display])").allTextContents()) if (text.startsWith("ACK") || width < 1440) seen.add(text);
    }
    assert.ok(seen.size >= (width < 1440 ? 2 : 1), `there were words: ${[...seen]}`);
    await close();
  }
});

test("on a phone the verdict is one row, whatever it is", { timeout: 120_000 }, async () => {
  for (const [lang, full, partial] of [["en", "no history to compare", "56 bytes, no snapshot"], ["zh", "没有历史可比", "56 个字节，不需要快照"]]) {
    const { page, complaints, close } = await open(browser, `${site.url}?lang=${lang}`, { viewport: { width: 360, height: 780 }, hasTouch: true });
    const verdict = page.getByTestId("verdict");
    const row = async (outcome, words) => {
      await until(page, outcome, async () => (await verdict.innerText()).replace(/\s+/g, " ") === `${outcome} ${words}`);
      const { height } = await verdict.boundingBox();
      assert.ok(height < 32, `${words}: ${height}`);
    };
    await row("+FULLRESYNC", full);
    for (const text of [":cut m r1", "SET city Oslo", ":restore m r1"]) await line(page, text);
    await row("+CONTINUE", partial);
    await line(page, ":cut m r1");
    for (let i = 0; i < 20; i++) await line(page, `SET key${i} a-value-of-some-length`);
    await line(page, ":restore m r1");
    await until(page, "a full one", async () => (await verdict.getAttribute("data-cause")) === "too-old");
    const { height } = await verdict.boundingBox();
    assert.ok(height < 32, `${await verdict.innerText()}: ${height}`);
    // A page that a line opens is drawn as wide as it is.
    await line(page, ":page sequence");
    await page.locator(".sequence .words text").first().waitFor();
    await until(page, "no words on others", async () => (await onEachOther(page, ".sequence .words text")).length === 0, 5_000);
    assert.deepEqual(complaints, []);
    await close();
  }
});

test("what a console line opens is seen on a phone too", { timeout: 120_000 }, async () => {
  const { page, complaints, close } = await open(browser, site.url, { viewport: { width: 390, height: 844 }, hasTouch: true });
  await line(page, "SET a 1");
  await until(page, "the write", async () => (await offset(page, "r1")) === 50);
  const tab = (name) => page.locator(`.tabs [data-do="tab ${name}"]`).click();
  const now = () => page.locator(".app").getAttribute("data-tab");
  for (const [typed, want, seen] of [[":keys h*", "inspect", ".dataset"], [":try", "nodes", ".trying"], [":page charts", "inspect", ".charts"], [":blocks", "nodes", ".blocks-lane"]]) {
    await tab("console");
    await type(page, typed);
    await until(page, `${typed} shows ${want}`, async () => (await now()) === want);
    assert.ok(await page.locator(`${seen} >> visible=true`).first().isVisible(), `${typed} shows ${seen}`);
  }
  // The ring has a tab of its own, and the page that was there before keeps its tab.
  await tab("backlog");
  await page.locator(".backlog tbody tr >> visible=true").first().waitFor();
  assert.equal(await page.locator("[role=tab] >> visible=true").count(), 0);
  await tab("inspect");
  await page.locator(".charts >> visible=true").waitFor();
  await tab("nodes");
  // The form of the PSYNC that nobody sends, with the needle on a line: it has its place on the phone.
  const hand = page.locator(".lined .hand");
  await hand.waitFor();
  const byte = async () => Number(await hand.getAttribute("aria-valuenow"));
  const first = await byte();
  await hand.focus();
  await page.keyboard.press("End");
  await until(page, "the next byte", async () => (await byte()) === (await offset(page, "m")) + 1);
  await page.keyboard.press("Home");
  await until(page, "the oldest byte", async () => (await byte()) === first);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(wide <= 0, `${wide} px too wide`);
  assert.deepEqual(complaints, []);
  await close();
});

test("the needle is on the line of the drum, by keys and by pointer", { timeout: 120_000 }, async () => {
  const { page, close } = await open(browser, site.url);
  for (let i = 0; i < 4; i++) await line(page, `SET key${i} ${"x".repeat(20)}`);
  await until(page, "the writes", async () => (await offset(page, "r1")) === (await offset(page, "m")) && (await offset(page, "m")) > 100);
  await page.locator('.switch [data-do="face line"]').click();
  await page.evaluate(() => document.activeElement.blur());
  await page.keyboard.press("m");
  const hand = page.locator(".face .lined .hand");
  await hand.waitFor();
  const byte = async () => Number(await hand.getAttribute("aria-valuenow"));
  const [first, next] = [await byte(), (await offset(page, "m")) + 1];
  await hand.focus();
  await page.keyboard.press("Escape"); // a key that is none of its own
  await page.keyboard.press("End");
  await until(page, "the next byte", async () => (await byte()) === next);
  // Dragged to a quarter of the ring: the byte that lies there.
  const [box, grip] = [await page.locator(".face .line-view").boundingBox(), await hand.locator(".grip").boundingBox()];
  const size = await number(page, "[data-testid=ring]", "data-size");
  await page.mouse.move(grip.x + grip.width / 2, grip.y + grip.height / 2);
  await page.mouse.down();
  const want = first + 64;
  await page.mouse.move(box.x + box.width * (0.02 + (0.96 * 64) / size), grip.y + 5, { steps: 4 });
  await until(page, `byte ${want}`, async () => Math.abs((await byte()) - want) <= 2);
  await page.mouse.up();
  assert.equal(await page.locator(".trying [data-testid=decision]").getAttribute("data-outcome"), "continue");
  await page.locator('.switch [data-do="face try"]').click();
  await until(page, "no needle", async () => (await hand.count()) === 0);
  assert.ok(await page.locator(".face .line-view").isVisible(), "the line stays");
  await close();
});

test("Tab completes every line with a colon, subcommands and directives; lines that come in one moment are all done", { timeout: 60_000 }, async () => {
  const { page, close } = await open(browser, site.url);
  const input = page.getByTestId("console-input");
  for (const [typed, full] of [[":tr", ":try"], [":blo", ":blocks"], [":key", ":keys"], [":keys la", ":keys lang"], [":page seq", ":page sequence"], [":bandw", ":bandwidth"], [":focus r", ":focus r1"],
    ["config ge", "config get"], ["CONFIG SET repl-ti", "CONFIG SET repl-timeout"], ["CONFIG SET repl-diskless-load on", "CONFIG SET repl-diskless-load on-empty-db"], ["XINFO S", "XINFO STREAM"]]) {
    await input.fill(typed);
    await page.locator("#console-input[data-more]").waitFor();
    await page.keyboard.press("Tab");
    await until(page, full, async () => (await input.inputValue()) === full);
  }
  await input.fill("");
  // Two of them before anything is drawn.
  await page.evaluate(() => {
    for (const text of ["SET one 1", "SET two 2", ":page charts"]) {
      document.documentElement.dataset.do = `run ${text}`;
      window.dispatchEvent(new Event("command"));
    }
  });
  await page.locator(".charts").waitFor();
  assert.deepEqual(await page.locator(".console .input b").allInnerTexts(), ["SET one 1", "SET two 2"]);
  await close();
});

test("the ring by keys: from command to command, and Enter shows the packet", { timeout: 120_000 }, async () => {
  const { page, complaints, close } = await open(browser, site.url);
  for (const key of ["one", "two", "three"]) await line(page, `SET ${key} x`);
  const size = 23 + 29 + 29 + 31;
  await until(page, "the writes", async () => (await offset(page, "r1")) === size && (await offset(page, "r2")) === size);
  const ring = page.getByRole("slider", { name: "Commands in the ring of m" });
  await ring.focus();
  const says = async (want) => until(page, want, async () => (await ring.getAttribute("aria-valuetext")).startsWith(want));
  for (const [key, want] of [["ArrowLeft", "SET three x"], ["ArrowLeft", "SET two x"], ["Home", "SELECT 0"], ["ArrowRight", "SET one x"], ["End", "SET three x"], ["PageDown", "SELECT 0"], ["ArrowUp", "SET one x"]]) {
    await page.keyboard.press(key);
    await says(want);
  }
  assert.match(await ring.getAttribute("aria-valuetext"), /^SET one x\nbytes 24–52 \(29\), db 0, at [\d.]+ s/);
  // The same bytes are lit elsewhere, and Enter opens the page that has them in hexadecimal.
  await page.locator(".tiles .on").first().waitFor({ state: "attached" });
  await page.locator('.inspector [data-do="page log"]').click();
  await ring.focus();
  await page.keyboard.press("Enter");
  await page.locator(".packets .lit, .packets .on").first().waitFor();
  // Away from the ring Enter opens what is selected, and Escape leaves it.
  await page.locator('.inspector [data-do="page log"]').click();
  await page.evaluate(() => document.activeElement.blur());
  await page.keyboard.press("Enter");
  await page.locator(".packets").waitFor();
  await ring.focus();
  await page.keyboard.press("Escape");
  await until(page, "nothing selected", async () => (await page.locator(".tiles .on").count()) === 0);
  assert.deepEqual(complaints, []);
  await close();
});

test("charts tell what is lost and stale, and where a replica is disconnected, in words and rows", { timeout: 120_000 }, async () => {
  const { page, complaints, close } = await open(browser, site.url);
  await page.locator('.inspector [data-do="page charts"]').click();
  const figure = (i) => page.locator(".charts figure").nth(i);
  const says = (i, want) => until(page, want, async () => (await figure(i).locator("figcaption").innerText()).replace(/\u202f/g, "").includes(want));
  const step = async (line, node) => {
    await type(page, line);
    await until(page, line, async () => (await offset(page, node)) === (await offset(page, "m")) && (await offset(page, "m")) > 0);
  };
  await says(4, "No acknowledged write is lost; no read was stale.");
  await says(3, "a replica of m; at 268435456 B it is disconnected.");
  assert.equal(await figure(3).locator(".limit").count(), 0, "far above the curve");
  // The ring is larger than what is set: it is the limit.
  const ring = await number(page, "[data-testid=ring]", "data-size");
  await type(page, `CONFIG SET client-output-buffer-limit "replica ${ring - 50} 0 0"`);
  await says(3, `at ${ring} B it is disconnected.`);
  // What is written while a snapshot is made waits for its end.
  for (const line of [":slow m 2000 child", ":kill r1", ":start r1 empty"]) await type(page, line);
  await page.locator("[data-node=r1][data-link=waits-for-snapshot]").waitFor({ state: "attached" });
  await step(`SET pad ${"x".repeat(ring / 2)}`, "r2");
  await figure(3).locator("path.limit").waitFor({ state: "attached" });
  assert.equal((await figure(3).locator("span.limit").innerText()).replace(/\u202f/g, ""), `limit ${ring} B`);

  const newest = () => page.locator(".charts tbody tr").first().locator("td").allInnerTexts();
  await page.locator('.charts [data-do="table"]').click();
  const at = (await page.locator(".charts thead th").allInnerTexts()).indexOf("m waiting / limit");
  const [waits, limit] = (await newest())[at].replace(/\u202f/g, "").split(" / ").map(Number);
  assert.ok(waits > ring / 2 && limit === ring, `${waits} of ${limit}`);
  await page.locator('.charts [data-do="table"]').click();

  for (const line of [":cut m r1", ":cut m r2", "SET b 2", "SET c 3", "@r2 INFO server", "@r2 PING"]) await type(page, line);
  await says(4, "No acknowledged write is lost; no read was stale.");
  await type(page, "@r2 GET b");
  await says(4, "No acknowledged write is lost; 1 read was stale.");
  await type(page, "@all GET b");
  await says(4, "2 reads were stale.");
  await type(page, ":kill m");
  await says(4, "2 acknowledged writes are lost; 2 reads were stale.");
  assert.deepEqual(await figure(4).locator(".ends .num").allInnerTexts(), ["2", "2"]);

  await page.locator('.charts [data-do="table"]').click();
  assert.deepEqual((await newest()).slice(-2), ["2", "2"]);
  assert.deepEqual(complaints, []);
  await close();
});

test("a line of the log is a way to its moment; one moment for all charts; short ways to all panels", { timeout: 120_000 }, async () => {
  const { page, complaints, close } = await open(browser, site.url);
  await line(page, "SET a 1");
  await until(page, "the write", async () => (await offset(page, "r1")) === 50);
  await line(page, "BGSAVE");
  await line(page, "SET b 1");
  await until(page, "the next write", async () => (await offset(page, "r1")) === 77);
  await page.locator('.inspector [data-do="page log"]').click();
  assert.equal(await page.locator(".log li", { hasText: "Starting BGSAVE" }).first().locator("button").count(), 0, "no way to what was before the world");
  const time = page.locator(".log li", { hasText: "Background saving started" }).last().locator("button");
  const want = await time.innerText();
  await time.click();
  await page.getByTestId("past").waitFor();
  await until(page, `the moment ${want}`, async () => (await page.locator(".clock .time").innerText()).startsWith(want));
  await page.getByTestId("past").getByRole("button").click();
  await until(page, "now", async () => (await page.getByTestId("past").count()) === 0);

  await page.locator('.inspector [data-do="page charts"]').click();
  const cross = page.getByRole("slider", { name: "Moment of the values" });
  const m = () => page.locator(".charts figure").nth(1).locator(".ends .num").first().innerText();
  assert.match(await m(), /^77/, "the newest value");
  await cross.focus();
  await page.keyboard.press("Home");
  await until(page, "the first value", async () => /^0/.test(await m()));
  assert.equal(await page.locator(".curves .across").count(), 5);
  const plot = await page.locator(".charts .curves").first().boundingBox();
  await page.mouse.move(plot.x + plot.width * 0.9, plot.y + plot.height / 2);
  await until(page, "the pointer's moment", async () => Math.abs(Number(await cross.getAttribute("aria-valuenow")) - 900) < 20);

  for (const [name, id] of [["To the inspector", "inspector"], ["To the timeline", "time"]]) {
    await page.locator(".skip a", { hasText: name }).focus();
    await page.keyboard.press("Enter");
    await until(page, name, async () => (await page.evaluate(() => document.activeElement.id)) === id);
  }
  assert.deepEqual(complaints, []);
  await close();
});

test("a snapshot is compared with the keys of its node", { timeout: 60_000 }, async () => {
  const { page, close } = await open(browser, site.url);
  for (const text of ["BGSAVE", "SET fresh 1", "DEL lang"]) await line(page, text);
  await until(page, "the writes", async () => (await offset(page, "m")) > 70);
  await page.locator('.inspector [data-do="page rdb"]').click();
  await until(page, "what differs", async () => /only in the file lang; only there fresh$/.test(await page.getByTestId("compared").innerText()));
  await close();
});

test("a dialog that is asked for while another one closes is there", { timeout: 60_000 }, async () => {
  const { page, complaints, close } = await open(browser, site.url);
  await page.keyboard.press("Control+k");
  await page.locator("dialog[open] #find").waitFor();
  // The browser closes it, and tells so when the next key has come already.
  await page.evaluate(() => {
    const dialog = document.querySelector("dialog[open]");
    dialog.dispatchEvent(new Event("cancel"));
    dialog.close();
    document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "k", ctrlKey: true, bubbles: true }));
  });
  await page.waitForTimeout(300);
  assert.ok(await page.locator("dialog[open] #find").isVisible());
  for (let i = 0; i < 10; i++) {
    await page.keyboard.press("Escape");
    await page.keyboard.press("Control+k");
  }
  await page.waitForTimeout(300);
  assert.ok(await page.locator("dialog[open] #find").isVisible(), "and as fast as a hand can");
  await page.keyboard.press("Escape");
  await until(page, "none", async () => (await page.locator("dialog > :not(.close)").count()) === 0);
  assert.equal(await page.locator("dialog[open]").count(), 0);
  assert.deepEqual(complaints, []);
  await close();
});

test("who wants less motion begins at pace Step, in the next world too, and may choose otherwise", { timeout: 60_000 }, async () => {
  const { page, complaints, close } = await open(browser, site.url, { reducedMotion: "reduce" });
  const pace = page.locator('.transport [aria-pressed="true"]');
  assert.equal(await pace.innerText(), "Step");
  await type(page, "SET hello world");
  await until(page, "the write", async () => (await offset(page, "m")) === 58);
  await page.waitForTimeout(1_000);
  assert.equal(await offset(page, "r1"), 0, "nothing goes on by itself");
  await page.keyboard.press("Escape");
  await page.evaluate(() => document.activeElement.blur());
  for (let i = 0; i < 6 && (await offset(page, "r2")) < 58; i++) await page.keyboard.press("Space");
  await until(page, "the write at r2", async () => (await offset(page, "r2")) === 58);
  await line(page, ":lesson l06");
  await page.locator(".guide .lesson").waitFor();
  assert.equal(await pace.innerText(), "Step");
  await line(page, ":pace auto");
  await line(page, ":lesson l01");
  await until(page, "pace Auto in another lesson", async () => (await pace.innerText()) === "Auto");
  assert.deepEqual(complaints, []);
  await close();
  // A page around it may want the same.
  const embedded = await open(browser, `${site.url}?embed&speed=step`);
  await until(embedded.page, "pace Step", async () => (await embedded.page.locator('.transport [aria-pressed="true"]').textContent()) === "Step");
  await embedded.close();
});
