// The bridged page: a real redis-server, the bridge before it, a browser. What the page shows is held against what the
// server says of itself. Screenshots go to tests/page/output.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { bridge, end, server } from "./real.mjs";
import { attr, browse, dist, open, serve, sizes, type, until } from "./visitor.mjs";

const output = fileURLToPath(new URL("output/", import.meta.url));
let browser;

before(async () => {
  mkdirSync(output, { recursive: true });
  browser = await browse();
});
after(async () => {
  await browser?.close();
  end();
});

/** The bridged page, connected. */
async function bridged(url, { password = "", options = {}, connect = true } = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  const page = await context.newPage();
  const complaints = [];
  page.on("console", (m) => ["error", "warning"].includes(m.type()) && complaints.push(m.text()));
  page.on("pageerror", (e) => complaints.push(String(e)));
  await page.goto(url);
  await page.locator("#bridge-dialog[open]").waitFor();
  if (connect) {
    if (password) await page.locator("#bridge-password").fill(password);
    await page.getByTestId("bridge-connect").click();
  }
  return { page, complaints, close: () => context.close() };
}

/** A line for the module, as its buttons have them. */
const command = (page, line) => page.evaluate((line) => {
  document.documentElement.dataset.do = line;
  window.dispatchEvent(new Event("command"));
}, line);

const online = (page) => page.locator("[data-node=r1][data-link=online]").waitFor({ state: "attached", timeout: 60_000 });

/** Waits until the page and the server say the same. */
async function agree(page, real) {
  let seen;
  await until(page, "the id and the offset of INFO replication", async () => {
    seen = [await attr(page, "[data-node=r1]", "data-replid"), await attr(page, "[data-node=r1]", "data-offset"),
      await real.field("master_replid"), await real.field("master_repl_offset")];
    return seen[0] === seen[2] && seen[1] === seen[3];
  });
  assert.equal(seen[0].length, 40);
  assert.ok(Number(seen[1]) > 0);
}

test("a node of the page follows a real server, loses the link twice, and comes back", { timeout: 240_000 }, async () => {
  const real = await server();
  for (let i = 0; i < 30; i++) await real.run("SET", `key:${i}`, `value-${i}`);
  await real.run("RPUSH", "list", "a", "b", "c");
  const { url } = await bridge(real.port);
  const { page, complaints, close } = await bridged(url);
  assert.ok(!page.url().includes("bridge="), "the token does not stay in the address");
  await page.screenshot({ path: `${output}bridge-dialling.png` });
  await online(page);
  await real.run("SET", "city", "Oslo");
  await agree(page, real);
  assert.equal(await attr(page, "[data-node=r1]", "data-keys"), "32");
  assert.equal(await real.field("connected_slaves"), "1");
  assert.match(await page.locator("#bridge-bar").innerText(), /REAL SERVER/);
  assert.match(await page.getByTestId("verdict").innerText(), /FULLRESYNC/);
  await page.screenshot({ path: `${output}bridge-online.png` });

  // The views that there are: handshake, wire, snapshot, ring.
  const view = (name) => command(page, `page ${name}`);
  await view("node");
  assert.match(await page.locator("#inspector").innerText(), /PSYNC \? -1[\s\S]*\+FULLRESYNC/);
  await view("rdb");
  await page.getByText(/(redis|valkey)-ver/).first().waitFor();
  await page.screenshot({ path: `${output}bridge-rdb.png` });
  await view("wire");
  await page.getByText("SET city Oslo").first().waitFor();

  // The server hangs up.
  assert.equal(await real.run("CLIENT", "KILL", "TYPE", "replica"), ":1");
  await real.run("SET", "while", "away");
  await until(page, "the server has taken it back", async () => (await real.field("sync_partial_ok", "stats")) === "1");
  await until(page, "+CONTINUE on the page", async () => (await attr(page, "[data-testid=verdict]", "data-outcome")) === "continue");
  await agree(page, real);

  // The page cuts.
  await page.getByTestId("bridge-cut").click();
  await until(page, "the server has lost it", async () => (await real.field("connected_slaves")) === "0");
  await real.run("SET", "tea", "mint");
  await page.screenshot({ path: `${output}bridge-cut.png` });
  await page.getByTestId("bridge-restore").click();
  await until(page, "the server has taken it back again", async () => (await real.field("sync_partial_ok", "stats")) === "2");
  await agree(page, real);
  assert.equal(await real.field("sync_full", "stats"), "1");
  assert.equal(await attr(page, "[data-node=r1]", "data-keys"), "34");

  // Nothing can be done to it, and the session is in no link.
  await type(page, "@real SET city Rome");
  assert.match(await page.getByTestId("console-output").innerText(), /real server: nothing can be done/);
  assert.equal(await real.run("GET", "city"), "Oslo");
  await page.locator(".share-open").click();
  assert.match(await page.locator("dialog.share").innerText(), /bridged to a real server/);
  assert.equal(await page.locator("dialog.share textarea, dialog.share iframe").count(), 0, "no link, no code");
  await page.keyboard.press("Escape");

  // A second node on a link of its own.
  await type(page, ":add r2 of real");
  await page.locator("[data-node=r2][data-link=online]").waitFor({ state: "attached", timeout: 30_000 });
  assert.equal(await real.field("connected_slaves"), "2");
  await type(page, ":kill r2");
  await until(page, "the server has lost it", async () => (await real.field("connected_slaves")) === "1");

  // Back in time and again: the same bytes, without the server.
  await command(page, "start");
  await until(page, "the past", async () => /past/.test(await page.locator("#bridge-bar").innerText()));
  assert.equal(await real.field("connected_slaves"), "1", "the server waits");
  await command(page, "live");
  await page.getByTestId("play").click();
  await real.run("SET", "after", "the past");
  await agree(page, real);
  assert.deepEqual(complaints, []);
  await close();
});

test("a password is asked, used, and nowhere to be found", { timeout: 120_000 }, async () => {
  const real = await server("--requirepass", "s3cret$&-of-the-server");
  const { url } = await bridge(real.port);
  const { page, complaints, close } = await bridged(url, { password: "s3cret$&-of-the-server" });
  await online(page);
  assert.match(await page.locator("#inspector").innerText(), /AUTH/);
  const everywhere = await page.evaluate(() => document.documentElement.outerHTML + JSON.stringify({ ...localStorage }) + JSON.stringify({ ...sessionStorage }));
  const at = everywhere.indexOf("s3cret");
  assert.ok(at < 0, everywhere.slice(at - 300, at + 50));
  await type(page, "@r1 CONFIG GET masterauth");
  assert.match(await page.getByTestId("console-output").innerText(), /the password of the real server/);
  assert.deepEqual(complaints, []);
  await close();
});

for (const [size, theme, lang] of [["1440x900", "light", "en"], ["1440x900", "dark", "zh"], ["390x844", "dark", "en"], ["390x844", "light", "zh"]]) {
  test(`axe: ${size} ${theme} ${lang}`, { timeout: 120_000 }, async () => {
    const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
    const real = await server();
    const { url } = await bridge(real.port);
    const options = { ...sizes[size].context, colorScheme: theme, bypassCSP: true };
    const { page, close } = await bridged(`${url}&lang=${lang}`, { options, connect: false });
    const check = async (what) => {
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
      assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).join(" ")}`), [], what);
    };
    await check("the question");
    await page.getByTestId("bridge-connect").click();
    await online(page);
    await check("connected");
    await page.getByTestId("bridge-cut").click();
    await page.getByTestId("bridge-restore").waitFor();
    await check("cut");
    if (sizes[size].phone) await page.locator("nav.tabs button").first().click();
    await check("the card");
    await close();
  });
}

test("a bridge that is gone, a server that is gone, a token that is wrong: each is said", { timeout: 120_000 }, async () => {
  const real = await server();
  const door = await bridge(real.port);
  const wrong = await bridged(door.url.replace(/bridge=.*/, "bridge=0123"));
  await wrong.page.getByText("open the address that it printed").waitFor();
  await wrong.close();
  const { page, close } = await bridged(door.url);
  await online(page);
  door.end();
  await page.getByText("the bridge is not there").waitFor({ timeout: 20_000 });
  await close();
  const nobody = await bridge(1);
  const other = await bridged(nobody.url);
  await other.page.getByText("127.0.0.1:1: Connection refused").waitFor({ timeout: 20_000 });
  await other.close();
});

test("after a panic the bridge says that it has to be connected anew, and can be", { timeout: 120_000 }, async () => {
  const real = await server();
  await real.run("SET", "city", "Oslo");
  const { url } = await bridge(real.port);
  const { page, close } = await bridged(url);
  await online(page);
  await command(page, "panic");
  await page.locator("#go-on").click();
  await until(page, "the server to have lost it", async () => (await real.field("connected_slaves")) === "0");
  await page.locator("#bridge-bar").getByText("the page stopped, and the link with it: connect again").waitFor();
  await page.locator("[data-node=r2][data-link=online]").waitFor({ state: "attached" }); // the page's own world
  await page.getByTestId("bridge-start").click();
  await page.getByTestId("bridge-connect").click();
  await page.getByText("connected, read-only").waitFor();
  await online(page);
  await real.run("SET", "tea", "mint");
  await agree(page, real);
  await close();
});

test("in a hidden tab, which gets no frames, it goes on", { timeout: 120_000 }, async () => {
  const real = await server();
  const { url } = await bridge(real.port);
  const { page, close } = await bridged(url);
  await online(page);
  await page.evaluate(() => {
    Object.defineProperty(document, "hidden", { get: () => true });
    window.requestAnimationFrame = () => 0;
  });
  await real.run("SET", "while", "hidden");
  const wanted = await real.field("master_repl_offset");
  await until(page, "it to acknowledge what came", async () => new RegExp(`offset=${wanted},`).test(await real.field("slave0")));
  await close();
});

test("a large dataset arrives whole; more than a page remembers is refused, and said", { timeout: 240_000 }, async () => {
  const real = await server("--rdbcompression", "no");
  await real.run("DEBUG", "POPULATE", "28000", "key", "1000");
  const { url } = await bridge(real.port);
  const { page, complaints, close } = await bridged(url);
  await page.locator("[data-node=r1][data-link=online]").waitFor({ state: "attached", timeout: 120_000 });
  assert.equal(await attr(page, "[data-node=r1]", "data-keys"), "28000", "all are counted");
  await real.run("SET", "key:0", "written"); // the first of its stream, unless a PING was
  await agree(page, real);
  const said = page.locator("#bridge-bar").getByText("more than 32 MB came: too much for a page to remember");
  for (let i = 0; i < 8; i++) await real.run("SET", `more:${i}`, "x".repeat(1_000_000));
  await said.waitFor();
  await until(page, "the server to have lost it", async () => (await real.field("connected_slaves")) === "0");
  await page.getByTestId("bridge-restore").click();
  await said.waitFor();
  assert.equal(await real.field("connected_slaves"), "0", "it stays so");
  // What came is there to be looked at.
  await type(page, "STRLEN key:27999");
  await until(page, "an answer", async () => /1000/.test(await page.getByTestId("console-output").innerText()));
  assert.deepEqual(complaints, []);
  await close();
});

test("two INFO texts are pasted, and the next reconnect is known", { timeout: 120_000 }, async () => {
  const master = await server();
  const replica = await server("--replicaof", "127.0.0.1", `${master.port}`);
  while ((await replica.field("master_link_status")) !== "up") await new Promise((done) => setTimeout(done, 50));
  await master.run("SET", "a", "b");
  const [r, m] = [await replica.run("INFO", "replication"), await master.run("INFO", "replication")];
  const site = await serve();
  const { page, complaints, close } = await open(browser, site.url);
  await type(page, ":verdict");
  const paste = async (first, second) => {
    await page.locator("#told-master").fill(first);
    await page.locator("#told-replica").fill(second);
  };
  await paste(m, r);
  const decision = page.locator("dialog [data-testid=decision]");
  await decision.waitFor();
  assert.equal(await decision.getAttribute("data-outcome"), "continue");
  const problem = page.getByTestId("told-problem");
  await paste(r, m);
  assert.match(await problem.innerText(), /swapped/);
  await paste(m.replace(/^master_replid:.*$/m, ""), r);
  assert.match(await problem.innerText(), /of the master: the field master_replid is missing/);
  await paste(m, m);
  assert.match(await problem.innerText(), /same server/);
  await paste(m, r.replace(/^slave_repl_offset:.*$/m, "slave_repl_offset:999999"));
  assert.equal(await decision.getAttribute("data-cause"), "too-far");
  await page.keyboard.press("Escape");
  await page.keyboard.press("Escape");
  await command(page, "language");
  await command(page, "find INFO");
  await page.getByText("评判两段 INFO replication").click();
  await page.getByText("主节点的 INFO replication").waitFor();
  assert.deepEqual(complaints, []);
  await close();
  site.close();
});

test("the page itself has no door", async () => {
  const html = readFileSync(join(dist, "index.html"), "utf8");
  assert.match(html, /connect-src 'self';/);
  assert.ok(!html.includes("bridge."), "nor does it load the script of the bridged page");
  const site = await serve();
  const page = await browser.newPage();
  await page.goto(site.url);
  const blocked = await page.evaluate(() => new Promise((done) => {
    document.addEventListener("securitypolicyviolation", (e) => done(e.effectiveDirective), { once: true });
    try {
      new WebSocket("ws://127.0.0.1:22999/bridge");
    } catch {
      // Some browsers throw as well.
    }
  }));
  assert.equal(blocked, "connect-src");
  await page.close();
  site.close();
});
