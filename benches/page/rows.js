// What is measured inside a page: Ringside's engine, and its peers in the same page, round by round in turn.
const batch = 64;
const keys = 10_000;
const value = "v".repeat(32);
const key = (i) => `key:${String((i * 7_919) % keys).padStart(6, "0")}`;
const median = (list) => list.toSorted((a, b) => a - b)[list.length >> 1];

/** Per second, for `count` of something that `work` does. */
async function rate(count, work) {
  const began = performance.now();
  await work();
  return (count / (performance.now() - began)) * 1000;
}

/** Five rounds of each side in turn; medians, and how far apart the peer's own rounds are. */
async function versus(ours, theirs) {
  const [mine, other] = [[], []];
  for (let round = 0; round < 5; round++) {
    mine.push(await ours());
    other.push(await theirs());
  }
  const spread = (Math.max(...other) - Math.min(...other)) / median(other);
  return { ours: median(mine), peer: median(other), spread };
}

async function engine() {
  const { Playground } = await import("./package/ringside-engine.js");
  return (options) => Playground.create(options);
}

/** Node.js is expected by ioredis-mock; what it asks for and does not need is empty. */
async function peers() {
  globalThis.require ??= () => ({});
  globalThis.process ??= { env: {}, versions: {}, cwd: () => "/", nextTick: (f, ...a) => queueMicrotask(() => f(...a)) };
  return import("./peers.js");
}

/** Every node at the same offset, with the same data: else the work was not done. */
function inStep(world) {
  if (!world.settle()) throw new Error("the world never comes to rest");
  const { nodes } = world.snapshot();
  const offsets = new Set(nodes.map((n) => n.offset));
  const digests = new Set(nodes.map((n) => world.exec(n.name, "DEBUG DIGEST")));
  if (offsets.size !== 1 || digests.size !== 1) throw new Error(`not in step: ${[...offsets]} ${[...digests]}`);
}

const resp = (...args) => `*${args.length}\r\n${args.map((a) => `$${a.length}\r\n${a}\r\n`).join("")}`;

/** SETs through a master to two replicas until all are in step, beside the peer's one node. */
async function sets(count, ours, theirs, events) {
  const [create, { Redis }] = [await engine(), await peers()];
  return versus(
    async () => {
      const world = await create({ replicas: 2, backlog: "1mb", latency: "1ms", events });
      const speed = await rate(count, async () => {
        await ours(world);
        world.settle();
      });
      inStep(world);
      world.dispose();
      return speed;
    },
    async () => {
      const redis = new Redis();
      const speed = await rate(count, () => theirs(redis));
      await redis.flushall();
      return speed;
    },
  );
}

/** P1: in batches; the peer keeps as many in flight. */
export function p1(events) {
  const [count, encoder] = [batch * 200, new TextEncoder()];
  const batches = Array.from({ length: count / batch }, (_, b) =>
    encoder.encode(Array.from({ length: batch }, (_, i) => resp("SET", key(b * batch + i), value)).join("")));
  return sets(
    count,
    (world) => {
      for (const bytes of batches) {
        world.raw("m", bytes);
        world.run(1);
      }
    },
    async (redis) => {
      for (let b = 0; b < count; b += batch) await Promise.all(Array.from({ length: batch }, (_, i) => redis.set(key(b + i), value)));
    },
    events,
  );
}

/** P1b: the same, one call a command. */
export function p1b(events) {
  const count = 5_000;
  return sets(
    count,
    async (world) => {
      for (let i = 0; i < count; i++) await world.exec("m", `SET ${key(i)} ${value}`);
    },
    async (redis) => {
      for (let i = 0; i < count; i++) await redis.set(key(i), value);
    },
    events,
  );
}

/** Eight nodes under a load of about ten thousand messages a second. */
async function busy() {
  const world = await (await engine())({ replicas: 7, backlog: "1mb", latency: "20ms" });
  world.settle();
  world.act("load m 1400/s");
  return world;
}

/** P10: virtual seconds in a second, and how long a jump within a minute takes. */
export async function p10() {
  const world = await busy();
  const virtual = 60;
  const speed = await rate(virtual, () => {
    for (let s = 0; s < virtual; s++) world.run(1000);
  });
  const { end } = world.position;
  const times = [];
  let place = 1;
  for (let i = 0; i < 100; i++) {
    place = (place * 48_271) % 2_147_483_647;
    const began = performance.now();
    world.seek(place % end);
    times.push(performance.now() - began);
  }
  world.dispose();
  times.sort((a, b) => a - b);
  return { speed, events: end, p50: times[50], p99: times[98] };
}

/** P11: bytes of memory that a key costs with seven copies of it, and what a minute of history adds. */
export async function p11() {
  const size = () => globalThis.memories.reduce((sum, m) => sum + m.buffer.byteLength, 0);
  const world = await (await engine())({ replicas: 7, backlog: "16kb", latency: "1ms" });
  world.settle();
  const [before, encoder] = [size(), new TextEncoder()];
  for (let b = 0; b < keys; b += batch) {
    world.raw("m", encoder.encode(Array.from({ length: batch }, (_, i) => resp("SET", `key:${b + i}`, value)).join("")));
    world.run(1);
  }
  inStep(world);
  const filled = size();
  world.act("load m 1000/s");
  const soak = [];
  for (let minute = 0; minute < 3; minute++) {
    for (let s = 0; s < 60; s++) world.run(1000);
    soak.push(size());
  }
  world.dispose();
  return { before, filled, perKey: (filled - before) / (keys * 8), soak };
}

/** P9: frames for some seconds: the 99th percentile of their distance and of the work in them, and the longest task. */
export async function frames(seconds) {
  const [gaps, tasks] = [[], []];
  new PerformanceObserver((list) => list.getEntries().forEach((e) => tasks.push(e.duration))).observe({ type: "longtask" });
  globalThis.work.length = 0;
  await new Promise((done) => {
    const end = performance.now() + seconds * 1000;
    let last = performance.now();
    const next = (now) => {
      gaps.push(now - last);
      last = now;
      if (now < end) globalThis.ask(next);
      else done();
    };
    globalThis.ask(next);
  });
  const p99 = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length * 0.99)] ?? 0;
  return { p99: p99(gaps), work: p99(globalThis.work), longest: Math.max(0, ...tasks), frames: gaps.length };
}
