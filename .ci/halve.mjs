// Divides the module of a built page in two: what the page needs to stand there and run, and the late half, which
// `www/late.txt` names and `boot.js` fetches right after the start. trunk runs it after a release build.
//
//   node .ci/halve.mjs [FOLDER]           page-…_bg.wasm becomes smaller, page-…_late.wasm comes to stand beside it
//   node .ci/halve.mjs [FOLDER] --count   instead, every stretch notes that it ran: for tests/page/late.mjs
//
// Of a function that is needed, the stretches that are not become functions of the late half (stretches.mjs). A late
// function is called through the table `late`, by a stub or in the place of a stretch. The late half fills that table when
// it is instantiated; who finds nothing there asks for the late half at once (`missing` in src/main.rs). What data only
// late functions lead to goes with them. What is in which half is a matter of size and time only, never of what the page
// does.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { binaryen, move, note, stretches } from "./stretches.mjs";

const count = process.argv.includes("--count");
const folder = process.argv.slice(2).find((word) => !word.startsWith("--")) ?? process.env.TRUNK_STAGING_DIR ?? "dist";
const file = readdirSync(folder).map((name) => join(folder, name)).find((name) => name.endsWith("_bg.wasm"));

const { i32, i64, funcref, none, Features } = binaryen;

/** The module; reference types are for the second table. */
function read() {
  const module = binaryen.readBinary(readFileSync(file));
  module.setFeatures(module.getFeatures() | Features.ReferenceTypes | Features.MutableGlobals);
  return module;
}

const each = (number, at) => Array.from({ length: number }, (_, i) => at(i));
const functions = (module) => each(module.getNumFunctions(), (i) => binaryen.getFunctionInfo(module.getFunctionByIndex(i)));
const imported = (thing) => Boolean(thing.base);
/** A function's path, without what a compiler adds to tell its copies, and those of crates, apart. */
const path = (name) => name.replace(/::h[0-9a-f]{16}([._]\d+)*$/, "").replace(/\[[0-9a-f]{16}\]/g, "");

function write(path, module) {
  if (!module.validate()) throw new Error(`halve: ${path} would not be valid`);
  const bytes = Buffer.from(module.emitBinary());
  writeFileSync(path, bytes);
  return bytes;
}

// ---- counting ----

if (count) {
  const module = read();
  let count = 0;
  const ran = () => {
    const [name, bit] = [`ran ${count >> 6}`, 1n << BigInt(count++ & 63)];
    if (bit === 1n) {
      module.addGlobal(name, i64, true, module.i64.const(0n));
      module.addGlobalExport(name, name);
    }
    return module.global.set(name, module.i64.or(module.global.get(name, i64), module.i64.const(bit)));
  };
  const known = functions(module).filter((f) => !imported(f)).map(({ name, body, results }) => {
    const { root, sizes, print } = stretches(body) ?? { sizes: [0] };
    const marks = sizes.map(ran);
    binaryen.Function(module.getFunction(name)).body = root ? note(module, root, (n) => marks[n]) : module.block(null, [marks[0], body], results);
    return [path(name), sizes, print];
  });
  writeFileSync(join(folder, "stretches.json"), JSON.stringify(known));
  write(file, module);
  process.exit();
}

// ---- halving ----

const listed = readFileSync(new URL("../www/late.txt", import.meta.url), "utf8").split("\n").filter((line) => line && !line.startsWith("#"));
const [modules, paths] = [listed.filter((line) => line.endsWith("::")), new Set(listed)];
/** Whether a function of the whole module belongs to the late half: by its path, or by the module that it is in. */
const isLate = (name) => paths.has(path(name)) || modules.some((module) => path(name).replace(/^</, "").startsWith(module));
/** The stretches of functions that are late by themselves: `path = shape: from-to …`. */
const cold = new Map(listed.filter((line) => line.includes(" = ")).map((line) => {
  const [, shape, ranges] = line.match(/^(.* = \w+):(.*)$/);
  return [shape, new Set(ranges.split(" ").filter(Boolean).flatMap((range) => {
    const [from, to = from] = range.split("-").map(Number);
    return each(to - from + 1, (i) => from + i);
  }))];
}));

/** So many bytes a stretch has to have beyond what its call takes: fewer make both halves together too large. */
const WORTH = 150;

/** The module with its late stretches moved into functions of their own: their names, in the order of the table `late`. */
function divided() {
  const [module, moved] = [read(), []];
  const late = functions(module).filter((f) => !imported(f) && isLate(f.name));
  for (const f of functions(module).filter((f) => !imported(f) && !isLate(f.name))) {
    const known = cold.get(`${path(f.name)} = ${stretches(f.body)?.print}`);
    if (!known) continue;
    module.runPassesOnFunction(f.name, ["ssa-nomerge"]); // else a local that serves for several things seems to be needed by all
    const own = binaryen.getFunctionInfo(module.getFunction(f.name));
    moved.push(...move(module, own, stretches(own.body).root, known, moved.length, WORTH));
  }
  module.addTable("late", moved.length + late.length, moved.length + late.length);
  const missing = module.getExport("missing");
  if (!missing) throw new Error(`halve: ${file} has no way to ask for its late half`);
  module.addFunction("late", none, none, [], module.if(
    module.ref.is_null(module.table.get("late", module.i32.const(0), funcref)),
    module.call(binaryen.getExportInfo(missing).value, [], none),
  ));
  return [module, moved, late];
}

const [first, moved, late] = divided();
if (!late.length) throw new Error(`halve: ${file} has none of the functions that www/late.txt names: were its names stripped?`);
for (const { name } of late) binaryen.Function(first.getFunction(name)).body = first.unreachable();
for (const name of moved) first.removeFunction(name);
first.addTableExport("late", "late");
first.runPasses(["remove-unused-module-elements"]);

// What of the late half the first one calls, and what stands in its table of functions for the late half alone: nobody in
// the first one makes a call of that type, so the pass has emptied it.
const [second] = divided();
const empty = ({ body }) => binaryen.getExpressionId(body) === binaryen.ExpressionIds.Unreachable;
const emptied = new Set(functions(first).filter((f) => !imported(f) && empty(f)).map(({ name }) => name));
const entries = functions(second).filter((f) => !imported(f) && !empty(f) && emptied.has(f.name));
for (const module of [first, second]) {
  module.removeTable("late");
  module.addTable("late", moved.length + entries.length, moved.length + entries.length);
}
entries.forEach(({ name, params, results }, i) => {
  const given = binaryen.expandType(params).map((type, at) => first.local.get(at, type));
  first.removeFunction(name);
  first.addFunction(name, params, results, [], first.block(null, [
    first.call("late", [], none),
    first.call_indirect("late", first.i32.const(moved.length + i), given, params, results),
  ], results));
});

// The late half has what the first one lost, and takes the rest from it.
for (const name of each(second.getNumExports(), (i) => binaryen.getExportInfo(second.getExportByIndex(i)).name)) second.removeExport(name);
for (const name of each(second.getNumElementSegments(), (i) => binaryen.getElementSegmentInfo(second.getElementSegmentByIndex(i)).name))
  second.removeElementSegment(name);
const called = new Set(entries.map(({ name }) => name));
for (const { name, params, results, module, base } of functions(second)) {
  const there = first.getFunction(name);
  if (called.has(name) || !(there || base)) continue; // what only the late half calls is in it, listed or not
  if (!there) first.addFunctionImport(name, module, base, params, results);
  second.removeFunction(name);
  second.addFunctionImport(name, "first", name, params, results);
}
for (const name of each(second.getNumTables(), (i) => binaryen.getTableInfo(second.getTableByIndex(i)).name)) second.addTableImport(name, "first", name);
for (const { name, type, mutable } of each(second.getNumGlobals(), (i) => binaryen.getGlobalInfo(second.getGlobalByIndex(i))))
  second.addGlobalImport(name, "first", name, type, mutable);
second.addMemoryImport("0", "first", "memory");
second.addActiveElementSegment("late", "late", [...moved, ...entries.map(({ name }) => name)], second.i32.const(0));
second.runPasses(["remove-unused-module-elements"]);
for (const module of [first, second]) module.runPasses(["remove-unused-names", "remove-unused-brs", "merge-blocks", "vacuum", "coalesce-locals", "reorder-locals"]);

// What it takes is exported under short names.
let names = 0;
const short = (share) => share(`_${(names++).toString(36)}`);
for (const { name, params, results } of functions(second).filter(imported))
  short((to) => (first.addFunctionExport(name, to), second.addFunctionImport(name, "first", to, params, results)));
for (const { name, type, mutable } of each(second.getNumGlobals(), (i) => binaryen.getGlobalInfo(second.getGlobalByIndex(i))))
  short((to) => (first.addGlobalExport(name, to), second.addGlobalImport(name, "first", to, type, mutable)));
for (const { name } of each(second.getNumTables(), (i) => binaryen.getTableInfo(second.getTableByIndex(i))).filter(({ name }) => name !== "late"))
  short((to) => (first.addTableExport(name, to), second.addTableImport(name, "first", to)));

// ---- their data ----

// The linker left every piece apart (build.rs), and wasm-opt has to leave them whole: a text, a table, a static. The first
// half keeps those that its functions name by address, at their beginning or inside, and those that are named in these;
// the others come with the late half. A number that only looks like an address keeps a piece as well.
const whole = readFileSync(file);
const pieces = [...data(whole)].sort((a, b) => a.offset - b.offset);
const [low, high] = [pieces[0].offset, pieces.at(-1).offset + pieces.at(-1).bytes.length];
const pieceAt = (address) => pieces.findLast(({ offset }) => offset <= address);
const named = [];
const keep = (address) => {
  if (address < low || address >= high) return;
  const piece = pieceAt(address);
  if (!piece.kept) named.push(piece);
  piece.kept = true;
};
for (const { name, body } of functions(first).filter((f) => !imported(f)))
  for (const [, constant] of binaryen.emitText(body).matchAll(/(?:i32\.const |offset=)(\d+)/g)) keep(Number(constant));
for (const { offset, bytes } of named)
  for (let at = -offset & 3; at + 4 <= bytes.length; at += 4) keep(bytes.readUInt32LE(at));

/** Neighbours of one half: a segment. */
const rows = () => pieces.reduce((rows, piece) => {
  if (rows.at(-1)?.[0].kept === piece.kept) rows.at(-1).push(piece);
  else rows.push([piece]);
  return rows;
}, []);
const worth = 128; // bytes: fewer are no segment of the late half
for (const row of rows().filter((row) => row.reduce((sum, { bytes }) => sum + bytes.length, 0) < worth)) for (const piece of row) piece.kept = true;

const [a, b] = [[first, file, true], [second, file.replace("_bg.", "_late."), undefined]].map(([module, path, kept]) => {
  const bytes = withData(write(path, module), rows().filter(([piece]) => piece.kept === kept));
  writeFileSync(path, bytes);
  return bytes;
});
console.log(`halve: ${whole.length} bytes are ${a.length} and, late, ${b.length}: ${functions(second).filter((f) => !imported(f)).length} functions, of which the first half calls ${entries.length}, and ${moved.length} stretches`);

// ---- the format ----

/** The sections of a module: id, where it begins, where its contents do, where it ends. */
function* sections(bytes) {
  for (let at = 8; at < bytes.length; ) {
    const [size, begin] = number(bytes, at + 1);
    yield { id: bytes[at], at, begin, end: begin + size };
    at = begin + size;
  }
}

/** A number and where it ends. */
function number(bytes, at) {
  let value = 0;
  for (let unit = 1; ; unit *= 128) {
    value += (bytes[at] & 127) * unit;
    if (!(bytes[at++] & 128)) return [value, at];
  }
}

/** The pieces of data of a module: where in memory, and what. */
function* data(bytes) {
  let [count, at] = number(bytes, [...sections(bytes)].find(({ id }) => id === 11).begin);
  for (; count; count--) {
    const [offset, end] = number(bytes, at + 2); // after 0 (at a constant) and i32.const; after it comes the end of that
    const [size, begin] = number(bytes, end + 1);
    at = begin + size;
    yield { offset, bytes: bytes.subarray(begin, at) };
  }
}

/** The module with these rows of pieces instead of its own data, without the count of them and without notes for tools. */
function withData(bytes, rows) {
  const kept = [...sections(bytes)].filter(({ id }) => ![0, 11, 12].includes(id)).map(({ at, end }) => bytes.subarray(at, end));
  const segments = rows.map((row) => {
    const [{ offset }, last] = [row[0], row.at(-1)];
    const segment = Buffer.alloc(last.offset + last.bytes.length - offset);
    for (const piece of row) piece.bytes.copy(segment, piece.offset - offset);
    return Buffer.concat([Buffer.of(0, 0x41), leb(offset, 64), Buffer.of(0x0b), leb(segment.length), segment]);
  });
  const section = Buffer.concat([leb(rows.length), ...segments]);
  return Buffer.concat([bytes.subarray(0, 8), ...kept, Buffer.of(11), leb(section.length), section]);
}

/** A number as a module has it; of one with a sign, `half` is 64: so much and more needs another byte. */
function leb(value, half = 128) {
  return Buffer.of(...(function* () {
    for (; value >= half; value = Math.floor(value / 128)) yield (value & 127) | 128;
    yield value;
  })());
}
