import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { lockOwner, releaseLock, takeLock } from "./lock.ts";
import { identify } from "./replica/process-identity.ts";

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-lock-"));
  file = join(folder, "control.lock");
});
afterEach(() => rmSync(folder, { recursive: true }));

test("the second one is told in one sentence who holds the lock, and may have it when it was given back", () => {
  takeLock(file, "control plane");
  expect(() => takeLock(file, "control plane")).toThrow(
    `a control plane already runs on this data folder (pid ${process.pid}, lock ${file})`,
  );
  releaseLock(file);
  takeLock(file, "control plane");
  expect(lockOwner(file)?.pid).toBe(process.pid);
});

test("a lock that a power cut left holds nobody up, though its pid was given to another process", async () => {
  const other = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
  await once(other, "spawn");
  writeFileSync(file, JSON.stringify({ pid: other.pid, start: "before-the-power-cut:1" }));
  takeLock(file);
  expect(lockOwner(file)?.pid).toBe(process.pid);
  other.kill("SIGKILL");
  await once(other, "exit");
});

test("a lock whose owner was killed, or that was written by half, is taken", async () => {
  const other = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
  await once(other, "spawn");
  writeFileSync(file, JSON.stringify(identify(other.pid ?? 0)));
  expect(() => takeLock(file)).toThrow(`pid ${other.pid}`);
  other.kill("SIGKILL");
  await once(other, "exit");
  takeLock(file);
  releaseLock(file);
  writeFileSync(file, '{"pid":');
  takeLock(file);
  expect(readdirSync(folder)).toEqual(["control.lock"]);
});

test("somebody else's lock is not given back", async () => {
  const other = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
  await once(other, "spawn");
  writeFileSync(file, JSON.stringify(identify(other.pid ?? 0)));
  releaseLock(file);
  expect(lockOwner(file)?.pid).toBe(other.pid);
  other.kill("SIGKILL");
  await once(other, "exit");
});
