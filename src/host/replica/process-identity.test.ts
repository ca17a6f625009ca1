import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ageMs, commandLine, groupMembers, groupUsage, identify, isAlive, signalGroup } from "./process-identity.ts";

test("a process is itself while it lives, and nobody with the same pid from another start or another boot", () => {
  const me = identify(process.pid);
  expect(me !== undefined && isAlive(me)).toBe(true);
  expect(isAlive({ pid: process.pid, start: `${me?.start}1` })).toBe(false);
  expect(isAlive({ pid: process.pid, start: `another-boot:${me?.start.split(":")[1]}` })).toBe(false);
});

test("its age is the kernel's count, whatever the clock says it began at", {
  skip: process.platform !== "linux",
}, () => {
  const me = identify(process.pid);
  const age = me === undefined ? 0 : ageMs(me, Date.now() + 3_600_000);
  expect(Math.abs(age - process.uptime() * 1_000)).toBeLessThan(1_000);
});

test("a name with spaces and brackets does not confuse it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sluice-name-"));
  const program = join(folder, "x) S 1 (y");
  symlinkSync("/bin/sleep", program);
  const child = spawn(program, ["60"], { stdio: "ignore" });
  await once(child, "spawn");
  const identity = identify(child.pid ?? 0);
  expect(identity !== undefined && isAlive(identity)).toBe(true);
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(identity !== undefined && isAlive(identity)).toBe(false);
  rmSync(folder, { recursive: true });
});

test("a group has its members, its memory and its end", async () => {
  const child = spawn("sh", ["-c", "sleep 60 & sleep 60 & wait"], { detached: true, stdio: "ignore" });
  await once(child, "spawn");
  const pgid = child.pid ?? 0;
  while (groupMembers(pgid).length < 3) await new Promise((resolve) => setTimeout(resolve, 5));
  expect([commandLine(pgid)?.[0], (groupUsage().get(pgid)?.memoryBytes ?? 0) > 100_000]).toEqual(["sh", true]);
  signalGroup(pgid, "SIGKILL");
  await once(child, "exit");
  // Its children may wait as zombies until init reaps them: they are nobody.
  for (let i = 0; i < 200 && groupMembers(pgid).length > 0; i++) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(groupMembers(pgid)).toEqual([]);
});

test("a group's CPU grows while it works", async () => {
  const child = spawn("sh", ["-c", "while :; do :; done"], { detached: true, stdio: "ignore" });
  await once(child, "spawn");
  const pgid = child.pid ?? 0;
  while ((groupUsage().get(pgid)?.cpuMs ?? 0) < 30) await new Promise((resolve) => setTimeout(resolve, 20));
  signalGroup(pgid, "SIGKILL");
  await once(child, "exit");
});
