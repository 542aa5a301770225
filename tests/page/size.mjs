// Prints the raw and gzipped bytes of every file of the built page, compares them with what was planned for the first
// page, and fails above what is bearable at all. Told apart from what the page needs to stand there and be used: the late
// half of its module, which follows at once (`.ci/halve.mjs`), and what is fetched only when somebody asks for it (a
// lesson, a page for a workshop, the picture of an embedded page).
// usage: node size.mjs DIST, or node size.mjs PACKAGE package, which only prints
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const [budget, ceiling, everything] = [250 * 1024, 300 * 1024, 705 * 1024];
const [folder, what] = process.argv.slice(2);
if (!folder) {
  console.error("usage: node size.mjs DIST | node size.mjs PACKAGE package");
  process.exit(2);
}
// What is fetched later or by other people's pages only, and how much the loader of the element may have.
const elsewhere = ["embed.js", "resp.js", "ringside.js", "scenarios.json", "poster.svg", "sw.js", "present.js", "split.js", "keep.js", "own.js",
  "bridge.js", "bridge.css"];
const later = (name) => what !== "package" && (/^(lessons|workshop)\//.test(name) || elsewhere.includes(name));
const loader = 4 * 1024;

/** The most pages of 64 KiB that a module's memory may have; undefined where its section 5 names no limit. */
function memoryMax(bytes) {
  let at = 8;
  const number = () => {
    for (let [n, unit] = [0, 1]; ; unit *= 128) {
      const byte = bytes[at++];
      n += (byte & 127) * unit;
      if (byte < 128) return n;
    }
  };
  while (at < bytes.length) {
    const [section, end] = [bytes[at++], number() + at];
    if (section === 5 && number() === 1 && bytes[at++] & 1) return number() && number();
    at = end;
  }
}

let [rawTotal, packedTotal, follows, onDemand] = [0, 0, 0, 0];
for (const name of readdirSync(folder, { recursive: true }).sort()) {
  let bytes;
  try {
    bytes = readFileSync(join(folder, name));
  } catch {
    continue; // a folder
  }
  if (name.endsWith(".wasm")) {
    new WebAssembly.Module(bytes); // what wasm-opt made must be what engines accept
    if (!name.includes("_late.") && !(memoryMax(bytes) <= 8192)) {
      console.error(`size: the memory of ${name} ends at ${memoryMax(bytes)} pages, and 8192 are the limit (build.rs)`);
      process.exitCode = 1;
    }
  }
  const packed = gzipSync(bytes, { level: 9 }).length;
  if (name === "ringside.js" && packed > loader) {
    console.error(`size: ringside.js has ${packed} bytes, and ${loader} are the limit`);
    process.exitCode = 1;
  }
  if (later(name)) {
    onDemand += packed;
  } else if (name.includes("_late.")) {
    follows += packed;
  } else {
    rawTotal += bytes.length;
    packedTotal += packed;
  }
  console.log(`${String(bytes.length).padStart(9)} ${String(packed).padStart(8)} gz  ${name}`);
}
console.log(`${String(rawTotal).padStart(9)} ${String(packedTotal).padStart(8)} gz  ${what === "package" ? "in all" : `to be used, ${follows} gz follow, and ${onDemand} gz on demand`}`);
if (what === "package") process.exit();
const over = packedTotal - budget;
console.log(`size: ${Math.abs(over)} bytes ${over > 0 ? "over" : "under"} the budget of ${budget} until the page can be used; the ceiling is ${ceiling}, with what follows ${everything}`);
if (packedTotal > ceiling || packedTotal + follows > everything) {
  console.error("size: over the ceiling; if functions were renamed, `make late` writes anew what may come later");
  process.exit(1);
}
