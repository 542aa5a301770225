// The stretches of a function: what runs as a whole once its beginning runs. A new one begins in each arm of an `if`, and
// after whatever may have gone elsewhere. Those that nobody needs in the first moments leave their function and become one
// of their own, which the late half has (.ci/halve.mjs).
//
// A stretch is known by its place in the order of the code, so what was learned of a function holds as long as its code has
// the same shape: `print` tells. Numbers do not count, for addresses move with every change.

import { execFileSync } from "node:child_process";
import { realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";

// The library that wasm-opt is made of, from the same package.
const tool = execFileSync("sh", ["-c", "command -v wasm-opt"], { encoding: "utf8" }).trim();
export const { default: binaryen } = await import(pathToFileURL(join(dirname(realpathSync(tool)), "../index.js")));
const { ExpressionIds: Id, i32, none, unreachable } = binaryen;

/** What an instruction has below it, in the order of running. Of others we know nothing, and leave their functions whole. */
const below = new Map(Object.entries({
  Block: ["children"], If: ["condition", "ifTrue", "ifFalse"], Loop: ["body"], Break: ["value", "condition"], Switch: ["value", "condition"],
  Call: ["operands"], CallIndirect: ["operands", "target"], LocalGet: [], LocalSet: ["value"], GlobalGet: [], GlobalSet: ["value"],
  Load: ["ptr"], Store: ["ptr", "value"], Const: [], Unary: ["value"], Binary: ["left", "right"], Select: ["ifTrue", "ifFalse", "condition"],
  Drop: ["value"], Return: ["value"], MemorySize: [], MemoryGrow: ["delta"], MemoryCopy: ["dest", "source", "size"],
  MemoryFill: ["dest", "value", "size"], Nop: [], Unreachable: [], RefNull: [], RefIsNull: ["value"], RefFunc: [],
  TableGet: ["index"], TableSet: ["index", "value"], TableGrow: ["value", "delta"],
}).map(([name, names]) => [Id[name], names]));
const bare = new Set([Id.Nop, Id.Unreachable, Id.RefNull, Id.MemorySize]); // the library has no more to say of them
const away = new Set([Id.Break, Id.Switch, Id.Return, Id.Unreachable]);

/** About how many bytes it takes by itself. */
const weight = new Map(Object.entries({ Nop: 0, Block: 2, LocalGet: 2, LocalSet: 2, GlobalGet: 2, GlobalSet: 2, Break: 2, Const: 3, Loop: 3, If: 3, Call: 3, CallIndirect: 4, Load: 3, Store: 3, MemoryCopy: 4, MemoryFill: 4 }).map(([name, bytes]) => [Id[name], bytes]));

const bytes = (nodes) => nodes.reduce((sum, { size }) => sum + size, 0);

/** An instruction with all below it; null when something in it is not known. */
function tree(at) {
  const id = binaryen.getExpressionId(at);
  if (!below.has(id)) return null;
  const type = binaryen.getExpressionType(at);
  const is = bare.has(id) ? { id, type } : binaryen.getExpressionInfo(at);
  const nodes = below.get(id).flatMap((name) => is[name] || []).map(tree);
  if (nodes.includes(null)) return null;
  return {
    at, is, nodes, type,
    size: (weight.get(id) ?? 1) + bytes(nodes),
    leaves: away.has(id) || nodes.some(({ leaves }) => leaves),
  };
}

/** Whether a stretch begins with the i-th of what is below an instruction. */
const begins = ({ is, nodes }, i) => i > 0 && (is.id === Id.If || (is.id === Id.Block && nodes[i - 1].leaves));

/**
 * Visits a tree: `begin` is told where each stretch but the first begins: of a block, before which child, or which arm of
 * an `if`. What it says is handed down as `inside`, and to `each` with every instruction.
 */
function walk(node, begin, each = () => {}, inside) {
  each(node, inside);
  let now = inside;
  node.nodes.forEach((child, i) => {
    if (begins(node, i)) now = begin(node, i);
    walk(child, begin, each, now);
  });
}

/** The stretches of a body: the bytes of each, about, and the shape of the code. */
export function stretches(body) {
  const root = tree(body);
  if (!root) return null;
  const sizes = [0];
  let print = 0x811c9dc5;
  walk(root, () => sizes.push(0) - 1, ({ is, nodes, size }, stretch = 0) => {
    sizes[stretch] += size - bytes(nodes);
    for (const part of [is.id, nodes.length, typeof is.op === "number" ? is.op : 0]) print = Math.imul(print ^ part, 0x01000193) >>> 0;
  });
  return { root, sizes, print: print.toString(36) };
}

/** Has every stretch say that it runs: `mark(n)` makes the instruction for the n-th. */
export function note(module, root, mark) {
  const places = [];
  walk(root, (node, i) => places.push([node, i]));
  for (const [n, [{ at, is, nodes }, i]] of [...places.entries()].reverse()) {
    if (is.id === Id.Block) binaryen.Block(at).insertChildAt(i, mark(n + 1));
    else binaryen.If(at)[i === 1 ? "ifTrue" : "ifFalse"] = module.block(null, [mark(n + 1), nodes[i].at], nodes[i].type);
  }
  return module.block(null, [mark(0), root.at], root.type);
}

/** The largest parts that consist of these stretches: neighbours in a block, or an arm. */
function parts(root, cold) {
  const found = [];
  let count = 0;
  (function look(node, loops) {
    const { is, nodes } = node;
    const inner = loops || is.id === Id.Loop;
    let part;
    nodes.forEach((child, i) => {
      if (begins(node, i)) {
        const isCold = cold.has(++count);
        if (!isCold) part = undefined;
        else if (!part || is.id === Id.If) found.push((part = { parent: node, first: i, nodes: [], loops: inner }));
      }
      part?.nodes.push(child);
      if (part) walk(child, () => void count++);
      else look(child, inner);
    });
  })(root, false);
  return found;
}

/** The locals and labels of some instructions: what is read before it is surely set, what is set, and where they may go. */
function needs(nodes) {
  const [read, set, surely, gets, out, within, carry] = [new Set(), new Set(), new Set(), new Map(), new Set(), new Set(), new Set()];
  let returns = false;
  /** What is set after something may have gone elsewhere is not surely set for those who come after. */
  const all = (children, sure) => {
    let own = sure;
    for (const child of children) {
      if (child.leaves && own === sure) own = new Set(sure);
      see(child, own);
    }
  };
  const see = ({ is, nodes }, sure) => {
    if (is.id === Id.Block || is.id === Id.Loop) {
      if (is.name) within.add(is.name);
      return all(nodes, sure);
    }
    if (is.id === Id.If) {
      see(nodes[0], sure);
      return nodes.slice(1).forEach((arm) => see(arm, new Set(sure)));
    }
    for (const child of nodes) see(child, sure);
    if (is.id === Id.LocalGet) {
      gets.set(is.index, (gets.get(is.index) ?? 0) + 1);
      if (!sure.has(is.index)) read.add(is.index);
    } else if (is.id === Id.LocalSet) {
      set.add(is.index);
      sure.add(is.index);
    } else if (is.id === Id.Return) returns = true;
    else if (is.id === Id.Break || is.id === Id.Switch)
      for (const name of is.id === Id.Break ? [is.name] : [...is.names, is.defaultName]) (is.value ? carry : out).add(name);
  };
  all(nodes, surely);
  const outside = (names) => [...names].filter((name) => !within.has(name)); // a label is the only one of its name in a function
  return { read, set, surely, gets, returns, out: outside(out), carry: outside(carry) };
}

const zero = ({ i64, f32, f64, i32 }, type) => (type === binaryen.i64 ? i64.const(0n) : type === binaryen.f32 ? f32.const(0) : type === binaryen.f64 ? f64.const(0) : i32.const(0));

/**
 * Moves the cold parts of a function to functions of their own, where they have at least `worth` bytes more than their
 * call. The function calls them through the table `late`; what they set, and which way they go on, they say by the value they give or by globals.
 * The names of what was moved, in the order of that table, which begins at `order`.
 */
export function move(module, f, root, cold, order, worth) {
  const types = [...binaryen.expandType(f.params), ...f.vars];
  const everywhere = needs([root]).gets;
  const moved = [];
  for (const part of parts(root, cold).reverse()) {
    const { read, set, surely, gets, returns, out, carry } = needs(part.nodes);
    const last = part.nodes.at(-1).type;
    const falls = part.nodes.every(({ type }) => type !== unreachable);
    if (carry.length || (returns && (falls || out.length))) continue;
    const byType = (a, b) => types[a] - types[b] || a - b; // fewer different types of functions
    const told = falls || out.length ? [...set].filter((local) => everywhere.get(local) > (gets.get(local) ?? 0) || (part.loops && read.has(local))).sort(byType) : [];
    const given = [...new Set([...read, ...told.filter((local) => !surely.has(local))])].sort(byType);
    const value = falls && last !== none ? last : undefined;
    const ways = out.length + falls;
    const size = bytes(part.nodes);
    if (size < worth + 2 * given.length + 4 * told.length + 4 * ways) continue;

    // Its own function: the same instructions, with locals of its own.
    const places = new Map(given.map((local, i) => [local, i]));
    const vars = [];
    const local = (type) => vars.push(type) - 1 + given.length;
    for (const node of part.nodes)
      walk(node, () => {}, ({ at, is }) => {
        if (is.id !== Id.LocalGet && is.id !== Id.LocalSet) return;
        if (!places.has(is.index)) places.set(is.index, local(types[is.index]));
        (is.id === Id.LocalGet ? binaryen.LocalGet(at) : binaryen.LocalSet(at)).index = places.get(is.index);
      });
    const direct = value && !told.length && !out.length ? "value" : !value && told.length ? "told" : "";
    const result = returns ? f.results : direct === "value" ? value : direct === "told" ? types[told[0]] : none;
    const passed = new Map();
    /** The next global of a type. */
    const global = (type) => {
      const n = passed.get(type) ?? 0;
      passed.set(type, n + 1);
      const name = `passed ${type} ${n}`;
      if (!module.getGlobal(name)) module.addGlobal(name, type, true, zero(module, type));
      return name;
    };
    const [code, carried] = [ways > 1 && global(i32), value && !direct && global(value)];
    const others = told.slice(direct === "told" ? 1 : 0).map((local) => [local, global(types[local])]);
    let body = part.nodes.map(({ at }) => at);
    if (carried) body.push(module.global.set(carried, body.pop()));
    if (out.length) {
      const go = (way) => (code ? [module.global.set(code, module.i32.const(way))] : []);
      if (falls) body.push(...go(0), module.br("end"));
      out.forEach((label, i) => (body = [module.block(label, body, none), ...go(i + Number(falls)), ...(i + 1 < out.length ? [module.br("end")] : [])]));
      if (falls || out.length > 1) body = [module.block("end", body, none)];
    }
    for (const [local, name] of others) body.push(module.global.set(name, module.local.get(places.get(local), types[local])));
    if (direct === "told") body.push(module.local.get(places.get(told[0]), types[told[0]]));
    const name = `${f.name} ${moved.length}`;
    const params = binaryen.createType(given.map((local) => types[local]));
    module.addFunction(name, params, result, vars, module.block(null, body, falls || out.length ? result : unreachable));

    // What stands in its place.
    const call = module.call_indirect("late", module.i32.const(order + moved.length), given.map((local) => module.local.get(local, types[local])), params, result);
    const then = [module.call("late", [], none)];
    if (returns) then.push(f.results === none ? call : module.return(call));
    else then.push(direct === "told" ? module.local.set(told[0], call) : call);
    if (returns && f.results === none) then.push(module.return());
    for (const [local, name] of others) then.push(module.local.set(local, module.global.get(name, types[local])));
    const way = () => module.global.get(code, i32);
    if (ways === 0 && !returns) then.push(module.unreachable());
    else if (ways === 1 && !falls) then.push(module.br(out[0]));
    else if (falls && out.length === 1) then.push(module.br(out[0], way()));
    else if (out.length) {
      const [fall, to] = [`${name} falls`, [...out]];
      if (falls) to.unshift(fall);
      const turn = module.switch(to.slice(0, -1), to.at(-1), way());
      then.push(falls ? module.block(fall, [turn], none) : turn);
    }
    if (carried) then.push(module.global.get(carried, value));
    const instead = module.block(null, then, falls ? last : unreachable);
    const { at, is } = part.parent;
    if (is.id === Id.If) binaryen.If(at)[part.first === 1 ? "ifTrue" : "ifFalse"] = instead;
    else {
      const block = binaryen.Block(at);
      block.setChildAt(part.first, instead);
      for (let i = part.nodes.length - 1; i > 0; i--) block.removeChildAt(part.first + i);
    }
    moved.push(name);
  }
  return moved;
}
