// The reference that `make package` makes of the types: it names everything that there is, its links lead somewhere, and it
// asks nobody else for anything.
import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { browse, serve } from "./visitor.mjs";

const folder = fileURLToPath(new URL("../../target/package", import.meta.url));
const reference = join(folder, "reference");
const html = (file) => readFileSync(join(reference, file), "utf8");
const text = (file) => html(file).replace(/<[^>]*>/g, "").replaceAll("&lt;", "<").replaceAll("&quot;", '"').replaceAll("&amp;", "&");

/** What a file of types exports: name, kind, and the members that are written there. */
function exported(file) {
  const source = ts.createSourceFile(file, readFileSync(join(folder, file), "utf8"), ts.ScriptTarget.ES2022, true);
  const kinds = { [ts.SyntaxKind.ClassDeclaration]: "classes", [ts.SyntaxKind.InterfaceDeclaration]: "interfaces", [ts.SyntaxKind.TypeAliasDeclaration]: "types", [ts.SyntaxKind.FunctionDeclaration]: "functions" };
  const hidden = (member) => member.modifiers?.some((m) => m.kind === ts.SyntaxKind.PrivateKeyword);
  return source.statements
    .filter((s) => s.name && s.modifiers?.some((m) => m.kind === ts.SyntaxKind.ExportKeyword))
    .map((s) => ({ name: s.name.text, kind: kinds[s.kind], members: (s.members ?? []).filter((m) => m.name && !hidden(m)).map((m) => m.name.text) }));
}

test("the reference names every exported class, method, type and function", () => {
  const counts = {};
  for (const [file, module] of [["ringside-engine.d.ts", "ringside_engine"], ["ringside-shapes.d.ts", "ringside_engine"], ["ringside.d.ts", "ringside_element"]]) {
    const list = html(`modules/${module}.html`);
    for (const { name, kind, members } of exported(file)) {
      assert.ok(kind, `${name}: a kind of export that this test does not know`);
      const page = `${kind}/${module}.${name}.html`;
      assert.ok(existsSync(join(reference, page)), page);
      assert.ok(list.includes(`href="../${page}"`), `${page} is in the list`);
      const ids = new Set([...html(page).matchAll(/ id="([^"]*)"/g)].map((m) => m[1]));
      for (const member of new Set(members)) assert.ok(ids.has(member.toLowerCase()), `${page}: ${member}`);
      counts[kind] = (counts[kind] ?? 0) + 1;
      counts.members = (counts.members ?? 0) + new Set(members).size;
    }
  }
  assert.ok(counts.classes === 4 && counts.interfaces >= 25 && counts.types >= 10 && counts.functions === 2 && counts.members >= 200, JSON.stringify(counts));
});

test("the reference names what a host can write: attributes, events, custom properties, parts", () => {
  const { declarations: [manifest] } = JSON.parse(readFileSync(join(folder, "custom-elements.json"), "utf8")).modules[0];
  const page = html("documents/The_element.html");
  const rows = [...page.matchAll(/<tr>\s*<td>(.*?)<\/td>/gs)].map((m) => m[1].replace(/<[^>]*>/g, "").trim());
  const all = [manifest.attributes, manifest.events, manifest.cssProperties, manifest.cssParts].flat();
  assert.ok(all.length >= 29);
  assert.deepEqual(rows, all.map((a) => a.name));
  for (const { description } of all.filter((a) => a.description)) {
    const first = description.match(/^[\w ]{6,}/)?.[0];
    if (first) assert.ok(text("documents/The_element.html").includes(first), description);
  }
});

test("its links lead somewhere, and nothing comes from elsewhere", () => {
  const pages = readdirSync(reference, { recursive: true }).filter((f) => f.endsWith(".html"));
  const anchors = new Map();
  const ids = (file) => anchors.get(file) ?? anchors.set(file, new Set([...html(file).matchAll(/ id="([^"]*)"/g)].map((m) => m[1]))).get(file);
  let links = 0;
  for (const page of pages) {
    assert.doesNotMatch(html(page), /(?:src|<link[^>]*href)="(?:https?:)?\/\//, page);
    for (const [, address] of html(page).matchAll(/<a [^>]*href="([^"]*)"/g)) {
      assert.ok(!/^(?!https:\/\/developer\.mozilla\.org|https:\/\/www\.typescriptlang\.org)\w+:/.test(address), `${page}: ${address}`);
      if (/^\w+:/.test(address)) continue;
      const [path, anchor] = address.split("#");
      const file = path ? normalize(join(dirname(page), decodeURIComponent(path))) : page;
      assert.ok(existsSync(join(reference, file)), `${page}: ${address}`);
      if (anchor) assert.ok(ids(file).has(decodeURIComponent(anchor)), `${page}: ${address}`);
      links += 1;
    }
  }
  assert.ok(pages.length > 40 && links > 500, `${pages.length} pages, ${links} links`);
});

test("it opens in a browser, and its search finds a method", { timeout: 60_000 }, async (t) => {
  const site = await serve({}, {}, reference);
  const browser = await browse();
  t.after(() => (site.close(), browser.close()));
  const page = await browser.newPage();
  const complaints = [];
  page.on("console", (m) => ["error", "warning"].includes(m.type()) && complaints.push(m.text()));
  page.on("pageerror", (e) => complaints.push(String(e)));
  page.on("request", (r) => r.url().startsWith(site.url) || r.url().startsWith("data:") || complaints.push(r.url()));
  await page.goto(site.url);
  await page.locator("#tsd-search-trigger").click();
  await page.locator("#tsd-search-input").fill("seekTime");
  await page.locator("#tsd-search-results a").first().click();
  await page.waitForURL(/Playground\.html#seektime$/);
  assert.deepEqual(complaints.filter((c) => !/favicon/.test(c) && !/404/.test(c)), []);
});
