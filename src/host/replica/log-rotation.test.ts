import { spawn } from "node:child_process";
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { rotate, tendLogs } from "./log-rotation.ts";
import { lastLines } from "./logs.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-logs-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const limits = { bytesMax: 10, partsMax: 2, partAgeMaxMs: 60_000, ageMaxMs: 1_000 };

test("a log that is too long becomes a part, and the oldest part goes", () => {
  const file = join(folder, "web.log");
  for (const text of ["first long text", "second long text", "third long text"]) {
    writeFileSync(file, text);
    rotate(file, limits, Date.now());
  }
  expect(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), "utf8")])).toEqual([
    ["web.log", ""],
    ["web.log.1", "third long text"],
    ["web.log.2", "second long text"],
  ]);
});

test("a log that is short but old becomes a part too, once in its time", () => {
  const file = join(folder, "web.log");
  writeFileSync(file, "short");
  const later = (ms: number) => rotate(file, limits, Date.now() + ms);
  later(59_000);
  expect(readdirSync(folder)).toEqual(["web.log"]);
  later(61_000);
  writeFileSync(file, "more");
  later(59_000);
  expect(readdirSync(folder)).toEqual(["web.log", "web.log.1"]);
  later(61_000);
  expect(readFileSync(`${file}.1`, "utf8")).toBe("more");
});

test("a process that appends to its log goes on at the beginning of the cut file", async () => {
  const file = join(folder, "web.log");
  const log = openSync(file, "a");
  const child = spawn("sh", ["-c", "echo before the cut; read go; echo after"], { stdio: ["pipe", log, log] });
  closeSync(log);
  while (readFileSync(file, "utf8") === "") await new Promise((resolve) => setTimeout(resolve, 5));
  rotate(file, limits, Date.now());
  child.stdin?.end("go\n");
  await new Promise((resolve) => child.once("exit", resolve));
  expect([readFileSync(file, "utf8"), readFileSync(`${file}.1`, "utf8")]).toEqual(["after\n", "before the cut\n"]);
});

test("logs that nobody holds open are removed when they are old, wherever they lie", () => {
  mkdirSync(join(folder, "production"));
  const file = (name: string) => join(folder, "production", name);
  for (const name of ["old.log", "held.log", "new.log"]) writeFileSync(file(name), "x");
  for (const name of ["old.log", "held.log"]) utimesSync(file(name), 1, 1);
  tendLogs(folder, { held: new Set([file("held.log")]), limits, nowMs: Date.now() });
  expect(readdirSync(join(folder, "production"))).toEqual(["held.log", "new.log"]);
});

test("the last lines of a long file are read from its end", () => {
  const file = join(folder, "web.log");
  writeFileSync(file, Array.from({ length: 50_000 }, (_, i) => `line ${i} with some words in it\n`).join(""));
  expect(lastLines(file, 2)).toEqual(["line 49998 with some words in it", "line 49999 with some words in it"]);
});
