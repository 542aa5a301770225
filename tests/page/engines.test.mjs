// The main path once more in browsers that no Playwright of a registry drives: Firefox, through geckodriver, and WebKit, the
// engine of Safari, as WebKitGTK has it, through its own driver and on a screen that nobody sees.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { after, before, suite, test } from "node:test";
import { Browser, Builder, By, Capabilities, Key } from "selenium-webdriver";
import firefox from "selenium-webdriver/firefox.js";
import { createServer } from "node:net";
import { bridge, end, server } from "./real.mjs";
import { serve } from "./visitor.mjs";

const engines = { Firefox: startFirefox, WebKit: startWebKit };
let driver, site;

async function startFirefox() {
  const options = new firefox.Options()
    .addArguments("-headless", "--width=1440", "--height=900")
    .setPreference("network.captive-portal-service.enabled", false)
    .setPreference("network.connectivity-service.enabled", false);
  // Named, so that Selenium looks for nothing to download.
  const service = new firefox.ServiceBuilder("geckodriver");
  return new Builder().forBrowser(Browser.FIREFOX).setFirefoxOptions(options).setFirefoxService(service).build();
}

const started = []; // processes that end with the tests

async function startWebKit() {
  // It says which number it took for the screen.
  const screen = spawn("Xvfb", ["-displayfd", "3", "-screen", "0", "1440x1000x24"], { stdio: ["ignore", "ignore", "ignore", "pipe"] });
  started.push(screen);
  const [number] = await once(screen.stdio[3], "data");
  const port = await new Promise((done) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });
  const env = { ...process.env, DISPLAY: `:${String(number).trim()}`, WEBKIT_DISABLE_COMPOSITING_MODE: "1" };
  started.push(spawn("WebKitWebDriver", [`--port=${port}`], { env, stdio: "ignore" }));
  const address = `http://127.0.0.1:${port}`;
  for (let tries = 0; tries < 600 && !(await fetch(`${address}/status`).then((r) => r.ok, () => false)); tries++) await new Promise((r) => setTimeout(r, 100));
  return new Builder().usingServer(address).withCapabilities(new Capabilities({ browserName: "MiniBrowser" })).build();
}

const attr = async (selector, name) => (await driver.findElement(By.css(selector))).getAttribute(name);
const offset = async (node) => Number(await attr(`[data-node=${node}]`, "data-offset"));
const outcome = (want) => async () => (await attr("[data-testid=verdict]", "data-outcome")) === want;
const type = async (line) => (await driver.findElement(By.css("[data-testid=console-input]"))).sendKeys(line, Key.ENTER);
const until = (what, check) => driver.wait(() => check().catch(() => false), 60_000, `never came: ${what}`, 100);
const inStep = async () => new Set(await Promise.all(["m", "r1", "r2"].map(offset))).size === 1;

for (const [name, start] of Object.entries(engines)) {
  suite(name, () => {
    before(async () => ([driver, site] = await Promise.all([start(), serve()])), { timeout: 120_000 });
    after(async () => {
      await driver?.quit();
      site?.close();
      end();
      started.splice(0).forEach((process) => process.kill());
    });

    test("write, cut, +CONTINUE, overflow, +FULLRESYNC, promotion", { timeout: 240_000 }, async () => {
      await driver.get(site.url);
      await until("the replicas", async () => (await attr("[data-node=r2]", "data-link")) === "online");
      // What the page throws or its policy forbids from here on.
      await driver.executeScript(() => {
        window.complaints = [];
        for (const kind of ["error", "unhandledrejection", "securitypolicyviolation"])
          window.addEventListener(kind, (e) => window.complaints.push(`${kind}: ${e.message ?? e.reason ?? e.violatedDirective}`));
      });

      const begin = await offset("m");
      await type("SET city Oslo");
      await until("the write", async () => (await offset("m")) > begin);
      await until("the write at all nodes", inStep);
      assert.equal((await offset("m")) - begin, 23 + 33, "SELECT 0 is 23 bytes, SET city Oslo 33");

      await type(":cut m r1");
      const had = await offset("r1");
      await type("SET tea mint");
      await until("the write on m", async () => (await offset("m")) > had);
      assert.equal(await offset("r1"), had, "r1 stands still");
      await type(":restore m r1");
      await until("+CONTINUE", outcome("continue"));
      assert.equal(Number(await attr("[data-testid=verdict]", "data-asked")), had + 1, "it asks for the byte after its last one");
      await until("all in step", inStep);

      await type(":cut m r1");
      const [away, size] = [await offset("r1"), Number(await attr("[data-testid=ring]", "data-size"))];
      for (let i = 0; (await offset("m")) - away <= size; i++) await type(`SET key${i} ${"x".repeat(200)}`);
      await type(":restore m r1");
      await until("+FULLRESYNC", outcome("full"));
      await until("all in step again", inStep);

      const old = await attr("[data-node=r1]", "data-replid");
      await type(":kill m");
      await type("@r1 REPLICAOF NO ONE");
      await until("a new master", async () => (await attr("[data-node=r1]", "data-role")) === "master");
      const id = await attr("[data-node=r1]", "data-replid");
      assert.notEqual(id, old, "a promotion begins a new history");
      await type("@r2 REPLICAOF 127.0.0.1 6380");
      await until("r2 to follow", async () => (await attr("[data-node=r2]", "data-replid")) === id);
      assert.equal(await attr("[data-testid=verdict]", "data-outcome"), "continue", "r2 goes on by the second id");
      assert.deepEqual(await driver.executeScript("return window.complaints"), []);
    });

    test("embedded, nothing runs before the click; then it does", { timeout: 120_000 }, async () => {
      await driver.get(`${site.url}?embed`);
      const run = await driver.wait(async () => driver.findElement(By.id("run")), 20_000);
      assert.equal((await driver.findElements(By.css("[data-node]"))).length, 0, "only the poster");
      await run.click();
      await until("the replicas", async () => (await attr("[data-node=r2]", "data-link")) === "online");
    });

    test("the bridge to a real server, its link killed, +CONTINUE", { timeout: 120_000 }, async () => {
      const real = await server();
      await real.run("SET", "city", "Oslo");
      await driver.get((await bridge(real.port)).url);
      const connect = await driver.wait(async () => driver.findElement(By.css("[data-testid=bridge-connect]")).catch(() => false), 60_000);
      await connect.click();
      await until("the replica", async () => (await attr("[data-node=r1]", "data-link")) === "online");
      const agree = async () =>
        (await attr("[data-node=r1]", "data-replid")) === (await real.field("master_replid")) && (await offset("r1")) === Number(await real.field("master_repl_offset"));
      await real.run("SET", "tea", "mint");
      await until("the id and the offset of INFO replication", agree);
      await real.run("CLIENT", "KILL", "TYPE", "replica");
      await real.run("SET", "while", "away");
      await until("the server to take it back", async () => (await real.field("sync_partial_ok", "stats")) === "1");
      await until("+CONTINUE", outcome("continue"));
      await until("both to agree again", agree);
      assert.equal(Number(await attr("[data-node=r1]", "data-keys")), 3);
    });
  });
}
