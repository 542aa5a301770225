// Stretches of functions that were moved out of them (.ci/stretches.mjs) do what they did where they were: the engine plays
// the same session with any of its stretches moved.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { binaryen, move, stretches } from "../../.ci/stretches.mjs";

const engine = new URL("../../target/package/ringside-engine.js", import.meta.url);
const bytes = readFileSync(new URL("./ringside-engine.wasm", engine));
const { Features, none } = binaryen;

/** The engine with the stretches moved for which `chosen` is true, and how many they are. */
function divided(chosen) {
  const module = binaryen.readBinary(bytes);
  module.setFeatures(module.getFeatures() | Features.ReferenceTypes | Features.MutableGlobals);
  const moved = [];
  const own = Array.from({ length: module.getNumFunctions() }, (_, i) => binaryen.getFunctionInfo(module.getFunctionByIndex(i))).filter(({ base }) => !base);
  for (const f of own) {
    const { root, sizes } = stretches(f.body) ?? { sizes: [] };
    const cold = new Set([...sizes.keys()].filter((i) => i > 0 && chosen()));
    if (cold.size) moved.push(...move(module, f, root, cold, moved.length, -Infinity));
  }
  module.addFunction("late", none, none, [], module.nop());
  module.addTable("late", moved.length, moved.length);
  module.addActiveElementSegment("late", "late", moved, module.i32.const(0));
  assert.ok(module.validate());
  return [module.emitBinary(), moved.length];
}

const COMMANDS = [
  "SET a 1", "INCRBY a 41", "APPEND a x", "INCR a", "RPUSH l a b c d", "LINSERT l BEFORE c x", "LRANGE l 0 -1", "HSET h f 1 g 2", "HINCRBYFLOAT h f 0.1",
  "SADD s 1 2 3 x", "SRANDMEMBER s 2", "ZADD z 1 a 2.5 b -inf c", "ZRANGE z 0 -1 WITHSCORES", "XADD x * f v", "XRANGE x - +", "PFADD p a b c", "PFCOUNT p",
  "GEOADD g 13.361389 38.115556 Palermo", "GEOPOS g Palermo", "SETBIT b 100 1", "BITCOUNT b", "EXPIRE a 100", "OBJECT ENCODING z", "DEBUG OBJECT l",
  "SORT s ALPHA DESC", "SCAN 0", "DUMP z", "NOSUCH", "SET", "ZADD z x y", "INFO replication", "CONFIG GET *", "COMMAND COUNT", "DEBUG DIGEST", "WAIT 2 100",
];

/** What an engine says to all of it. */
async function played(source) {
  const { Playground, load } = await import(`${engine}?${Math.random()}`);
  await load(source);
  const playground = await Playground.create({ replicas: 2, seed: 7 });
  const said = [];
  for (const command of COMMANDS) said.push(playground.exec("m", command));
  playground.act("cut m r1");
  playground.run(3000);
  said.push(playground.exec("m", "SET while cut"));
  playground.act("restore m r1");
  playground.run(5000);
  playground.exec("r2", "REPLICAOF NO ONE");
  playground.run(5000);
  for (const node of ["m", "r1", "r2"]) said.push(playground.exec(node, "ROLE"), playground.exec(node, "DEBUG DIGEST"));
  playground.seek(5);
  said.push(playground.link(), Buffer.from(playground.exportRdb("m")).toString("hex"));
  playground.dispose();
  return said;
}

test("the engine says the same with stretches of it moved: all of them, and some by chance", { timeout: 300_000 }, async () => {
  const expected = await played(bytes);
  assert.match(expected.at(-3), /[0-9a-f]{40}/);
  let random = 1;
  const chance = (of) => () => (random = (random * 48271) % 0x7fffffff) % of === 0;
  for (const chosen of [() => true, chance(3)]) {
    const [module, count] = divided(chosen);
    assert.ok(count > 500, `${count} stretches`);
    assert.deepEqual(await played(module), expected, `${count} stretches moved`);
  }
});
