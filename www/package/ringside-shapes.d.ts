// What the engine tells, made from the types of Rust that say it (`UPDATE=1 cargo test the_types_for_typescript`).

import type { Wide } from "./ringside-engine.js";

/** The replication backlog of a node: a ring of the newest bytes of its stream. */
export interface BacklogView {
  /** `repl_backlog_active`. */
  active: boolean;
  /** `repl-backlog-size`. */
  size: number;
  histlen: number;
  /** `repl_backlog_first_byte_offset`. */
  first: number;
  /** Offset of the first byte ever written into this ring: slot 0 of the drawing. */
  origin: number;
  /** Commands in the ring, oldest first; the first may have lost its head. */
  cells: Array<Cell>;
}

/** One command of the stream. */
export interface Cell {
  /** First and last byte, inclusive. For a half-overwritten command still its full range. */
  from: number;
  to: number;
  kind: FrameKind;
  /** What stands on the bead: the key, or the command where there is none. */
  label: string;
  /** The command as one would type it. */
  text: string;
  db: number;
  at: Instant;
  /** Counts replication ids: 0 for the first history of the world, +1 for each promotion. */
  history: number;
}

/** The forked child that writes the RDB. */
export interface ChildView {
  /** `master_repl_offset` when it forked: the snapshot holds exactly the bytes up to here. */
  frozen_at: number;
  keys_done: number;
  keys_total: number;
  bytes: number;
  /** Names of the replicas that wait for it. */
  waiting: Array<string>;
  /** Shards of the keyspace that writes have copied since the fork, of all. */
  copied: number;
  shards: number;
}

/** One thing in a packet: a command, a reply line, a piece of a snapshot. */
export interface Frame {
  kind: FrameKind;
  /** For the bead: key, ACK offset, `RDB`. */
  label: string;
  /** For the wire list: `SET city Oslo`, `+CONTINUE 8f3a…`. */
  text: string;
  /** Bytes of the packet, `start..end`. A frame that began in an earlier packet starts at 0. */
  start: number;
  end: number;
  /** First and last byte of the stream, for stream commands. */
  offsets: [number, number] | null;
}

/** What bytes of a wire are for. */
export type FrameKind =
  | "write"
  | "select"
  | "transaction"
  | "ping"
  | "getack"
  | "ack"
  | "request"
  | "reply"
  | "rdb"
  | "newline";

/**
 * Why a partial resynchronization is not possible: it asked for none (`new`), by an id that is not the master's
 * (`other-history`), for a byte past the next one (`too-far`), …
 */
export type FullCause =
  | { is: "new" }
  | { is: "other-history" }
  | {
      is: "beyond-second";
      /** The second id matches, but is vouched for only up to here. */
      up_to: number;
    }
  | {
      is: "too-old";
      /** Bytes that were wanted and are overwritten. */
      gone: number;
    }
  | { is: "too-far" }
  | { is: "no-backlog" };

/** What a notable thing is; nodes go by their names. Bytes are those of the replication stream, or of the file. */
export type Happening =
  | { is: "ready"; replicas: number }
  | {
      is: "written";
      node: string;
      /** In all, of them `select` for a SELECT. */
      bytes: number;
      select: number;
      key: string;
    }
  | { is: "cut"; a: string; b: string }
  | { is: "restored"; a: string; b: string }
  | {
      is: "behind";
      replica: string;
      /** So far behind. */
      bytes: number;
      /** The ring covers it for so many more. */
      left: number;
    }
  | {
      is: "fell-off";
      replica: string;
      /** Bytes that it needs and that are overwritten. */
      gone: number;
    }
  | { is: "partial"; replica: string; master: string; bytes: number }
  | { is: "full-needed"; replica: string; master: string; cause: FullCause }
  | { is: "forked"; node: string; keys: number; offset: number }
  | { is: "snapshot-sent"; node: string; replica: string; bytes: number }
  | { is: "storing"; replica: string; bytes: number }
  | { is: "loading"; replica: string; bytes: number }
  | { is: "loaded"; replica: string; keys: number; offset: number }
  | { is: "promoted"; node: string; offset: number }
  | { is: "killed"; node: string }
  | { is: "started"; node: string }
  | { is: "served"; node: string; keys: number }
  | { is: "added"; node: string; of: string }
  | { is: "load-on"; node: string; per_s: number }
  | { is: "load-off" }
  | {
      is: "answered";
      node: string;
      replica: string;
      /** With which a real server answered PSYNC or SYNC; why, only its own log tells. */
      line: string;
    };

/**
 * A moment, in microseconds since the Unix epoch. A simulated world starts with the year 2026 (`Instant::WORLD`), a
 * native server at the machine's own time; TTLs (`PXAT`) need no conversion in either.
 */
export type Instant = number;

/** A key. */
export interface KeyView {
  db: number;
  name: string;
  kind: "string" | "list" | "hash" | "set" | "zset" | "stream";
  /** The value in a few words, such as `"Oslo"` or `3 members`. */
  value: string;
  /** Equal digests mean equal values and expiry; outside of Rust 16 hexadecimal digits. */
  digest: string;
  /** Has a TTL: unix time in ms when it ends. */
  expire_at_ms: Wide | null;
  /** The stream bytes of the command that set it last, where it is one of the newest thousand: first, last. */
  set_by: [number, number] | null;
}

/** A reply that came when its command was long over. */
export interface LateReply {
  node: string;
  /** As redis-cli prints it. */
  text: string;
}

/** The history `child` continues `parent`, whose bytes up to `upto` it shares. */
export interface Lineage {
  child: number;
  parent: number;
  upto: number;
}

/** The way from a node to its master. */
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

/** The load generator (`load m 50/s reads r1`), and what it did so far. */
export interface LoadView {
  node: string;
  per_s: number;
  writes: number;
  /** Node, reads answered by it. */
  reads: Array<[string, number]>;
}

/** A line of a server's log. */
export interface LogLine {
  at: Instant;
  /** Redis's level mark: `.` debug, `-` verbose, `*` notice, `#` warning. */
  level: "." | "-" | "*" | "#";
  text: string;
}

/** One mark on a timeline lane. */
export interface Mark {
  at: Instant;
  node: string;
  kind: MarkKind;
}

/** What a mark on a timeline is for. */
export type MarkKind =
  | "write"
  | "ping"
  | "full-sync"
  | "partial"
  | "link-down"
  | "link-up"
  | "cut"
  | "restore"
  | "promotion"
  | "killed"
  | "started"
  | "fork"
  | "dumped"
  | "transfer"
  | "store"
  | "load"
  | "catch-up"
  | "caught-up"
  | "wait"
  | "waited";

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
  /** Forty zeros when there is none. */
  replid2: string;
  /** -1 when there is none. */
  second_offset: number;
  /** `master_repl_offset`. */
  offset: number;
  phase: Phase;
  /** Bytes behind the master of its chain; nothing when it is not on the same history. */
  behind: number | null;
  /**
   * Seconds since its master heard an acknowledgement, the `lag` of the master's `INFO replication`; nothing when it is
   * not online there, or the master is not one of ours.
   */
  lag_s: number | null;
  /** Keys of all databases, in a fixed order; of a large database the first 500 only. */
  keys: Array<KeyView>;
  /** How many keys there are, in all databases. */
  key_count: number;
  backlog: BacklogView;
  /** Replicas attached to this node. */
  replicas: Array<ReplicaView>;
  /** Where so many bytes wait for one of them it is disconnected; 0 is never. */
  replica_limit: number;
  child: ChildView | null;
  /** Newest server log lines, oldest first, as Redis prints them (without pid and time). */
  log: Array<LogLine>;
  sync_full: number;
  sync_partial_ok: number;
  sync_partial_err: number;
}

/** The verdict on a request for the stream. */
export type Outcome =
  | {
      is: "continue";
      /** So many are sent. */
      bytes: number;
    }
  | { is: "full"; cause: FullCause };

/** Bytes that travel together. */
export interface Packet {
  /** Counts all packets from 1. */
  id: number;
  from: string;
  to: string;
  sent: Instant;
  arrives: Instant;
  /** Nothing while in flight; true: arrived; false: lost with its connection. */
  delivered: boolean | null;
  bytes: Uint8Array;
  /** Shared by the packets to all replicas that are in step. */
  frames: Array<Frame>;
}

/** How a node stands to its master: the word on its plate. */
export type Phase =
  | { is: "master" }
  | { is: "dead" }
  | { is: "down"; since: Instant; cut: boolean }
  | {
      is: "handshake";
      /** 1 to 10. */
      step: number;
      /** Such as `PSYNC`. */
      name: string;
    }
  | { is: "waits-for-snapshot" }
  | {
      is: "transfer";
      /** Bytes received, of all. */
      got: number;
      total: number;
    }
  | {
      is: "storing";
      /** Bytes stored, of all. */
      done: number;
      total: number;
    }
  | {
      is: "loading";
      /** Bytes loaded, of all. */
      done: number;
      total: number;
    }
  | { is: "starting"; done: number; total: number }
  | { is: "online" }
  | { is: "outside" };

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

/** A replica as its master sees it. */
export interface ReplicaView {
  /** Name of the node, or its address when it is not one of ours. */
  name: string;
  /** As in `INFO replication`, or `offline` for one that is known but not attached now. */
  state: "wait_bgsave" | "send_bulk" | "online" | "offline";
  /** Last byte that it is known to have: acknowledged, or, before its first acknowledgement, where its stream began. */
  ack: Wide;
  /** Last offset that has been sent into its connection. */
  sent: Wide;
  /** Bytes waiting in its output buffer for the snapshot to end. */
  buffered: number;
  /** Bytes of the stream that wait for it, with those that its connection has not taken yet. */
  output: number;
}

/** The whole world at one moment. */
export interface Snapshot {
  now: Instant;
  /** Microseconds since the world began. */
  elapsed_us: number;
  /** How many events happened so far. */
  event: number;
  /** In the order in which they were created; the index is the node's colour and key. */
  nodes: Array<NodeView>;
  /** One for each node that has, or is told to have, a master. */
  links: Array<LinkView>;
  /** Packets on their way, oldest first. */
  in_flight: Array<Packet>;
  /** The newest packets of all fates, oldest first; at most 400 (`WIRE_KEPT`). */
  wire: Array<Packet>;
  /** The newest PSYNC verdict of any node. */
  verdict: Verdict | null;
  /** The newest notable thing. */
  story: Story | null;
  /** Notable moments for the timeline, oldest first. */
  marks: Array<Mark>;
  /** The newest writes, oldest first, and which history continues which. */
  writes: Array<Write>;
  lineage: Array<Lineage>;
  /** The load generator, when one runs. */
  load: LoadView | null;
  /** Nothing but heartbeats (PING, ACK, reconnection attempts) is going on. */
  idle: boolean;
}

/** A notable thing, for the story line. The words are the page's. */
export interface Story {
  /** Counts all of them from 1. */
  n: number;
  at: Instant;
  what: Happening;
}

/** A notable thing, as `Playground.events` and `Playground.subscribe` tell it. */
export interface Told {
  /** Counts all of them from 1. */
  n: number;
  /** Microseconds since the world began. */
  at_us: number;
  /** One line in English. */
  text: string;
  what: Happening;
}

/** How a master answered PSYNC or SYNC. */
export interface Verdict {
  at: Instant;
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

/** A write that entered the stream of a master, which is when its client is told `OK`. */
export interface Write {
  node: string;
  at: Instant;
  text: string;
  /** Which history, in the order in which they began, and the first and last byte of the command in it. */
  history: number;
  from: number;
  to: number;
}
