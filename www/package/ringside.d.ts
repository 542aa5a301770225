/**
 * `<ringside-playground>`: a playground in somebody else's page. Importing this module defines the element; nothing else is
 * loaded before the visitor, the page or the attribute `loading` wants it. Safe to import where there is no document.
 *
 * @module ringside/element
 */

import type { Position, Resp } from "./ringside-engine.js";

/** What a command was answered with. */
export interface Answer {
  /** As redis-cli prints it. */
  text: string;
  /** What the server sent: one reply to most commands, and none when it comes later (`BLPOP`, `WAIT`). */
  replies: Resp[];
  /** The same as it went over the wire. */
  bytes: Uint8Array;
}

/** What the playground shows. */
export interface PlaygroundState {
  playing: boolean;
  position: Position;
  /** The sentence above the stage. */
  story: string;
  /** The newest answer to a PSYNC. */
  verdict: { outcome: "continue" | "full"; replica: string; cause: string; asked: number; bytes: number } | null;
  nodes: PlaygroundNode[];
}

/** A server of it. */
export interface PlaygroundNode {
  name: string;
  role: "master" | "replica";
  /** `online`, `down`, `handshake`, `transfer`, …: see `Phase` of the engine. */
  link: string;
  replid: string;
  offset: number;
  keys: number;
  /** Bytes behind the master; null when it is on another history. */
  behind: number | null;
}

/**
 * `request`: it is no request; `limit`: too much at once; `action`: it cannot be done; `link`: the link is wrong;
 * `asleep`: nothing runs yet; `broken`: the playground stopped; `disposed`: it is gone.
 */
export type ElementErrorCode = "request" | "limit" | "action" | "link" | "asleep" | "broken" | "disposed";

/** What a call that failed is rejected with. */
export class PlaygroundElementError extends Error {
  readonly code: ElementErrorCode;
}

/** The events of the element, beside those that every element has. They bubble, out of shadow roots too. */
export interface RingsidePlaygroundEventMap extends HTMLElementEventMap {
  /** It runs. */
  ready: CustomEvent<PlaygroundState>;
  /** What it shows has changed; at most five times a second. */
  state: CustomEvent<PlaygroundState>;
  /** It stopped by a mistake of its own, or could not start. */
  stopped: CustomEvent<{ message: string }>;
}

/** The element. Every attribute has a property of the same name. */
export class RingsidePlayground extends HTMLElement {
  /**
   * What it begins with: `partial-resync`, `full-resync` or `promotion`; nothing is a master and two replicas in step.
   * Said is said once: `link` comes before `src`, that before `scenario`, and that before `seed`, `replicas` and `backlog`.
   */
  scenario: string;
  /** A share link (or a whole address that ends with one). */
  link: string;
  /** The address of a scenario's text, as `ringside run` plays it. The engine is loaded for it (see README). */
  src: string;
  /** Of a world without a story: all luck comes from it. */
  seed: string;
  /** How many replicas it has, 0 to 7. */
  replicas: string;
  /** `repl-backlog-size`, such as `512` or `64kb`. */
  backlog: string;
  /** The moment at which it stands first, by its clock: `5.2s`, `800ms`. As far as the story is recorded. */
  at: string;
  /** Its pace: `auto` (slow while something happens), `0.1`, `1`, `10`, or `step`: one event a step. */
  speed: string;
  /** Visitors may look, and go to and fro in time, and change nothing; there is no console. Scripts may. */
  readonly: boolean;
  /** When it starts: `click` (unless said), `visible` (when it is scrolled to) or `eager`. */
  loading: string;
  /** `light` or `dark`; anything else follows the host: `data-theme`, classes of mdBook and VitePress, the system. */
  theme: string;
  /** `en` or `zh-CN`. */
  lang: string;
  /** A step of a lesson to begin with, such as `l06.3`; its words are shown beside the drawing. */
  lesson: string;
  /**
   * Of `stage`, `console`, `time`, `wire` and `lesson`, joined by commas: what is shown; the first three unless said, and the
   * words of a lesson where there is one. `ring`, `line` and `sequence` stand alone, in the place of `stage`.
   */
  panes: string;
  /** Play what the scenario or the link has recorded as soon as it runs. */
  autoplay: boolean;
  /** The folder of Ringside's page, where it is not the one of this module. */
  page: string;
  /** The address of another picture until it runs. */
  poster: string;
  /** Its name for people who cannot see it. */
  label: string;

  /** What was told last; null while nothing runs. */
  readonly state: PlaygroundState | null;

  /** Starts it; fulfilled when it runs. Every other method does this by itself. */
  load(): Promise<void>;
  /** Runs a command on a node. An error reply is a reply, and no failure. */
  exec(node: string, command: string): Promise<Answer>;
  /** Does a line of the script language, such as `cut m r1`. */
  act(line: string): Promise<void>;
  /** Plays on, as the button does. */
  play(): Promise<void>;
  /** Stands still, as the button does. */
  pause(): Promise<void>;
  /** One event forward. */
  step(): Promise<void>;
  /** One event back. */
  back(): Promise<void>;
  /** Lets milliseconds of virtual time pass at once, at most a day. */
  run(ms: number): Promise<void>;
  /** Goes to just after an event (0 is the beginning), at most to the newest. */
  seek(event: number): Promise<void>;
  /** Goes to a moment, in microseconds since the world began. */
  seekTime(us: number): Promise<void>;
  /** To just before what was done last. */
  undo(): Promise<void>;
  /** To just after what was done next. */
  redo(): Promise<void>;
  /** To the newest moment. */
  live(): Promise<void>;
  /** To the beginning, with nothing recorded. */
  reset(): Promise<void>;
  /** What it shows at this moment. */
  getState(): Promise<PlaygroundState>;
  /** The dataset of a node as an RDB file, as `SAVE` would write it now. */
  exportRdb(node: string): Promise<Uint8Array>;
  /** The session as a share link, for the engine's `Playground.create({ link })` or another element. */
  getLink(): Promise<string>;
  /** Stops it, gives everything back and shows the poster again. Removing the element does the same. */
  dispose(): void;

  /** As every element's, and it knows the events of this one. */
  addEventListener<K extends keyof RingsidePlaygroundEventMap>(
    type: K, listener: (this: RingsidePlayground, event: RingsidePlaygroundEventMap[K]) => unknown, options?: boolean | AddEventListenerOptions): void;
  /** As every element's. */
  addEventListener(type: string, listener: EventListenerOrEventListenerObject, options?: boolean | AddEventListenerOptions): void;
}

declare global {
  interface HTMLElementTagNameMap {
    "ringside-playground": RingsidePlayground;
  }
}
