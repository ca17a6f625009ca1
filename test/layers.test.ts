// Imports point down only. Reads every import of src/ and holds it against the layers of ARCHITECTURE.md.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { expect, test } from "vitest";

const src = resolve(import.meta.dirname, "../src");

/** What each layer may import, besides itself. Tests may import everything. */
const below: Record<string, readonly string[]> = {
  domain: [],
  engine: ["domain"],
  adapters: ["domain", "engine", "host"],
  host: ["domain"],
  workspace: ["domain"],
  server: ["domain", "engine"],
  compose: ["domain", "engine", "adapters", "host", "workspace", "server"],
  simulation: ["domain", "engine"],
  cli: ["domain", "engine", "workspace", "server", "simulation", "testing", "compose", "runner"],
  runner: ["domain", "workspace"],
  testing: ["domain", "engine", "adapters", "host", "workspace", "server", "simulation"],
};
const files = readdirSync(src, { recursive: true, encoding: "utf8" }).filter((f) => /\.tsx?$/.test(f));

function importsOf(file: string): string[] {
  const text = readFileSync(join(src, file), "utf8");
  return [...text.matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+)"/g)].map((m) =>
    relative(src, resolve(src, dirname(file), m[1] ?? "")),
  );
}

function isAllowed(from: string, to: string): boolean {
  const [layer = "", other = ""] = [from.split("/")[0], to.split("/")[0]];
  if (!from.includes("/") || /\.test\.tsx?$/.test(from) || layer === other) return true;
  return to.includes("/") && (below[layer] ?? []).includes(other);
}

test("imports point down", () => {
  const wrong = files.flatMap((from) =>
    importsOf(from)
      .filter((to) => !isAllowed(from, to))
      .map((to) => `${from} → ${to}`),
  );
  expect(wrong).toEqual([]);
});

test("the domain is pure: it imports nothing of Node and reads no clock", () => {
  const impure = files
    .filter((f) => f.startsWith("domain/") && !/\.test\.ts$/.test(f))
    .filter((f) =>
      /from "node:|Date\.now|Math\.random|new Date\(\)|\basync\b|\bawait\b/.test(readFileSync(join(src, f), "utf8")),
    );
  expect(impure).toEqual([]);
});
