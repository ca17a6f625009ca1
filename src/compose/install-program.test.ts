import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { copyProgram, isForAll } from "./install-program.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "sluice-install-"));
  chmodSync(root, 0o755);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function write(path: string, content: object | string): string {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
  return file;
}

function versionAt(path: string): string {
  return JSON.parse(readFileSync(join(root, path, "package.json"), "utf8")).version;
}

/** A repository in a closed home folder, with two versions of one dependency, as npm lays them out. */
function inHome(): string {
  const at = "home/shop/node_modules";
  write(`${at}/sluice/package.json`, { name: "sluice", files: ["dist", "!x"], dependencies: { hono: "4", pg: "8" } });
  write(`${at}/hono/package.json`, { name: "hono", version: "4.0.0", dependencies: { ms: "2" } });
  write(`${at}/ms/package.json`, { name: "ms", version: "2.0.0" });
  write(`${at}/pg/package.json`, {
    name: "pg",
    version: "8.0.0",
    dependencies: { ms: "1" },
    optionalDependencies: { native: "1" },
  });
  write(`${at}/pg/node_modules/ms/package.json`, { name: "ms", version: "1.0.0" });
  write(`${at}/react/package.json`, { name: "react", version: "19.0.0" });
  write(`${at}/sluice/src/secret.ts`, "");
  const program = write(`${at}/sluice/dist/sluice.cjs`, "// the program");
  chmodSync(join(root, "home"), 0o700);
  return program;
}

test("what lies in somebody's home, or in npx's cache, is not for everybody", () => {
  expect(isForAll(inHome())).toBe(false);
  expect(isForAll(write("opt/sluice/dist/sluice.cjs", ""))).toBe(true);
  expect(isForAll(write("npm/_npx/4711/node_modules/sluice/dist/sluice.cjs", ""))).toBe(false);
});

test("a copy holds the package, what it depends on in the versions that it found, and nothing else", () => {
  const program = copyProgram(inHome(), join(root, "lib/sluice"));
  expect(program).toBe(join(root, "lib/sluice/node_modules/sluice/dist/sluice.cjs"));
  expect(readFileSync(program, "utf8")).toBe("// the program");
  const at = "lib/sluice/node_modules";
  expect([versionAt(`${at}/hono`), versionAt(`${at}/ms`), versionAt(`${at}/pg/node_modules/ms`)]).toEqual([
    "4.0.0",
    "2.0.0",
    "1.0.0",
  ]);
  expect([existsSync(join(root, at, "react")), existsSync(join(root, at, "sluice/src"))]).toEqual([false, false]);
  expect(isForAll(program)).toBe(true);
  expect(statSync(program).mode & 0o022).toBe(0);
});

test("a second copy takes the place of the first", () => {
  const called = inHome();
  copyProgram(called, join(root, "lib/sluice"));
  write("lib/sluice/left.txt", "");
  writeFileSync(called, "// the next program");
  const program = copyProgram(called, join(root, "lib/sluice"));
  expect([readFileSync(program, "utf8"), existsSync(join(root, "lib/sluice/left.txt"))]).toEqual([
    "// the next program",
    false,
  ]);
});
