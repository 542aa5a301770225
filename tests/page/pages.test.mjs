// The pages of the inspector and the timeline, driven as a visitor would: each says what is true, in both languages, and
// the same bytes light up in all of them.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { attr, browse, number, open, serve, type, until } from "./visitor.mjs";

let browser, site;
before(async () => ([browser, site] = await Promise.all([browse(), serve()])));
after(async () => {
  await browser?.close();
  site?.close();
});

const offset = (page, node) => number(page, `[data-node=${node}]`, "data-offset");
const inStep = (page) => async () => {
  const [m, r1, r2] = [await offset(page, "m"), await offset(page, "r1"), await offset(page, "r2")];
  return m > 0 && r1 === m && r2 === m; // nothing was written yet: that is no step
};
const show = (page, name) => page.locator(`.inspector [data-do="page ${name}"]`).click();
const text = (page, selector) => page.locator(selector).first().innerText();

test("what PSYNC would get now is what it gets", { timeout: 120_000 }, async () => {
  const { page, complaints, close } = await open(browser, site.url);
  await type(page, "SET city Oslo");
  await until(page, "all in step", inStep(page));
  await type(page, ":cut m r1");
  await type(page, "SET tea mint");
  await show(page, "psync");
  await page.locator('[data-do="probe r1"]').click();
  const decision = page.getByTestId("decision");
  assert.equal(await decision.getAttribute("data-outcome"), "continue");
  assert.match(await decision.innerText(), /32 bytes follow[\s\S]*Sending 32 bytes of backlog starting from offset 57\./);
  // The same question for a byte that is not there yet.
  await page.getByTestId("probe-byte").fill("9000");
  await until(page, "another answer", async () => (await decision.getAttribute("data-cause")) === "too-far");
  await page.getByTestId("probe-byte").fill("");
  for (let i = 0; i < 8; i++) await type(page, `SET key${i} ${"x".repeat(60)}`);
  await until(page, "a refusal", async () => (await decision.getAttribute("data-cause")) === "too-old");
  // The last of the writes may still be on its way to the page.
  await until(page, "a ring that would have been enough", async () => {
    const needed = (await offset(page, "m")) - (await offset(page, "r1"));
    return (await page.getByTestId("remedy").innerText()).replace(/\s/g, "").includes(`of${needed}bytes`);
  });
  await type(page, ":restore m r1");
  await until(page, "the real answer", async () => (await attr(page, "[data-testid=verdict]", "data-cause")) === "too-old");
  await page.locator('[data-do="probe"]').click();
  assert.equal(await decision.getAttribute("data-cause"), "too-old");
  assert.match(await decision.innerText(), /Unable to partial resync with replica 127\.0\.0\.1:6380 for lack of backlog \(Replica request was: 57\)\./);
  assert.deepEqual(complaints, []);
  await close();
});

test("one gesture: the same bytes in console, ring, wire, hex, tile, keys, backlog, sequence, ledger, snapshot and timeline", { timeout: 120_000 }, async () => {
  const { page, complaints, close } = await open(browser, site.url);
  for (const line of ["SET one 1", "SET two 22", "SET three 333"]) await type(page, line);
  await until(page, "all in step", inStep(page));
  await type(page, "BGSAVE");
  await page.waitForTimeout(1500);
  const lit = {
    wire: ".wire tr:is(.on, .lit)",
    sequence: ".sequence .arrow.on",
    keys: ".dataset tr.on",
    ring: ".backlog tr.on",
    writes: ".ledger tr.on",
    rdb: ".fieldlist .lit",
  };
  const always = { ring: ".ring .cell.on", tile: ".drum .chip.on", console: ".output li.on", timeline: ".timeline .lit" };
  // From where each command is selected: a page, what is clicked there, given its name.
  const sources = [
    ["wire", (key) => `.console .output li:has-text("SET ${key} ") button`],
    ["keys", (key) => `.dataset tr:has(th b:text-is("${key}")) th`],
    ["ring", (key) => `.backlog tbody tr:has-text("SET ${key} ") td.code`],
    ["writes", (key) => `.ledger tbody tr:has-text("SET ${key} ") button`],
    ["rdb", (key) => `.fieldlist .d0 button:has(code:text-is("${key}"))`],
  ];
  for (const [from, where] of sources) {
    for (const key of ["one", "two", "three"]) {
      await page.keyboard.press("Escape");
      await page.evaluate(() => document.activeElement?.blur());
      await page.keyboard.press("Escape");
      await show(page, from);
      await page.locator(where(key)).first().click();
      for (const [name, selector] of Object.entries(always)) {
        await page.locator(selector).first().waitFor({ state: "attached", timeout: 5000 }).catch(() => assert.fail(`${key} selected in ${from}: nothing is lit in ${name}`));
      }
      assert.match(await text(page, always.console), new RegExp(`SET ${key} `));
      for (const [name, selector] of Object.entries(lit)) {
        await show(page, name);
        await page.locator(selector).first().waitFor({ state: "attached", timeout: 5000 }).catch(() => assert.fail(`${key} selected in ${from}: nothing is lit in ${name}`));
      }
      await show(page, "wire");
      assert.ok((await page.locator(".bytes .frames .on").count()) > 0, "the command among its packet's");
    }
  }
  assert.deepEqual(complaints, []);
  await close();
});

test("the timeline seeks, and to act in the past begins a branch", { timeout: 120_000 }, async () => {
  const { page, complaints, close } = await open(browser, site.url);
  await type(page, "SET city Oslo");
  await until(page, "all in step", inStep(page));
  const end = await offset(page, "m");
  const strip = page.getByTestId("strip");
  assert.equal(await page.getByTestId("past").count(), 0);
  const box = await strip.boundingBox();
  await page.mouse.click(box.x + 60, box.y + 50);
  await page.getByTestId("past").waitFor();
  assert.notEqual(await offset(page, "m"), end, "the past is shown");
  await strip.focus();
  await page.keyboard.press("End");
  await until(page, "the present", async () => (await page.getByTestId("past").count()) === 0);
  assert.equal(await offset(page, "m"), end);
  // One event back and forward again.
  await page.keyboard.press("Home");
  await page.getByTestId("past").waitFor();
  await page.keyboard.press("End");
  await page.mouse.move(box.x + box.width * 0.9, box.y + 40);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.4, box.y + 40, { steps: 4 });
  await page.mouse.up();
  await page.getByTestId("past").waitFor();
  await type(page, "SET other future");
  await page.locator(".toast:not(.none)").waitFor();
  assert.equal(await page.locator(".clock .segments button").count(), 2, "two branches");

  // Named, compared, left and deleted, all by keyboard.
  const branch = (line) => page.locator(`.branching [data-do^="${line}"]`);
  const press = async (button) => (await button.focus(), page.keyboard.press("Enter"));
  const openBranches = async () => {
    await page.locator(".clock [data-do=branches]").click();
    await page.locator(".branching[open]").waitFor();
  };
  await page.evaluate(() => document.activeElement?.blur());
  await page.keyboard.press("Shift+B");
  await page.locator(".branching[open]").waitFor();
  const name = page.locator(".branching .here input");
  await name.fill("second thoughts");
  await name.press("Enter");
  await until(page, "the name", async () => (await text(page, ".clock .segments [aria-pressed=true]")) === "second thoughts");
  await press(branch("branch-compare"));
  const told = await page.getByTestId("difference").innerText();
  assert.match(told, /SET other future/, "the deed that made them differ");
  const parts = Number(told.match(/from event (\d+) on/)[1]);
  await press(branch("take seek"));
  await until(page, "the last event that both share", async () => (await page.getByTestId("events").innerText()).startsWith(`event ${parts - 1} /`));
  await openBranches();
  await press(branch("take branch"));
  await openBranches();
  await press(branch("branch-forget"));
  assert.equal(await page.locator(".branch-list > li").count(), 2, "it asks first");
  await press(branch("branch-forget"));
  await until(page, "one branch", async () => (await page.locator(".branch-list > li").count()) === 1);
  await page.keyboard.press("Escape");

  // And undone at once, from the note.
  await until(page, "no dialog, for the page neither", async () => (await page.locator("dialog > :not(.close)").count()) === 0);
  await strip.focus();
  await page.keyboard.press("Home");
  await page.getByTestId("past").waitFor();
  await type(page, "SET third future");
  await page.locator(".toast:not(.none)").waitFor();
  await page.locator('[data-do="take-back"]').click();
  await until(page, "the old branch", async () => (await page.locator(".clock .segments button").count()) === 0);
  assert.deepEqual(complaints, []);
  await close();
});

test("the backlog as ring, line and table; a PSYNC to try", { timeout: 90_000 }, async () => {
  const { page, complaints, close } = await open(browser, site.url);
  for (let i = 0; i < 12; i++) await type(page, `SET key${i} ${"x".repeat(30)}`);
  await until(page, "all in step", inStep(page));
  const face = page.getByTestId("face");
  const form = (name) => page.locator(`.switch [data-do="face ${name}"]`).click();
  const [first, last] = [await number(page, ".ring", "data-first"), await offset(page, "m")];
  await form("line");
  assert.ok((await face.locator(".line-view .cell").count()) >= 5);
  await form("table");
  await face.locator('tr:has-text("SET key11 ") td.code').click();
  await page.locator(".ring .cell.on").first().waitFor({ state: "attached" });
  await page.evaluate(() => document.activeElement?.blur());
  await page.keyboard.press("Escape");
  await page.keyboard.press("m");
  await page.locator(".trying").waitFor();
  const cause = async () => (await attr(page, ".trying [data-testid=decision]", "data-cause")) || (await attr(page, ".trying [data-testid=decision]", "data-outcome"));
  const answers = async (byte, want) => {
    await page.getByTestId("face-byte").fill(String(byte));
    await until(page, `${want} for byte ${byte}`, async () => (await cause()) === want);
  };
  await answers(first, "continue");
  assert.ok((await page.locator(".ring .frame").count()) > 0, "the ring frames what would be sent");
  await answers(first - 1, "too-old");
  await answers(last + 1, "continue");
  await answers(last + 2, "too-far");
  await page.locator(".trying .segments button", { hasText: "another" }).click();
  await until(page, "a strange history", async () => (await cause()) === "other-history");
  await page.locator(".trying .segments button", { hasText: "?" }).click();
  await until(page, "a request for everything", async () => (await cause()) === "new");
  await page.locator(".trying .segments button").first().click();
  // A click on a bead asks for its first byte; nothing was sent by any of this.
  await page.locator(".ring .cell").last().dispatchEvent("click");
  await until(page, "the bead's byte", async () => Number(await page.getByTestId("face-byte").inputValue()) > first);
  assert.equal(await page.locator('.packets tr:has-text("PSYNC")').count(), 2, "those of the beginning");
  await form("ring");
  assert.equal(await face.count(), 0);
  assert.deepEqual(complaints, []);
  await close();
});

test("heartbeats fold into a row that opens; a snapshot is put together from its packets", { timeout: 90_000 }, async () => {
  const { page, complaints, close } = await open(browser, site.url);
  await type(page, "SET hello world");
  await until(page, "all in step", inStep(page));
  await page.locator('.transport [data-do="pass 10"]').click();
  const rows = () => page.locator(".packets tbody tr").count();
  const before = await rows();
  await page.locator("[data-do=heartbeats]").click();
  const fold = page.locator(".packets tr.fold").last();
  await fold.waitFor();
  assert.match(await fold.innerText(), /\d+ × ACK/);
  const folded = await rows();
  assert.ok(folded < before + 20, `${folded} rows, ${before} without heartbeats`);
  await fold.locator("button").focus();
  await page.keyboard.press("Enter");
  await until(page, "the packets of the run", async () => (await rows()) > folded + 5);
  await fold.locator("button").focus();
  await page.keyboard.press("Enter");
  await until(page, "the fold", async () => (await rows()) === folded);

  await page.locator('.packets tr:has-text("RDB")').first().click();
  await page.locator('[data-do="wire-whole 1"]').click();
  const fields = await page.locator(".bytes .fieldlist").innerText();
  assert.match(fields, /REDIS0010[\s\S]*redis-ver = 7\.0\.15/);
  assert.deepEqual(complaints, []);
  await close();
});

test("the console says what went into the stream, what an error means, and offers plain quotes", { timeout: 60_000 }, async () => {
  const { page, complaints, close } = await open(browser, site.url);
  const last = page.locator(".output li").last();
  const said = (selector) => until(page, selector, async () => (await page.locator(`.output ${selector}`).count()) > 0);
  await type(page, "SET s v EX 10");
  await said(".became");
  assert.match(await text(page, ".output .became"), /SET s v PXAT \d{13}$/);
  await type(page, "SET same 'v v'");
  await until(page, "the reply", async () => (await page.locator(".output .input").count()) === 2 && (await last.innerText()) === "OK");
  assert.equal(await page.locator(".output .became").count(), 1, "said only where it differs");
  await type(page, "EVAL x 0");
  await said(".error .explained");
  assert.match(await last.innerText(), /^\(error\) ERR unknown command 'EVAL'[\s\S]*Redis has this command/);
  await page.getByTestId("console-input").fill("SET a “b”");
  await page.locator("[data-do=in-ascii]").click();
  await until(page, "plain quotes", async () => (await page.getByTestId("console-input").inputValue()) === 'SET a "b"');
  await type(page, "@r1 SET a b");
  await until(page, "an explanation", async () => /READONLY[\s\S]*from its master only/.test(await last.innerText()));
  await last.locator("button").click();
  await page.locator(".crumbs", { hasText: "L02" }).waitFor();
  assert.deepEqual(complaints, []);
  await close();
});

test("borders between panels move by keyboard and pointer, are remembered, and go back", { timeout: 90_000 }, async () => {
  const { page, context, complaints, close } = await open(browser, site.url);
  const border = (name, of = page) => of.locator(`[data-split=${name}]`);
  const now = (name, of = page) => number(of, `[data-split=${name}]`, "aria-valuenow");
  await until(page, "where they stand", async () => (await now("stage")) > 0);
  const first = {};
  for (const name of ["guide", "stage", "console"]) first[name] = await now(name);
  await border("stage").focus();
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("ArrowUp");
  assert.ok(Math.abs(first.stage - 4 - (await now("stage"))) <= 1, "two steps of two percent");
  await border("guide").focus();
  await page.keyboard.press("End");
  assert.equal(await now("guide"), 40, "as far as it goes");
  const height = await page.evaluate(() => document.querySelector(".stage-box").clientHeight);
  await until(page, "a drawing for the new height", async () => (await page.locator(".stage.low").count()) === 1 && height > 0);
  const box = await border("console").boundingBox();
  await page.mouse.move(box.x + 4, box.y + 60);
  await page.mouse.down();
  await page.mouse.move(box.x + 84, box.y + 60, { steps: 3 });
  await until(page, "it to follow the pointer", async () => (await now("console")) > first.console + 5);
  await page.mouse.up();
  const moved = await now("console");

  // The next visit has them; a double click, Enter, or the palette brings the first sizes back.
  const next = await context.newPage();
  await next.goto(site.url);
  await until(next, "the same place", async () => (await border("console", next).count()) > 0 && (await now("console", next)) === moved);
  await border("console", next).dblclick();
  assert.equal(await now("console", next), first.console);
  await border("stage", next).focus();
  await next.keyboard.press("Enter");
  assert.equal(await now("stage", next), first.stage);
  await next.evaluate(() => document.activeElement.blur());
  await next.keyboard.press("Control+k");
  await next.locator("#find").fill("sizes of the panels");
  await next.keyboard.press("Enter");
  await until(next, "the first width", async () => (await now("guide", next)) === first.guide);
  await next.setViewportSize({ width: 390, height: 844 });
  assert.equal(await next.locator("[data-split]:visible").count(), 0, "none on a phone");
  assert.deepEqual(complaints, []);
  await close();
});

test("settings are checked by the node, writes are counted, what waits can be given up", { timeout: 120_000 }, async () => {
  const { page, complaints, close } = await open(browser, site.url);
  await show(page, "config");
  const size = page.locator('.config [data-input="setting m repl-backlog-size"]');
  await size.fill("none");
  await size.press("Enter");
  await page.locator(".config .refused").waitFor();
  assert.match(await text(page, ".config .refused"), /argument must be a memory value/);
  await size.fill("1kb");
  await size.press("Enter");
  await until(page, "a larger ring", async () => (await number(page, "[data-testid=ring]", "data-size")) === 1024);

  await show(page, "writes");
  await type(page, ":cut m r1");
  await type(page, ":cut m r2");
  await type(page, "SET balance 100");
  await type(page, ":kill m");
  await type(page, "@r1 REPLICAOF NO ONE");
  await until(page, "a lost write", async () => (await number(page, "[data-testid=ledger]", "data-lost")) === 1);
  assert.match(await text(page, ".ledger tr.lost"), /SET balance 100/);

  await page.locator('.targets [data-do="target r1"]').click();
  await type(page, "BLPOP list 0");
  await page.getByTestId("waiting").waitFor();
  await page.getByTestId("console-input").press("Control+c");
  await until(page, "nothing that waits", async () => (await page.getByTestId("waiting").count()) === 0);

  await show(page, "faults");
  await page.locator('.nodes [data-do="select node:r1"]').click();
  await page.locator('.faults [data-do="act pause r1"]').first().click();
  assert.match(await text(page, ".in-force"), /:pause r1/);
  assert.deepEqual(complaints, []);
  await close();
});

test("no page is left in English in 中文, and none is wider than it should be", { timeout: 120_000 }, async () => {
  const { page, complaints, close } = await open(browser, `${site.url}?lang=zh`);
  await type(page, "SET hello world");
  // Words of the interface only: what Redis calls its own, names of nodes and keys stay.
  const own = /\b(the|and|with|not|bytes|asked|needs|missing|keys|snapshot|waits|lost|copies|copy)\b/i;
  for (const name of ["node", "psync", "wire", "sequence", "keys", "ring", "rdb", "charts", "config", "faults", "writes", "log"]) {
    await show(page, name);
    const words = await page.locator("#inspector").evaluate((panel) => {
      const copy = panel.cloneNode(true);
      for (const e of copy.querySelectorAll("[translate=no], [lang=en], code, svg")) e.remove();
      return copy.textContent;
    });
    assert.doesNotMatch(words, own, name);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    assert.ok(wide <= 0, `${name}: the page is ${wide} px too wide`);
  }
  assert.deepEqual(complaints, []);
  await close();
});

test("the sequence: a child lives beside its master, and a WAIT is a bar as long as it waited", { timeout: 120_000 }, async () => {
  for (const [lang, child] of [["en", "child"], ["zh", "子进程"]]) {
    const { page, complaints, close } = await open(browser, `${site.url}?lang=${lang}`);
    await show(page, "sequence");
    const heads = page.locator(".lives span");
    // The snapshot of the beginning went to two replicas; its child is gone, and its line goes with the packets of then.
    await until(page, "a child", async () => (await heads.allInnerTexts()).join() === `m,${child},r1,r2`);
    const middle = async (of) => (({ x, width }) => x + width / 2)(await of.boundingBox());
    const [head, bar] = [await middle(heads.nth(1)), await middle(page.locator(".sequence .dump rect"))];
    assert.ok(Math.abs(head - bar) <= 2, `the dump is on the line of the child: ${bar}, not ${head}`);
    assert.deepEqual(await page.locator(".sequence :is(.fork, .exit).words text").allTextContents(), ["fork", "exit"]);
    await type(page, "SET a 1");
    await type(page, "WAIT 3 700");
    await page.locator(".sequence .wait").waitFor({ state: "attached" });
    await page.locator(".console .reply", { hasText: "(integer) 2" }).waitFor();
    await until(page, "its length", async () => (await page.locator(".sequence .wait title").textContent()) === "WAIT 0.700 s");
    assert.equal(await page.locator(".timeline .wait title").textContent(), "WAIT 0.700 s");
    assert.deepEqual(complaints, []);
    await close();
  }
});

test("a setting: what it affects lights up, and the switch sets teaching scale or what Redis has on all nodes", { timeout: 120_000 }, async () => {
  const { page, complaints, close } = await open(browser, site.url);
  await show(page, "config");
  const look = (selector, property) => page.locator(selector).first().evaluate((e, p) => getComputedStyle(e)[p], property);
  const lit = { "repl-backlog-size": [".drum .rail", "stroke"], "repl-timeout": [".wire .hit", "stroke"], "min-replicas-to-write": [".plate > .front", "fill"], "repl-diskless-sync": [".lane .load rect", "fill"] };
  for (const [name, [selector, property]] of Object.entries(lit)) {
    await page.mouse.move(5, 5);
    await page.evaluate(() => document.activeElement.blur());
    const before = await look(selector, property);
    const field = page.getByLabel(name, { exact: true });
    await field.focus();
    assert.notEqual(await look(selector, property), before, `${name}, by the keyboard`);
    await field.blur();
    assert.equal(await look(selector, property), before, name);
    await field.hover();
    assert.notEqual(await look(selector, property), before, `${name}, by the pointer`);
  }
  const scale = page.locator(".scales button");
  const value = (name) => page.getByLabel(name, { exact: true }).inputValue();
  // As the world begins; how patient nodes are is never scaled.
  assert.match(await text(page, ".scales p"), /repl-backlog-size\s+repl-diskless-sync\s+save$/);
  assert.equal(await scale.nth(0).getAttribute("aria-pressed"), "true");
  for (const [at, size, diskless, save] of [[1, "1048576", "yes", "3600 1 300 100 60 10000"], [0, "512", "no", ""]]) {
    await scale.nth(at).click();
    await until(page, `the ring of ${size}`, async () => (await value("repl-backlog-size")) === size);
    assert.deepEqual([await value("repl-diskless-sync"), await value("save"), await value("repl-timeout")], [diskless, save, "60"]);
    await until(page, "it to be shown", async () => (await scale.nth(at).getAttribute("aria-pressed")) === "true");
    assert.equal(await scale.nth(1 - at).getAttribute("aria-pressed"), "false");
  }
  await type(page, "@r2 CONFIG GET repl-backlog-size");
  await page.locator(".console .reply", { hasText: '2) "512"' }).waitFor();
  assert.deepEqual(complaints, []);
  await close();
});
