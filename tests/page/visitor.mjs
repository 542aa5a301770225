// A visitor: serves the built page from dist/, opens it in headless Chromium, types and looks.
import { createReadStream, existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

export const dist = fileURLToPath(new URL("../../dist", import.meta.url));
const types = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".wasm": "application/wasm", ".json": "application/json" };

/** The files of the built page that stand beside it; those in folders are fetched when somebody asks for them, and those of
 * the bridged page by that one only. */
export const files = () => readdirSync(dist).filter((f) => !f.startsWith(".") && !f.startsWith("bridge.") && statSync(join(dist, f)).isFile());

/** What can be done to a world, as the engine itself lists it; but for `outside`, the bridge's own word for what came from a
 * real server. */
export function verbs() {
  const source = readFileSync(fileURLToPath(new URL("../../src/sim/action.rs", import.meta.url)), "utf8");
  const list = source.split("pub const VERBS")[1].split("\n];")[0];
  return [...list.matchAll(/^ {4}\("([a-z]+)"/gm)].map((m) => m[1]).filter((verb) => verb !== "outside");
}

/** Serves dist/ (or `main`) on a free port of the loopback, and other folders below it; the address, and how to end it. */
export async function serve(folders = {}, headers = {}, main = dist) {
  if (!existsSync(join(main, "index.html"))) throw new Error(`${main} is not built: run \`make build package\` first`);
  const server = createServer((request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url, "http://x").pathname));
    const [name] = Object.keys(folders).filter((name) => path.startsWith(`/${name}/`));
    const base = name ? folders[name] : main;
    const inside = name ? path.slice(name.length + 1) : path;
    const file = join(base, inside.endsWith("/") ? inside + "index.html" : inside);
    if (!file.startsWith(base) || !existsSync(file) || !statSync(file).isFile()) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { "content-type": types[extname(file)] ?? "application/octet-stream", ...headers });
    createReadStream(file).pipe(response);
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  server.unref(); // a test that fails does not hold up the others
  return { url: `http://127.0.0.1:${server.address().port}/`, close: () => (server.close(), server.closeAllConnections()) };
}

export async function browse() {
  const executablePath = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((p) => existsSync(p));
  if (!executablePath) throw new Error("no Chromium found: run `make setup`");
  return chromium.launch({
    executablePath,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
}

/** The four sizes that the page is drawn for. */
export const sizes = {
  "1440x900": { context: { viewport: { width: 1440, height: 900 } } },
  "1024x768": { context: { viewport: { width: 1024, height: 768 } } },
  "390x844": { phone: true, context: { viewport: { width: 390, height: 844 }, hasTouch: true, deviceScaleFactor: 2 } },
  "embed": { embed: true, context: { viewport: { width: 720, height: 480 } } },
};

/** A page with the world open on it; `complaints` collects everything that the browser complains about. */
export async function open(browser, url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  const page = await context.newPage();
  const complaints = [];
  page.on("console", (m) => ["error", "warning"].includes(m.type()) && complaints.push(m.text()));
  page.on("pageerror", (e) => complaints.push(String(e)));
  // What a page that is left no longer wants is no failure.
  page.on("requestfailed", (r) => r.failure()?.errorText === "net::ERR_ABORTED" || complaints.push(`request failed: ${r.url()} ${r.failure()?.errorText}`));
  await page.goto(url);
  if (new URL(url).searchParams.has("embed")) await page.locator("#run").click();
  await page.locator("[data-node=r2][data-link=online]").waitFor({ state: "attached" });
  return { page, context, complaints, close: () => context.close() };
}

/** Types a line into the console, as a visitor does. */
export async function type(page, line) {
  const input = page.getByTestId("console-input");
  await input.fill(line);
  await input.press("Enter");
}

/** Runs a line as a button would: also where the size shows no console. */
export const line = (page, text) =>
  page.evaluate((text) => {
    document.documentElement.dataset.do = `run ${text}`;
    window.dispatchEvent(new Event("command"));
  }, text);

export const attr = (page, selector, name) => page.locator(selector).first().getAttribute(name);
export const number = async (page, selector, name) => Number(await attr(page, selector, name));

/** Waits until `check` holds for the page, and says what it saw when it never does. */
export async function until(page, what, check, ms = 30_000) {
  const end = Date.now() + ms;
  for (;;) {
    if (await check()) return;
    if (Date.now() > end) {
      const seen = await page.evaluate(() =>
        [...document.querySelectorAll("[data-node], [data-testid=verdict], [data-testid=ring]")].map((e) =>
          Object.entries(e.dataset).map(([k, v]) => `${k}=${v}`).join(" ")).join("\n"));
      throw new Error(`never came: ${what}\n${seen}`);
    }
    await page.waitForTimeout(50);
  }
}
