// What is real: a redis-server, and the bridge before it.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { dist } from "./visitor.mjs";

const root = fileURLToPath(new URL("../../", import.meta.url));
const binary = ["release", "debug"].map((kind) => join(root, "target", kind, "ringside")).find((path) => existsSync(path));
const ends = [];

/** Ends all that was started here. */
export const end = () => ends.splice(0).forEach((end) => end());

/** One command of words without blanks, and its reply as text. */
export function redis(port, ...args) {
  return new Promise((done, fail) => {
    const socket = connect(port, "127.0.0.1");
    let text = "";
    const whole = () => {
      const [head] = text.split("\r\n", 1);
      if (!text.includes("\r\n")) return null;
      if (head[0] !== "$") return head;
      const body = text.slice(head.length + 2);
      return body.length >= Number(head.slice(1)) + 2 ? body.slice(0, -2) : null;
    };
    socket.setEncoding("latin1");
    socket.on("data", (data) => {
      text += data;
      const reply = whole();
      if (reply !== null) {
        socket.destroy();
        done(reply);
      }
    });
    socket.on("error", fail);
    socket.write(`*${args.length}\r\n${args.map((a) => `$${a.length}\r\n${a}\r\n`).join("")}`);
  });
}

/** A redis-server on a port of its own. */
export async function server(...options) {
  const dir = mkdtempSync(join(tmpdir(), "ringside-bridge-"));
  for (let tries = 0; tries < 20; tries++) {
    const port = 22_000 + Math.floor(Math.random() * 999);
    const child = spawn("redis-server", ["--port", `${port}`, "--save", "", "--dir", dir, "--bind", "127.0.0.1", "--repl-diskless-sync-delay", "0", "--enable-debug-command", "yes", ...options]);
    const up = await new Promise((done) => {
      child.on("exit", () => done(false));
      child.stdout.on("data", (data) => String(data).includes("Ready to accept") && done(true));
    });
    if (!up) continue;
    ends.push(() => {
      child.kill("SIGKILL");
      rmSync(dir, { recursive: true, force: true });
    });
    const field = async (name, section = "replication") => new RegExp(`^${name}:(.*)\r$`, "m").exec(await redis(port, "INFO", section))?.[1];
    return { port, run: (...args) => redis(port, ...args), field };
  }
  throw new Error("no free port");
}

/** The bridge to it; the address that it prints. */
export async function bridge(port) {
  if (!binary) throw new Error("the bridge is not built: cargo build");
  const child = spawn(binary, ["bridge", "--listen", "127.0.0.1:0", "--redis", `127.0.0.1:${port}`, "--page", dist]);
  const end = () => child.kill("SIGKILL");
  ends.push(end);
  const url = await new Promise((done, fail) => {
    let text = "";
    child.stdout.on("data", (data) => {
      text += data;
      const found = /^Open (\S+)/m.exec(text);
      if (found) done(found[1]);
    });
    child.on("exit", () => fail(new Error("the bridge ended")));
  });
  return { url, end };
}
