// The schema as documentation: the reference page docs/config.md, and the types that an editor completes. Both files are
// made from it by their test (`npx vitest run src/domain/config/reference.test.ts -u`), so they cannot drift from it.
import { z } from "zod";
import { schema } from "./config.ts";

interface Shape {
  readonly description?: string;
  readonly example?: unknown;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Shape | boolean;
  readonly items?: Shape;
  readonly anyOf?: readonly Shape[];
  readonly oneOf?: readonly Shape[];
}

export function configSchema(): Shape {
  return z.toJSONSchema(schema, { io: "input" }) as Shape;
}

/** `WrittenConfig` as TypeScript, each key with its comment. */
export function writtenTypes(shape: Shape): string {
  return [
    "// Made from the schema by reference.ts: change the schema instead. These types are what an editor completes.",
    "",
    `export interface WrittenConfig ${objectType(shape, "")}`,
    "",
  ].join("\n");
}

function typeOf(shape: Shape, indent: string): string {
  const forms = shape.anyOf ?? shape.oneOf;
  if (forms !== undefined) return [...new Set(forms.map((form) => typeOf(form, indent)))].join(" | ");
  if (shape.const !== undefined) return JSON.stringify(shape.const);
  if (shape.enum !== undefined) return shape.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (shape.items !== undefined) {
    const item = typeOf(shape.items, indent);
    const { anyOf, oneOf, enum: values, type } = shape.items;
    const isUnion = [anyOf, oneOf, values, type].some((forms) => Array.isArray(forms) && forms.length > 1);
    return `readonly ${isUnion ? `(${item})` : item}[]`;
  }
  if (shape.properties !== undefined) return objectType(shape, indent);
  if (typeof shape.additionalProperties === "object") {
    return `Readonly<Record<string, ${typeOf(shape.additionalProperties, indent)}>>`;
  }
  const types = typeof shape.type === "string" ? [shape.type] : (shape.type ?? ["unknown"]);
  return types.map((type) => (type === "integer" ? "number" : type)).join(" | ");
}

function objectType(shape: Shape, indent: string): string {
  const inner = `${indent}  `;
  const keys = Object.entries(shape.properties ?? {}).map(([name, value]) => {
    const optional = shape.required?.includes(name) ? "" : "?";
    return `${comment(name, value, inner)}${inner}readonly ${name}${optional}: ${typeOf(value, inner)};`;
  });
  return ["{", ...keys, `${indent}}`].join("\n");
}

function comment(name: string, shape: Shape, indent: string): string {
  const lines = [
    ...(shape.description === undefined ? [] : [shape.description]),
    ...(shape.default === undefined ? [] : [`@default ${write(shape.default)}`]),
    ...(shape.example === undefined ? [] : [`@example ${name}: ${write(shape.example)}`]),
  ];
  if (lines.length === 0) return "";
  return `${indent}/**\n${lines.map((line) => `${indent} * ${line}`).join("\n")}\n${indent} */\n`;
}

/** As it would be written in the file. */
export function write(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(write).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).map(
    ([key, inner]) => `${/^\w+$/.test(key) ? key : JSON.stringify(key)}: ${write(inner)}`,
  );
  return entries.length === 0 ? "{}" : `{ ${entries.join(", ")} }`;
}

/** docs/config.md. */
export function referencePage(shape: Shape): string {
  return `${intro}\n${sections(shape, "").join("\n")}`;
}

const intro = `# sluice.config.ts

The configuration of a workspace: what is deployed, where to, and how. It is a TypeScript module in the root of the
repository; \`defineConfig\` gives your editor completion, these texts and a first check. \`sluice\` checks the whole when it
reads the file and reports everything that is wrong at once. The file is evaluated where the repository is, never on
the server, which is sent the result as JSON.

\`\`\`ts
import { defineConfig } from "sluice";

export default defineConfig({
  services: {
    api: { kind: "http", path: "apps/api", build: { bundle: "src/main.ts" } },
  },
  environments: {
    local: { port: 8080 },
    production: { after: "local", strategy: "canary" },
  },
});
\`\`\`

One unit for each quantity, and the field's spellings of it:

| quantity | written | means |
|---|---|---|
| duration | \`"250ms"\`, \`"30s"\`, \`"5m"\`, \`"1h30m"\`, \`"2d"\` | a bare number is refused: it says no unit |
| CPU | \`"250m"\`, \`0.5\`, \`"0.5 vCPU"\` | thousandths of a core (millicores) |
| memory | \`"512Mi"\`, \`"1Gi"\`, \`"1GB"\`, \`512\` | MiB; MB and GB as AWS writes them (1 GB = 1024 MiB), M and G as Kubernetes does (decimal) |
| size of a message | \`"64KB"\`, \`"10MB"\`, \`512\` | bytes; 1 KB is 1024 bytes |
| share | \`5\`, \`"5%"\` | percent |

This page is made from the schema. A key without a default may be left out unless it says **required**.
`;

/** One section for each object, in the order of the file. */
function sections(shape: Shape, path: string): readonly string[] {
  const forms = shape.anyOf ?? shape.oneOf;
  if (forms !== undefined) return forms.flatMap((form) => sections(form, path));
  if (shape.items !== undefined) return sections(shape.items, `${path}[]`);
  if (shape.properties === undefined) {
    return typeof shape.additionalProperties === "object" ? sections(shape.additionalProperties, `${path}.<name>`) : [];
  }
  const rows = Object.entries(shape.properties).map(([name, value]) => row(name, value, shape));
  const below = Object.entries(shape.properties).flatMap(([name, value]) =>
    sections(value, path === "" ? name : `${path}.${name}`),
  );
  const kind = Object.values(shape.properties).find((value) => value.const !== undefined);
  const title = path === "" ? "## The file" : `## ${path}${kind === undefined ? "" : ` (${String(kind.const)})`}`;
  const about = kind?.description === undefined ? [] : [kind.description, ""];
  return [
    title,
    "",
    ...about,
    "| key | written as | default | example | what |",
    "|---|---|---|---|---|",
    ...rows,
    "",
    ...below,
  ];
}

function row(name: string, shape: Shape, parent: Shape): string {
  const required = parent.required?.includes(name) && shape.const === undefined ? "**required**" : "";
  const given = shape.default === undefined ? required : code(write(shape.default));
  const example = shape.example === undefined ? "" : code(write(shape.example));
  return `| ${[code(name), cell(kindOf(shape)), given, example, cell(shape.description ?? "")].join(" | ")} |`;
}

function kindOf(shape: Shape): string {
  const forms = shape.anyOf ?? shape.oneOf;
  if (forms !== undefined) return [...new Set(forms.map(kindOf))].join(" or ");
  if (shape.const !== undefined) return code(write(shape.const));
  if (shape.enum !== undefined) return shape.enum.map((value) => code(write(value))).join(", ");
  if (shape.items !== undefined) return `list of ${kindOf(shape.items)}`;
  if (shape.properties !== undefined) return "object";
  if (typeof shape.additionalProperties === "object") return `object by name`;
  const words: Readonly<Record<string, string>> = { string: "text", integer: "whole number", boolean: "true or false" };
  const types = typeof shape.type === "string" ? [shape.type] : (shape.type ?? []);
  return types.map((type) => words[type] ?? type).join(" or ");
}

function code(text: string): string {
  return `\`${cell(text)}\``;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}
