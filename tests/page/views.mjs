// The views of the page, in an order in which each can be reached from the one before it. Used by the pictures and by
// the checks that every view must pass.
import { attr, line, number, until } from "./visitor.mjs";

const offset = (page, node) => number(page, `[data-node=${node}]`, "data-offset");
const outcome = (want) => async (page) => (await attr(page, "[data-testid=verdict]", "data-outcome")) === want;
const tab = async (page, options, name) => {
  if (options.phone) await page.locator(`.tabs [data-do="tab ${name}"]`).click();
};

/** A page of the inspector, where the size has one. */
const inspect = (name) => ({
  sizes: ["1440x900", "1024x768", "390x844"],
  show: async (page, options) => {
    await tab(page, options, "inspect");
    await page.locator(`.inspector [data-do="page ${name}"]`).click();
  },
});

/** A form of the ring of the drum. */
const face = (name) => ({
  sizes: ["1440x900", "1024x768", "390x844"],
  show: async (page, options) => {
    await tab(page, options, "nodes");
    await page.locator(`.switch [data-do="face ${name}"]`).click();
  },
});

/** A dialog that a key opens; the one before it is closed. Closing gives the focus back a moment later, maybe to a field:
 * a key that went there is pressed again. */
const dialog = (key) => ({
  show: async (page) => {
    const open = async () => (await page.locator("dialog[open]").count()) > 0;
    await page.keyboard.press("Escape");
    await until(page, "no dialog", async () => !(await open()));
    for (let tries = 0; tries < 5 && !(await open()); tries++) {
      await page.evaluate(() => document.activeElement?.blur());
      await page.keyboard.press(key);
      await page.waitForTimeout(400);
    }
    await page.locator("dialog[open]").waitFor({ timeout: 10_000 });
  },
});

export const views = {
  open: { show: async () => {} },
  written: {
    show: async (page) => {
      await line(page, "SET hello world");
      await page.waitForTimeout(350);
    },
  },
  cut: {
    show: async (page) => {
      await line(page, ":cut m r1");
      for (const text of ["SET city Oslo", "SET tea mint", "INCR hits"]) await line(page, text);
      await until(page, "r2 in step", async () => (await offset(page, "r2")) === (await offset(page, "m")));
    },
  },
  continue: {
    show: async (page) => {
      await line(page, ":restore m r1");
      await until(page, "+CONTINUE", () => outcome("continue")(page));
      await page.waitForTimeout(300);
    },
  },
  "fell-off": {
    show: async (page) => {
      await line(page, ":cut m r1");
      const size = await number(page, "[data-testid=ring]", "data-size");
      const away = await offset(page, "r1");
      for (let i = 0; (await offset(page, "m")) - away <= size + 60; i++) await line(page, `SET key${i} ${"x".repeat(20)}`);
      await page.waitForTimeout(600);
    },
  },
  full: {
    show: async (page) => {
      await line(page, ":restore m r1");
      await until(page, "+FULLRESYNC", () => outcome("full")(page));
      await page.waitForTimeout(900);
    },
  },
  node: inspect("node"),
  psync: inspect("psync"),
  sequence: inspect("sequence"),
  keys: inspect("keys"),
  ring: inspect("ring"),
  rdb: inspect("rdb"),
  charts: inspect("charts"),
  config: inspect("config"),
  faults: inspect("faults"),
  writes: inspect("writes"),
  log: inspect("log"),
  wire: inspect("wire"),
  line: face("line"),
  table: face("table"),
  try: face("try"),
  drum: face("ring"),
  learn: { sizes: ["390x844"], show: (page, options) => tab(page, options, "learn") },
  backlog: { sizes: ["390x844"], show: (page, options) => tab(page, options, "backlog") },
  console: { sizes: ["390x844"], show: (page, options) => tab(page, options, "console") },
  help: dialog("?"),
  share: dialog("s"),
  palette: dialog("Control+k"),
  branches: dialog("Shift+B"),
  many: {
    show: async (page, options) => {
      await page.keyboard.press("Escape");
      await tab(page, options, "nodes");
      for (const text of [":add of r1", ":add of m", ":add of m"]) await line(page, text);
      await page.waitForTimeout(3500);
    },
  },
  promoted: {
    show: async (page) => {
      await line(page, ":kill m");
      await line(page, "@r1 REPLICAOF NO ONE");
      await until(page, "a new master", async () => (await attr(page, "[data-node=r1]", "data-role")) === "master");
      await line(page, "SET after promotion");
      await page.waitForTimeout(1200);
    },
  },
};
