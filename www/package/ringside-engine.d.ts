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
export type Creation = { /** The module, where its address is another one: see {@link load}. */ module?: ModuleSource } & (
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
   * Any number of commands as the bytes that a client sends (RESP or lines), on the same connection; the bytes of their
   * replies. A command after which the server is gone (`SHUTDOWN`) ends the batch, as it ends a connection.
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

/** A place on the tape of a session. */
export interface Position {
  /** The event that happened last, and the last one of the branch so far. */
  event: number;
  end: number;
  /** Microseconds since the world began, here and at the end of the branch. */
  elapsed_us: number;
  end_us: number;
  /** What comes next is recorded; acting here begins a branch. */
  past: boolean;
}

/** A reply that came when its command was long over. */
export interface LateReply {
  node: string;
  text: string;
}

/** A notable thing, as {@link Playground.events} and {@link Playground.subscribe} tell it. */
export interface Told {
  /** Counts all of them from 1. */
  n: number;
  /** Microseconds since the world began. */
  at_us: number;
  /** One line in English. */
  text: string;
  what: Happening;
}

/** What a notable thing is; `is` tells which, and nodes go by their names. `bytes` are those of the replication stream, or of the file. */
export type Happening =
  | { is: "ready"; replicas: number }
  /** A client's write entered the stream of `node`: `bytes` in all, of them `select` for a SELECT. */
  | { is: "written"; node: string; bytes: number; select: number; key: string }
  | { is: "cut"; a: string; b: string }
  | { is: "restored"; a: string; b: string }
  /** While the path is cut, `replica` is `bytes` behind and the ring covers it for `left` more. */
  | { is: "behind"; replica: string; bytes: number; left: number }
  /** The ring overwrote bytes that `replica` still needs. */
  | { is: "fell-off"; replica: string; gone: number }
  | { is: "partial"; replica: string; master: string; bytes: number }
  | { is: "full-needed"; replica: string; master: string; cause: FullCause }
  | { is: "forked"; node: string; keys: number; offset: number }
  | { is: "snapshot-sent"; node: string; replica: string; bytes: number }
  | { is: "storing"; replica: string; bytes: number }
  | { is: "loading"; replica: string; bytes: number }
  | { is: "loaded"; replica: string; keys: number; offset: number }
  | { is: "promoted"; node: string; offset: number }
  | { is: "killed"; node: string }
  | { is: "started"; node: string; keys: number }
  | { is: "added"; node: string; of: string }
  | { is: "load-on"; node: string; per_s: number }
  | { is: "load-off" };

/** Why a partial resynchronization is not possible. */
export type FullCause =
  /** It did not ask for one. */
  | { is: "new" }
  | { is: "other-history" }
  /** The second id matches, but is vouched for only up to here. */
  | { is: "beyond-second"; up_to: number }
  /** Overwritten: this many bytes are gone. */
  | { is: "too-old"; gone: number }
  /** Asked for a byte past the next one. */
  | { is: "too-far" }
  | { is: "no-backlog" };

/** The whole world at one moment. Times that are called `at`, `now`, `sent` and the like are microseconds since 1970. */
export interface Snapshot {
  now: number;
  /** Microseconds since the world began. */
  elapsed_us: number;
  /** How many events happened so far. */
  event: number;
  /** In the order in which they were created. */
  nodes: NodeView[];
  /** One for each node that has, or is told to have, a master. */
  links: LinkView[];
  /** Packets on their way, oldest first. */
  in_flight: Packet[];
  /** The newest 400 packets of all fates, oldest first. */
  wire: Packet[];
  /** The newest PSYNC verdict of any node. */
  verdict: Verdict | null;
  /** The newest notable thing. */
  story: Story | null;
  /** Notable moments for a timeline, oldest first. */
  marks: Mark[];
  /** The newest writes, oldest first, and which history continues which. */
  writes: Write[];
  lineage: Lineage[];
  /** The load generator, when one runs. */
  load: LoadView | null;
  /** Nothing but heartbeats is going on. */
  idle: boolean;
}

/** A server, alive or dead. */
export interface NodeView {
  name: string;
  port: number;
  alive: boolean;
  /** Has a master configured (`role:slave`). */
  replica: boolean;
  /** Name of the node that it follows. */
  master: string | null;
  /** 0 for a master, 1 for its replicas, 2 for theirs. */
  depth: number;
  replid: string;
  /** Counts histories: that of `replid`, once something was written under it. */
  history: number | null;
  replid2: string;
  /** -1 when there is none. */
  second_offset: number;
  /** `master_repl_offset`. */
  offset: number;
  phase: Phase;
  /** Bytes behind the master of its chain; null when it is not on the same history. */
  behind: number | null;
  /** Seconds since the last byte from the master; null without a link. */
  lag_s: number | null;
  /** All keys of all databases, in a fixed order. */
  keys: KeyView[];
  backlog: BacklogView;
  /** Replicas attached to this node. */
  replicas: ReplicaView[];
  child: ChildView | null;
  /** Newest server log lines, oldest first. */
  log: LogLine[];
  sync_full: number;
  sync_partial_ok: number;
  sync_partial_err: number;
}

/** How a node stands to its master. */
export type Phase =
  | { is: "master" }
  | { is: "dead" }
  | { is: "down"; since: number; cut: boolean }
  | { is: "handshake"; step: number; name: string }
  | { is: "waits-for-snapshot" }
  | { is: "transfer"; got: number; total: number }
  | { is: "storing" | "loading" | "starting"; done: number; total: number }
  | { is: "online" };

/** A key. */
export interface KeyView {
  db: number;
  name: string;
  kind: "string" | "list" | "hash" | "set" | "zset" | "stream";
  /** In a few words, such as `"Oslo"` or `3 members`. */
  value: string;
  /** Equal digests mean equal values and expiry: 16 hexadecimal digits. */
  digest: string;
  /** Unix time in milliseconds when it ends. */
  expire_at_ms: Wide | null;
  /** First and last stream byte of the command that set it last, when they are known. */
  set_by: [number, number] | null;
}

/** The replication backlog of a node: a ring of the newest bytes of its stream. */
export interface BacklogView {
  active: boolean;
  size: number;
  histlen: number;
  /** `repl_backlog_first_byte_offset`. */
  first: number;
  /** Offset of the first byte ever written into this ring. */
  origin: number;
  /** Commands in the ring, oldest first; the first may have lost its head. */
  cells: Cell[];
}

/** A command of the stream in the ring. */
export interface Cell {
  /** First and last byte, inclusive. */
  from: number;
  to: number;
  kind: FrameKind;
  label: string;
  text: string;
  db: number;
  at: number;
  /** Counts replication ids: 0 for the first history of the world. */
  history: number;
}

/** A replica as its master sees it; `state` is that of `INFO replication`. */
export interface ReplicaView {
  name: string;
  state: "wait_bgsave" | "send_bulk" | "online" | "offline";
  /** Last byte that it is known to have. */
  ack: Wide;
  /** Last offset that has been sent into its connection. */
  sent: Wide;
  /** Bytes waiting in its output buffer for the snapshot to end. */
  buffered: number;
}

/** A forked child that writes a snapshot. */
export interface ChildView {
  /** The snapshot holds exactly the bytes up to here. */
  frozen_at: number;
  keys_done: number;
  keys_total: number;
  bytes: number;
  /** Names of the replicas that wait for it. */
  waiting: string[];
  copied: number;
  shards: number;
}

/** The way from a replica to the master that it has, or is told to have. */
export interface LinkView {
  replica: string;
  master: string;
  /** A TCP connection stands. */
  up: boolean;
  cut: boolean;
  /** One-way delay. */
  latency_us: number;
  /** 0 is unlimited. */
  bytes_per_s: number;
  /** The snapshot is on its way. */
  transfer: boolean;
}

/** Bytes that went over a wire together. */
export interface Packet {
  /** Counts all packets from 1. */
  id: number;
  from: string;
  to: string;
  sent: number;
  arrives: number;
  /** null while in flight; true arrived; false lost with its connection. */
  delivered: boolean | null;
  bytes: Uint8Array;
  frames: Frame[];
}

/** What a part of a packet means. */
export interface Frame {
  kind: FrameKind;
  label: string;
  text: string;
  /** Bytes of the packet, from `start` to before `end`. */
  start: number;
  end: number;
  /** First and last byte of the stream, for stream commands. */
  offsets: [number, number] | null;
}

/** What bytes of a wire are for. */
export type FrameKind =
  | "write" | "select" | "transaction" | "ping" | "getack" | "ack" | "request" | "reply" | "rdb" | "newline";

/** How a master answered PSYNC or SYNC. */
export interface Verdict {
  at: number;
  master: string;
  replica: string;
  /** `?` or 40 hex digits; empty for SYNC. */
  asked_id: string;
  /** First byte wanted; -1 for none. */
  asked: Wide;
  outcome: Outcome;
  /** The master's own id, newest byte and oldest byte in the ring when it answered (`first` 0: no backlog). */
  replid: string;
  first: number;
  offset: number;
  /** Its second id, and the first byte that it does not vouch for under that one; -1 for none. */
  replid2: string;
  second_offset: number;
  /** The size of its ring; 0 for none. */
  size: number;
  /** The line in the master's log. */
  log: string;
}

/** What a master decided: the missing bytes, or everything. */
export type Outcome = { is: "continue"; bytes: number } | { is: "full"; cause: FullCause };

/** The thing that a screen would tell now. */
export interface Story {
  n: number;
  /** Microseconds since 1970. */
  at: number;
  what: Happening;
}

/** A moment worth a mark on a timeline. */
export interface Mark {
  at: number;
  node: string;
  kind:
    | "write" | "ping" | "full-sync" | "partial" | "link-down" | "link-up" | "cut" | "restore" | "promotion"
    | "killed" | "started" | "fork" | "dumped" | "transfer" | "store" | "load"
    | "catch-up" | "caught-up";
}

/** A write that entered the stream of a master. */
export interface Write {
  node: string;
  at: number;
  text: string;
  history: number;
  from: number;
  to: number;
}

/** The history `child` continues `parent`, whose bytes up to `upto` it shares. */
export interface Lineage {
  child: number;
  parent: number;
  upto: number;
}

/** The load generator (`load m 50/s reads r1`), and what it did so far. */
export interface LoadView {
  node: string;
  per_s: number;
  writes: number;
  /** Node, and reads answered by it. */
  reads: [string, number][];
}

/** A line of a server's log. */
export interface LogLine {
  at: number;
  /** Redis's level mark. */
  level: "." | "-" | "*" | "#";
  text: string;
}
