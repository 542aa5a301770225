/**
 * The engine of Ringside as a module: a world of virtual Redis servers that replicate as Redis 7.0.15 does, byte for
 * byte, in virtual time. It runs in browsers, in workers and in Node.js 20 and newer.
 *
 * ```js
 * import { Playground } from "ringside/engine";
 * const p = await Playground.create({ replicas: 1 });
 * p.act("cut m r1");
 * p.exec("m", "SET city Oslo");
 * p.act("restore m r1");
 * p.settle();
 * p.snapshot().verdict.outcome; // { is: "continue", bytes: 56 }
 * ```
 *
 * Everything but {@link load} and {@link Playground.create} is synchronous. Equal options and equal calls give equal
 * worlds on every machine, to the byte and to the microsecond: {@link Playground.trace} is a hash of all that happened.
 *
 * @module ringside/engine
 */

import type { LateReply, Position, Snapshot, Told } from "./ringside-shapes.js";

export type * from "./ringside-shapes.js";

/** A whole number that a client can choose freely: a BigInt where it does not fit into a number. */
export type Wide = number | bigint;

/** How a world begins. Names and units are those of the scenarios' `cluster` line. */
export interface Options {
  /** All luck of the world comes from it. 0 to 2^64 - 1; 7 unless said. */
  seed?: number | bigint;
  /** Replicas of `m`, called `r1`, `r2`, …; 0 to 7, 2 unless said. */
  replicas?: number;
  /** `repl-backlog-size` of every node: bytes, also `"64kb"`; 512 unless said, which is a teaching scale. */
  backlog?: number | string;
  /** One-way delay of every path, such as `"50ms"`; `"100ms"` unless said. */
  latency?: string;
  /** Keys that `m` has before the first replica comes; three unless said. */
  keys?: Record<string, string>;
}

/** A world from options, at the end of a scenario, or where a share link points. */
export type Creation = {
  /** The module, where its address is another one: see {@link load}. */
  module?: ModuleSource;
  /**
   * `false`: nothing is kept for onlookers, which is several times faster. All that happens is the same, with the same
   * bytes, times and {@link Playground.trace}; but there are no {@link Playground.events}, and a snapshot has no packets,
   * marks, logs and commands in its rings.
   */
  events?: boolean;
} & (
  | (Options & { script?: undefined; link?: undefined })
  | { /** Text of a scenario. Its line `judge` is for the command line alone. */ script: string; link?: undefined }
  | { /** A share link, or a whole address that ends with one. */ link: string; script?: undefined }
);

/** The compiled module, its bytes, or its address; a `file:` address is read where there are files. */
export type ModuleSource = WebAssembly.Module | ArrayBuffer | ArrayBufferView | URL | string;

/** Fetches and compiles the module: once, for all playgrounds. `Playground.create` does it by itself. */
export function load(source?: ModuleSource): Promise<WebAssembly.Module>;

/**
 * - `argument`: a value of the wrong type or out of range
 * - `limit`: more than is taken in at once
 * - `action`: a line that is no action, or cannot be done now (no such node, it does not run, …)
 * - `script`, `link`, `rdb`: that text, link or file is wrong; the message says where
 * - `protocol`: raw bytes are no RESP, or not complete
 * - `busy`: a call within a call
 * - `broken`: the engine stopped by a mistake of its own; {@link Playground.restart} goes on
 * - `disposed`: the playground is gone
 * - `load`: the module could not be fetched
 */
export type ErrorCode =
  | "argument" | "limit" | "action" | "script" | "link" | "rdb" | "protocol" | "busy" | "broken" | "disposed" | "load";

/** What every failed call throws. A failed call changes nothing. */
export class PlaygroundError extends Error {
  readonly name: "PlaygroundError";
  readonly code: ErrorCode;
}

/** A world of its own, with an instance of the engine of its own. */
export class Playground {
  private constructor();
  /** A new world, once the module is there. Two of one page share the module and nothing else. */
  static create(options?: Creation): Promise<Playground>;

  /**
   * Runs a command on the console's connection to a node; the reply as redis-cli prints it. An error reply is text that
   * begins with `(error)`, and no failure of the call. Empty when the reply comes later: see {@link lateReplies}.
   */
  exec(node: string, command: string): string;
  /**
   * Any number of commands as the bytes that a client sends in one go (RESP or lines), on the same connection; the bytes
   * of their replies. What they write travels in as few packets as it fits into, as with a real server. A command after which the server is gone (`SHUTDOWN`) ends the batch, as it ends a connection.
   */
  raw(node: string, commands: Uint8Array): Uint8Array;
  /**
   * Does a line of the script language: `cut m r1`, `restore m r1`, `latency m r1 20ms..2s`, `partition m | r1 r2`,
   * `kill m`, `start m empty`, `pause r1 2s`, `add of r1`, `fork m refused`, `disk r1 full`, `load m 50/s reads r1`, …
   * Every fault has one. After going back this begins a branch.
   */
  act(line: string): void;
  /** Lets the next event happen; false when nothing is due ever again. */
  step(): boolean;
  /** Lets milliseconds of virtual time pass: 0 to 86 400 000, down to the microsecond. */
  run(ms: number): void;
  /** Runs until nothing but heartbeats is left, for at most five virtual minutes; whether it came to that. */
  settle(): boolean;

  /** Goes to just after an event of the current branch (0 is the beginning), at most to its end. */
  seek(event: number): void;
  /** Goes to a moment of the current branch, in microseconds since the world began. */
  seekTime(us: number): void;
  /** Goes to just before what was done last; false when nothing was. */
  undo(): boolean;
  /** Goes to just after what was done next; false when nothing was. */
  redo(): boolean;
  /** Where this is on its tape. */
  readonly position: Position;

  /** Everything that a screen shows. */
  snapshot(): Snapshot;
  /** Notable things after number `since`, oldest first; the newest thousand are kept. */
  events(since?: number): Told[];
  /**
   * Tells every notable thing that a call brings, before that call returns. A listener may look, and may not change the
   * world (`busy`). What a listener throws is reported as an uncaught error and is no failure of the call. Going to and
   * fro tells nothing. The result ends it.
   */
  subscribe(listener: (event: Told) => void): () => void;
  /** Replies that came later than their commands (`WAIT`, `BLPOP`, messages) since this was asked last. */
  lateReplies(): LateReply[];

  /** The dataset of a node as an RDB file, as `SAVE` would write it now; of a dead node the file on its disk. */
  exportRdb(node: string): Uint8Array;
  /**
   * Puts all keys of an RDB file (versions 1 to 12, at most 64 MB) into a node as a client would, with `RESTORE … REPLACE`:
   * they replicate. The number of keys. The console's connection is in database 0 afterwards.
   */
  importRdb(node: string, file: Uint8Array): number;

  /** The session as a share link, to stand behind the `#` of the page's address: all branches, and this moment. */
  link(): string;
  /** The current branch up to here, as a scenario that does the same. */
  script(): string;
  /** A hash of all that happened, 16 hexadecimal digits. */
  readonly trace: string;

  /** Whether the engine stopped by a mistake of its own: then every call throws `broken`. */
  readonly broken: boolean;
  /** A new instance of the engine, brought to where this was before the call that broke it: every call is made again. */
  restart(): void;
  /** A drill: breaks the engine. */
  panic(): never;
  /** Gives everything back. Every later call throws `disposed`; to dispose twice is fine. */
  dispose(): void;
}

/**
 * A reply with its type. Text that is no UTF-8 is bytes. `array`, `set` and `push` hold replies, `map` pairs of them; what
 * RESP2 has (`simple`, `error`, `integer`, `bulk`, `array`, `null`) is all there is before `HELLO 3`.
 */
export type Resp =
  | { type: "simple" | "error" | "bulk" | "verbatim"; value: string | Uint8Array }
  | { type: "integer"; value: Wide }
  | { type: "double"; value: number }
  | { type: "big-number"; value: bigint }
  | { type: "boolean"; value: boolean }
  | { type: "null"; value: null }
  | { type: "array" | "set" | "push"; value: Resp[] }
  | { type: "map"; value: [Resp, Resp][] };

/** All replies in bytes, such as {@link Playground.raw} gives. */
export function replies(bytes: Uint8Array): Resp[];
