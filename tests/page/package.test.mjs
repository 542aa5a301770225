// The package as its users have it: packed, installed into an empty project, run in Node.js, and its types held against
// what really comes. Made by `make package`.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { gunzipSync } from "node:zlib";
import Ajv from "ajv";
import { dist, verbs } from "./visitor.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = join(root, "target/package");
const tsc = join(root, "tests/page/node_modules/typescript/bin/tsc");
let project, Playground, PlaygroundError;

before(async () => {
  const tarball = readdirSync(folder).find((f) => f.endsWith(".tgz"));
  assert.ok(tarball, "target/package is not built: run `make package` first");
  project = mkdtempSync(join(tmpdir(), "ringside-"));
  writeFileSync(join(project, "package.json"), '{ "private": true, "type": "module" }');
  execFileSync("npm", ["install", "--offline", "--no-audit", "--no-fund", "--silent", join(folder, tarball)], { cwd: project });
  ({ Playground, PlaygroundError } = await import(pathToFileURL(join(project, "node_modules/ringside/ringside-engine.js"))));
});
after(() => rmSync(project, { recursive: true, force: true }));

/** Runs a program in the empty project. */
function run(name, text) {
  writeFileSync(join(project, name), text);
  return execFileSync(process.execPath, [name], { cwd: project, encoding: "utf8" });
}

const ten = `import { Playground } from "ringside";
const p = await Playground.create({ replicas: 1 });
p.act("cut m r1");
p.exec("m", "SET city Oslo");
p.act("restore m r1");
p.settle();
console.log(p.exec("r1", "GET city"));
const { verdict, nodes } = p.snapshot();
console.log(verdict?.outcome, nodes.map((n) => n.sync_partial_ok));
p.dispose();
`;

test("ten lines: two nodes, a cut, a partial resynchronization", () => {
  assert.equal(run("ten.mjs", ten), `"Oslo"\n{ is: 'continue', bytes: 56 } [ 1, 0 ]\n`);
});

test("in a worker of Node.js, and by ./engine", () => {
  const text = `import { Worker, isMainThread, parentPort } from "node:worker_threads";
    import { Playground } from "ringside/engine";
    if (isMainThread) new Worker(new URL(import.meta.url)).on("message", (m) => console.log(m));
    else parentPort.postMessage((await Playground.create()).exec("m", "PING"));`;
  assert.equal(run("worker.mjs", text), "PONG\n");
});

const code = (code, message) => (error) => {
  assert.ok(error instanceof PlaygroundError, String(error));
  assert.equal(error.code, code, error.message);
  if (message) assert.match(error.message, message);
  return true;
};

test("raw commands are answered with the bytes of a server", async () => {
  const p = await Playground.create({ replicas: 0, keys: {} });
  const send = (text) => Buffer.from(p.raw("m", Buffer.from(text, "latin1"))).toString("latin1");
  assert.equal(send("*3\r\n$3\r\nSET\r\n$1\r\n\xff\r\n$2\r\n\r\n\r\n*2\r\n$3\r\nGET\r\n$1\r\n\xff\r\n"), "+OK\r\n$2\r\n\r\n\r\n");
  assert.equal(send("GET none\r\nLRANGE none 0 -1\r\nINCR \xff\r\n"), "$-1\r\n*0\r\n-ERR value is not an integer or out of range\r\n");
  assert.match(send("HELLO 3\r\nGET none\r\n"), /^%7\r\n[^]*\r\n_\r\n$/);
  const before = p.trace;
  assert.throws(() => send("*1\r\n$4\r\nPIN"), code("protocol", /byte 0 is not complete/));
  assert.throws(() => send("PING\r\n*1\r\n+x\r\n"), code("protocol", /expected '\$', got '\+'/));
  assert.equal(p.trace, before, "nothing of a wrong batch is done");
  assert.equal(send("SET a 1\r\nSHUTDOWN NOSAVE\r\nGET a\r\n"), "+OK\r\n");
  p.dispose();
});

test("without events the same happens, and nobody is told", async () => {
  const told = [];
  const [seen, unseen] = await Promise.all([true, false].map((events) => Playground.create({ replicas: 2, events })));
  unseen.subscribe((event) => told.push(event));
  for (const p of [seen, unseen]) {
    p.act("load m 100/s");
    p.run(500);
    p.raw("m", Buffer.from("SET a 1\r\nINCR a\r\nGET a\r\n"));
    p.act("cut m r1");
    p.run(500);
    p.act("load m 0/s");
    p.act("restore m r1");
    assert.ok(p.settle());
    const { event } = p.position;
    p.seek(event >> 1);
    p.seek(event);
    assert.equal(p.exec("r2", "GET a"), '"2"');
  }
  assert.deepEqual([unseen.trace, unseen.position], [seen.trace, seen.position]);
  assert.equal(unseen.script(), seen.script());
  assert.match(seen.script(), /^m>> "SET a 1" "INCR a" "GET a"$/m);
  assert.equal((await Playground.create({ link: seen.link(), events: false })).trace, seen.trace, "a link brings it back");
  assert.ok(seen.events().length > 100 && seen.snapshot().wire.length > 100);
  assert.deepEqual([told, unseen.snapshot().wire, unseen.events().filter((e) => e.n > 1)], [[], [], []]);
  seen.dispose();
  unseen.dispose();
});

test("mistakes have a code, and change nothing", async () => {
  const p = await Playground.create();
  const before = [p.trace, p.script()];
  for (const [call, ...expected] of [
    [() => p.act("fly"), "action", /no such verb: 'fly'/],
    [() => p.act("cut m nobody"), "action", /there is no node 'nobody'; there are m, r1, r2/],
    [() => p.act(7), "argument"],
    [() => p.exec("nobody", "PING"), "action"],
    [() => p.exec("m", 'SET "k'), "argument", /Invalid argument/],
    [() => p.exec("m", "x".repeat(2 ** 20 + 1)), "limit"],
    [() => p.raw("m", "PING"), "argument"],
    [() => p.run(-1), "argument"],
    [() => p.run(NaN), "argument"],
    [() => p.seek(Infinity), "argument"],
    [() => p.importRdb("m", new Uint8Array([1, 2, 3])), "rdb"],
    [() => p.importRdb("r1", p.exportRdb("m")), "action", /READONLY/],
    [() => p.exportRdb("nobody"), "action"],
    [() => p.subscribe(null), "argument"],
  ]) assert.throws(call, code(...expected));
  assert.deepEqual([p.trace, p.script()], before);
  for (const [options, ...expected] of [
    [{ replicas: 99 }, "script", /replicas: at most 7/],
    [{ colour: "red" }, "script", /not 'colour'/],
    [{ seed: "1\nkill m" }, "argument"],
    [{ script: "cluster\nfly" }, "script", /line 2, column 1/],
    [{ link: "1abc" }, "link", /damaged/],
    [{ link: "1", seed: 1 }, "argument"],
  ]) await assert.rejects(Playground.create(options), code(...expected));
  p.dispose();
  assert.throws(() => p.exec("m", "PING"), code("disposed"));
  p.dispose();
});

test("every verb of the script language can be done, and leaves its mark", async () => {
  const all = verbs();
  assert.ok(all.length >= 23, `${all}`);
  const lines = {
    cut: "cut m r1 told none", restore: "restore m r1", latency: "latency m -> r1 20ms..2s", bandwidth: "bandwidth m r1 64k", stall: "stall m r1 1s",
    segment: "segment m r1 7", connect: "connect m r1 refused", partition: "partition m | r1 r2", heal: "heal", swizzle: "swizzle 1s",
    hurry: "hurry m -> r1", interrupt: "interrupt m", kill: "kill r2", start: "start r2", pause: "pause r1 1s", resume: "resume r1",
    add: "add of r1", slow: "slow r1 3 loader", reads: "reads r1 none", fork: "fork m refused", child: "child m dies after 40",
    disk: "disk r1 full", load: "load m 50/s reads r1", psync: "psync m gone",
  };
  // What has to be so before.
  const first = { hurry: "m> SET a 1", interrupt: "m> BLPOP none 0", start: "kill r2", resume: "pause r1", restore: "cut m r1", heal: "cut m r1" };
  assert.deepEqual(Object.keys(lines).sort(), [...all].sort(), "every verb has a line here");
  for (const verb of all) {
    const p = await Playground.create({ seed: 4 });
    if (first[verb]) p.act(first[verb]);
    const before = p.script();
    p.act(lines[verb]);
    p.run(1500);
    const after = p.script();
    assert.ok(after.length > before.length && after.includes(`\n${verb}`), `${verb}: ${after}`);
    const again = await Playground.create({ link: p.link() });
    assert.equal(again.trace, p.trace, verb);
    p.dispose(), again.dispose();
  }
});

test("to and fro, branches, links and scripts", async () => {
  const p = await Playground.create({ seed: 3, backlog: "1kb", latency: "20ms", keys: { 'a "b"': "ü\n" } });
  assert.equal(p.exec("m", String.raw`GET 'a "b"'`), String.raw`"\xc3\xbc\n"`);
  p.exec("m", "SET x 1");
  p.run(250.5);
  const there = p.trace;
  p.exec("m", "SET x 2");
  assert.ok(p.settle());
  assert.ok(p.undo() && p.position.past && p.redo());
  assert.equal(p.exec("m", "GET x"), '"2"');
  assert.ok(p.undo() && p.undo(), "the GET, and the second SET");
  assert.equal(p.trace, there);
  p.seekTime(p.position.elapsed_us);
  const again = await Playground.create({ link: `https://example.org/#${p.link()}` });
  assert.equal(again.trace, p.trace);
  again.seek(Number.MAX_SAFE_INTEGER);
  p.seek(Number.MAX_SAFE_INTEGER);
  assert.equal(again.trace, p.trace, "a link holds what comes after this moment too");
  const scripted = await Playground.create({ script: p.script() });
  assert.deepEqual([scripted.trace, scripted.exec("r2", "GET x")], [p.trace, p.exec("r2", "GET x")]);
  p.seek(0);
  assert.equal(p.position.event, 0);
});

test("a listener is told, may look, and may not change", async () => {
  const p = await Playground.create();
  const [seen, busy] = [[], []];
  const end = p.subscribe((event) => {
    seen.push(event.what.is);
    assert.equal(p.snapshot().nodes.length, 3);
    for (const call of [() => p.exec("m", "PING"), () => p.step(), () => p.restart(), () => p.dispose()])
      try { call(); } catch (error) { busy.push(error.code); }
  });
  p.exec("m", "SET a 1");
  assert.deepEqual([seen, busy], [["written"], ["busy", "busy", "busy", "busy"]]);
  end();
  p.exec("m", "SET a 2");
  assert.equal(seen.length, 1);
  assert.deepEqual(p.events(p.events().at(-2).n).map((e) => e.what.is), ["written"]);
  assert.equal(p.exec("m", "WAIT 2 0"), "");
  p.settle();
  assert.deepEqual(p.lateReplies(), [{ node: "m", text: "(integer) 2" }]);
  assert.deepEqual(p.lateReplies(), []);
});

test("after a panic every call says so, and restart brings back the step before", async () => {
  const [p, other] = [await Playground.create({ seed: 5 }), await Playground.create()];
  p.exec("m", "SET a 1");
  for (let i = 0; i < 5; i++) p.step();
  p.run(10), p.run(20.5);
  p.act("cut m r1");
  p.undo(), p.exec("m", "SET a 2");
  p.settle();
  const before = [p.trace, p.link(), p.snapshot()];
  assert.throws(() => p.panic(), code("broken", /a drill/));
  assert.ok(p.broken);
  for (const call of [() => p.exec("m", "PING"), () => p.snapshot(), () => p.trace, () => p.link()]) assert.throws(call, code("broken", /a drill.*restart/s));
  assert.equal(other.exec("m", "PING"), "PONG", "another playground has nothing to do with it");
  p.restart();
  assert.deepEqual([p.trace, p.link(), p.snapshot()], before);
  assert.equal(p.exec("m", "GET a"), '"2"');
});

test("a dataset goes out as a file and in again, and replicates", async () => {
  const [a, b] = [await Playground.create({ replicas: 0 }), await Playground.create({ replicas: 1, keys: {}, backlog: "1mb" })];
  for (const line of ["RPUSH l a b c", "HSET h f v", "ZADD z 1.5 a", "SADD s 1 2 3", "XADD x * f v", "SET ttl v PX 100000", "SELECT 3", "SET three 3"]) a.exec("m", line);
  const digest = (p, node) => p.exec(node, "DEBUG DIGEST");
  assert.equal(b.importRdb("m", a.exportRdb("m")), 10);
  b.settle();
  assert.equal(digest(b, "m"), digest(a, "m"));
  assert.equal(digest(b, "r1"), digest(a, "m"));
});

// ---- what is in it ----

/** Names and sizes of the files of a tarball: blocks of 512 bytes, a head and what it announces. */
function tarred(file) {
  const [tar, found] = [gunzipSync(readFileSync(file)), {}];
  for (let at = 0; tar[at]; ) {
    const field = (from, to) => tar.toString("latin1", at + from, at + to).replace(/\0.*/s, "");
    const size = parseInt(field(124, 136), 8);
    found[[field(345, 500), field(0, 100)].filter(Boolean).join("/").replace("package/", "")] = size;
    at += 512 * (1 + Math.ceil(size / 512));
  }
  return found;
}

test("the tarball has what it says, and nothing else", () => {
  const found = tarred(join(folder, readdirSync(folder).find((f) => f.endsWith(".tgz"))));
  // The engine and the element, hosts to look at, the reference; and the page that the element shows, as it was built.
  const own = `LICENSE-APACHE LICENSE-MIT README.md custom-elements.json package.json resp.js ringside-engine.d.ts
    ringside-engine.js ringside-engine.wasm ringside-glue.js ringside-shapes.d.ts ringside.d.ts ringside.js
    posters/full-resync.svg posters/partial-resync.svg posters/promotion.svg
    examples/frame.html examples/strict-csp.html examples/three.html examples/mdbook/book.toml examples/mdbook/src/SUMMARY.md
    examples/mdbook/src/away.md examples/mdbook/src/blink.md examples/mdbook/theme/head.hbs examples/vitepress/index.md
    examples/vitepress/promotion.md examples/vitepress/.vitepress/config.mjs`.split(/\s+/);
  const page = readdirSync(dist, { recursive: true }).filter((f) => !/^\./.test(f) && statSync(join(dist, f)).isFile());
  assert.ok(page.length > 40 && page.length < 80 && page.includes("index.html"), `${page.length} files of the page`);
  const made = Object.keys(found).filter((name) => name.startsWith("reference/"));
  assert.deepEqual(Object.keys(found).sort(), [...new Set([...own, ...page, ...made])].sort());
  assert.deepEqual(made.filter((name) => !/^reference\/([\w/.-]+\.(html|js|css)|assets\/icons\.svg)$/.test(name)), []);
  for (const [, name] of readFileSync(join(folder, "index.html"), "utf8").matchAll(/(?:src|href)="\.?\/?([\w.-]+\.(?:js|css|svg))"/g)) assert.ok(found[name], name);
  // Nothing of this machine, and no file without a use.
  for (const [name, size] of Object.entries(found)) assert.ok(size > 0 && size < 5_000_000, `${name}: ${size} bytes`);
  for (const name of Object.keys(found).filter((n) => /\.(js|mjs|json|html|css|svg|md|txt|ts|toml)$/.test(n)))
    assert.ok(!readFileSync(join(folder, name), "utf8").includes(root), `${name} names a folder of the machine that built it`);
  // What package.json names is there.
  const { exports, types, customElements } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const named = [types, customElements, ...Object.values(exports).flatMap((e) => (typeof e === "string" ? e : Object.values(e)))];
  assert.deepEqual(named.filter((name) => found[name.replace("./", "")] === undefined), []);
});

test("the element's manifest is one: the schema of custom-elements.json", () => {
  const require = createRequire(import.meta.url);
  const valid = new Ajv({ allErrors: true, allowUnionTypes: true }).compile(JSON.parse(readFileSync(require.resolve("custom-elements-manifest/schema.json"), "utf8")));
  const manifest = JSON.parse(readFileSync(join(folder, "custom-elements.json"), "utf8"));
  assert.ok(valid(manifest), JSON.stringify(valid.errors, null, 1));
  const { modules: [module] } = manifest;
  assert.ok(!valid({ ...manifest, modules: [{ ...module, kind: "module" }] }) && !valid({ modules: [module] }), "the schema tells wrong ones");
  for (const kind of ["attributes", "members", "events", "cssProperties", "cssParts"]) assert.ok(module.declarations[0][kind].length, kind);
});

// ---- types ----

function check(files) {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(project, name), text);
  const compilerOptions = { noEmit: true, strict: true, exactOptionalPropertyTypes: true, target: "es2022", module: "nodenext", lib: ["es2022", "dom"], types: [] };
  writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, files: Object.keys(files) }));
  try {
    return execFileSync(process.execPath, [tsc], { cwd: project, encoding: "utf8" });
  } catch (error) {
    return error.stdout;
  }
}

/** A value as TypeScript. */
function literal(value) {
  if (typeof value === "bigint") return `${value}n`;
  if (value instanceof Uint8Array) return "new Uint8Array()";
  if (Array.isArray(value)) return `[${value.map(literal).join(", ")}]`;
  if (typeof value === "object" && value) return `{ ${Object.entries(value).map(([k, v]) => `${k}: ${literal(v)}`).join(", ")} }`;
  return JSON.stringify(value);
}

/** What a value is made of: one sample of each is enough. */
const shape = (value) =>
  value instanceof Uint8Array ? "bytes"
  : Array.isArray(value) ? `[${[...new Set(value.map(shape))]}]`
  : typeof value === "object" && value ? `{${Object.entries(value).map(([k, v]) => `${k}:${["is", "kind", "state", "level"].includes(k) ? v : shape(v)}`)}}`
  : value === null ? "null" : typeof value;

test("the types hold: an example in strict TypeScript", () => {
  assert.equal(check({ "ten.mts": ten, "more.mts": `import { Playground, PlaygroundError, type Told, type Snapshot } from "ringside/engine";
    const p: Playground = await Playground.create({ script: "cluster seed=1" });
    const end: () => void = p.subscribe((event: Told) => { if (event.what.is === "partial") event.what.bytes.toFixed(); });
    const s: Snapshot = p.snapshot(); const sent: Uint8Array | undefined = s.wire[0]?.bytes;
    try { p.raw("m", sent ?? new Uint8Array()); } catch (e) { if (e instanceof PlaygroundError && e.code === "busy") end(); }` }), "");
  const wrong = check({ "wrong.mts": `import { Playground } from "ringside"; const p = await Playground.create({ colour: "red" });
    p.run("1s"); p.exec("m"); new Playground(); p.snapshot().nodes[0].phase.got;` });
  assert.equal(wrong.match(/error TS/g)?.length, 5, wrong);
});

test("the element: types, manifest and script name the same things", async () => {
  const { RingsidePlayground } = await import(pathToFileURL(join(project, "node_modules/ringside/ringside.js")));
  const { declarations: [manifest] } = JSON.parse(readFileSync(join(folder, "custom-elements.json"), "utf8")).modules[0];
  assert.deepEqual(manifest.attributes.map((a) => a.name), RingsidePlayground.observedAttributes);
  const has = Object.getOwnPropertyNames(RingsidePlayground.prototype).filter((n) => !["constructor", "connectedCallback", "disconnectedCallback", "attributeChangedCallback", ...RingsidePlayground.observedAttributes].includes(n));
  assert.deepEqual(manifest.members.filter((m) => m.kind === "method").map((m) => m.name).sort(), has.sort());
  const script = readFileSync(join(folder, "ringside.js"), "utf8");
  assert.deepEqual(manifest.cssProperties.map((p) => p.name).sort(), [...new Set(script.match(/--ringside-[a-z-]+/g))].sort());
  assert.deepEqual(manifest.cssParts.map((p) => p.name).sort(), [...script.matchAll(/part: '(\w+)'/g)].map((m) => m[1]).sort());
  const scenarios = Object.keys(JSON.parse(readFileSync(join(folder, "scenarios.json"), "utf8")));
  assert.deepEqual(manifest.attributes[0].type.text.match(/[a-z-]+/g).sort(), scenarios);
  const calls = manifest.members.map((m) => `void e.${m.name}${m.kind === "method" ? `(${(m.parameters ?? []).map((p) => (p.type.text === "number" ? "0" : '""'))})` : ""};`);
  const fields = RingsidePlayground.observedAttributes.map((n) => `void e.${n}.valueOf();`);
  const events = manifest.events.map((m) => `e.addEventListener("${m.name}", (event) => { const d: object = event.detail; void d; });`);
  assert.equal(check({ "element.mts": `import "ringside/element"; const e = document.createElement("ringside-playground");\n${[...calls, ...fields, ...events].join("\n")}` }), "");
});

test("the types hold: what really comes, from all scenarios", { timeout: 300_000 }, async () => {
  const [samples, seen] = [[], new Set()];
  const add = (type, value) => {
    const key = type + shape(value);
    if (!seen.has(key)) samples.push([type, value]), seen.add(key);
  };
  const parts = ({ nodes, wire, in_flight, marks, writes, lineage, links, ...rest }) => {
    for (const [type, list] of Object.entries({ NodeView: nodes.map(({ keys, backlog: { cells, ...backlog }, log, replicas, ...n }) => ({ ...n, keys: [], backlog: { ...backlog, cells: [] }, log: [], replicas: [] })), KeyView: nodes.flatMap((n) => n.keys), Cell: nodes.flatMap((n) => n.backlog.cells), LogLine: nodes.flatMap((n) => n.log), ReplicaView: nodes.flatMap((n) => n.replicas), Packet: [...wire, ...in_flight].map((p) => ({ ...p, frames: [] })), Frame: wire.flatMap((p) => p.frames), Mark: marks, Write: writes, Lineage: lineage, LinkView: links }))
      for (const value of list) add(type, value);
    add("Snapshot", { nodes: [], wire: [], in_flight: [], marks: [], writes: [], lineage: [], links: [], ...rest });
  };
  const scripts = readdirSync(join(root, "tests/scripts"), { recursive: true }).filter((f) => f.endsWith(".txt"));
  assert.ok(scripts.length > 50);
  for (const file of scripts) {
    const script = readFileSync(join(root, "tests/scripts", file), "utf8");
    if (/^judge$/m.test(script)) continue; // the judge is not in the package
    const p = await Playground.create({ script });
    for (const event of p.events()) add("Told", event);
    add("Position", p.position);
    parts(p.snapshot());
    const { end } = p.position;
    for (let i = 1; i < 16; i++) p.seek(Math.floor((end * i) / 16)), parts(p.snapshot());
    p.dispose();
  }
  // What no node asks for; and a client can send numbers that JavaScript has not.
  for (const replicas of [0, 1]) {
    const p = await Playground.create({ replicas });
    p.exec("m", `PSYNC ${p.snapshot().nodes[0].replid} 9007199254740993`);
    assert.equal(p.snapshot().verdict.asked, 9007199254740993n);
    parts(p.snapshot());
  }
  const p = await Playground.create({ replicas: 1 });
  p.exec("m", "SET k v PXAT 9007199254740993");
  const wide = p.snapshot();
  assert.equal(wide.nodes[0].keys.find((k) => k.name === "k").expire_at_ms, 9007199254740993n);
  assert.equal(typeof wide.now, "number");
  parts(wide);
  const text = samples.map(([type, value]) => `check<T.${type}>(${literal(value)});`).join("\n");
  assert.equal(check({ "samples.mts": `import type * as T from "ringside";\nfunction check<X>(value: X) { void value; }\n${text}\n` }), "");
  // Every name that a union of the types has was seen, but for what only the bridge to a real server brings.
  const types = readFileSync(join(folder, "ringside-shapes.d.ts"), "utf8");
  const named = [...types.matchAll(/is: ("[a-z-]+"(?: \| "[a-z-]+")*)/g)].flatMap((m) => m[1].match(/[a-z-]+/g));
  const missing = [...new Set(named)].filter((name) => !text.includes(`is: "${name}"`));
  assert.deepEqual(missing.sort(), ["answered", "outside"]);
});
