// Makes the reference of the package, as pages, from its types and from the manifest of its element. Part of `make package`.
// usage: node reference.mjs PACKAGE OUT
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Application, TSConfigReader } from "typedoc";

const [folder, out] = process.argv.slice(2).map((path) => resolve(path));
if (!out) {
  console.error("usage: node reference.mjs PACKAGE OUT");
  process.exit(2);
}

/** A table of Markdown; a bar within a cell is no border. */
function table(head, rows) {
  const line = (cells) => `| ${cells.map((cell) => String(cell ?? "").replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/** What HTML and CSS of a host can say, and TypeScript has no place for. */
function element({ tagName, summary, attributes, events, cssProperties, cssParts }) {
  const code = (text) => (text ? `\`${text}\`` : "");
  const properties = (list) => list.map((p) => [code(p.name), code(p.default), p.description]);
  return `---
title: The element
---
# \`<${tagName}>\`

${summary} Its methods and properties: {@link ringside/element!RingsidePlayground | RingsidePlayground}.

## Attributes

${table(["name", "type", "unless said", ""], attributes.map((a) => [code(a.name), code(a.type.text), code(a.default), a.description]))}

## Events

${table(["name", "type", ""], events.map((e) => [code(e.name), code(e.type.text), e.description]))}

## CSS custom properties

${table(["name", "unless said", ""], properties(cssProperties))}

## CSS parts

${table(["name", ""], cssParts.map((p) => [code(p.name), p.description]))}
`;
}

const scratch = mkdtempSync(join(tmpdir(), "ringside-reference-"));
try {
  const { declarations } = JSON.parse(readFileSync(join(folder, "custom-elements.json"), "utf8")).modules[0];
  const page = join(scratch, "element.md");
  writeFileSync(page, element(declarations[0]));
  const types = ["ringside-engine.d.ts", "ringside.d.ts"].map((name) => join(folder, name));
  const compilerOptions = { strict: true, noEmit: true, target: "es2022", module: "nodenext", lib: ["es2022", "dom"], types: [] };
  const tsconfig = join(scratch, "tsconfig.json");
  writeFileSync(tsconfig, JSON.stringify({ compilerOptions, files: types }));
  const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const app = await Application.bootstrap(
    {
      tsconfig,
      entryPoints: types,
      name: `ringside ${version}`,
      readme: join(folder, "README.md"),
      projectDocuments: [page],
      excludeExternals: true, // what every HTMLElement has
      excludePrivate: true,
      disableSources: true,
      hideGenerator: true,
      githubPages: false,
      includeVersion: false,
      sort: ["source-order"],
      validation: { notExported: true, invalidLink: true, notDocumented: true },
      requiredToBeDocumented: ["Module", "Class", "Interface", "TypeAlias", "Function", "Method"],
      treatWarningsAsErrors: true,
      logLevel: "Warn",
    },
    [new TSConfigReader()],
  );
  const project = await app.convert();
  if (project) app.validate(project);
  if (project && !app.logger.hasWarnings()) await app.generateDocs(project, out);
  if (!project || app.logger.hasErrors() || app.logger.hasWarnings()) process.exitCode = 1;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
