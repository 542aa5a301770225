// What `ringside export --format compose` writes, as docker compose would read it: YAML, the published schema of compose
// files, and no `$` that it would take for a variable. That its services and steps do the same is in tests/export.rs.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import Ajv from "ajv";
import { parseDocument } from "yaml";

const root = fileURLToPath(new URL("../..", import.meta.url));
const binary = ["debug", "release"].map((kind) => join(root, "target", kind, "ringside")).find((path) => existsSync(path));
const schemas = createRequire(import.meta.url).resolve("dclint/package.json").replace("package.json", "schemas/");

/** The schema of the Compose Specification, as the linter dclint carries it. */
function specification() {
  const { $schema: _, ...schema } = JSON.parse(readFileSync(join(schemas, "compose.schema.json"), "utf8"));
  return new Ajv({ strict: false, allErrors: true, validateFormats: false }).compile(schema);
}

function parsed(text) {
  const [now, old] = ["1.2", "1.1"].map((version) => parseDocument(text, { version, strict: true, uniqueKeys: true }));
  assert.deepEqual([...now.errors, ...now.warnings].map(String), []);
  assert.deepEqual(now.toJS(), old.toJS(), "no word that older readers take for something else, such as a bare `no`");
  return now.toJS();
}

test("the compose form of every scenario is a compose file", () => {
  assert.ok(binary, "the binary is not built: run `cargo build`");
  const valid = specification();
  assert.ok(!valid({ services: { m: { image: 7 } } }) && !valid({ services: { m: { command: [6379] } } }) && !valid({ steps: "" }), "the schema tells wrong files");
  let exported = 0;
  for (const file of readdirSync(join(root, "tests/scripts"), { recursive: true }).filter((f) => f.endsWith(".txt"))) {
    let text;
    try {
      text = execFileSync(binary, ["export", join("tests/scripts", file), "--format", "compose"], { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
    } catch (error) {
      assert.match(error.stderr, /line \d+: |wants a connection that stays/, file);
      continue;
    }
    exported += 1;
    const compose = parsed(text);
    assert.ok(valid(compose), `${file}: ${JSON.stringify(valid.errors)}`);
    assert.deepEqual(Object.keys(compose), ["services", "x-steps"], file);
    const names = Object.keys(compose.services);
    for (const [name, { image, command }] of Object.entries(compose.services)) {
      assert.equal(image, "redis:7.0.15");
      assert.equal(command[0], "redis-server");
      assert.equal(command[command.indexOf("--masteruser") + 1], name, "it logs in as itself");
      assert.deepEqual(names, command.flatMap((word, i) => (word === "--user" ? [command[i + 1]] : [])), "every node is a user of every other");
      const of = command.indexOf("--replicaof");
      if (of > 0) assert.deepEqual(command.slice(of), ["--replicaof", "m", "6379"]);
    }
    for (const [, name] of compose["x-steps"].matchAll(/docker compose (?:exec -T|kill|pause|unpause|up -d --wait|rm -fsv) ([\w-]+)/g)) assert.ok(names.includes(name), `${file}: ${name}`);
    // $$ is a dollar for compose, and any other one begins a variable.
    assert.doesNotMatch(text.replaceAll("$$", ""), /\$/, file);
  }
  assert.ok(exported >= 40, `${exported}`);
});
