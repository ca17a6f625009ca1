import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { findCgroups } from "./cgroup.ts";
import { limiter } from "./limiter.ts";

let mount: string;
beforeEach(() => {
  mount = mkdtempSync(join(tmpdir(), "sluice-cgroup-"));
});
afterEach(() => rmSync(mount, { recursive: true }));

const limits = { cpuMillicores: 250, cpuMillicoresMax: 1500, memoryMiB: 64 };

test("version 2: the host moves into a leaf, hands controllers down, and writes limit and weight", () => {
  const unit = join(mount, "system.slice/sluice.service");
  mkdirSync(unit, { recursive: true });
  writeFileSync(join(mount, "cgroup.controllers"), "cpu memory");
  writeFileSync(join(unit, "cgroup.procs"), "41\n");
  const cgroups = findCgroups({ mount, own: "0::/system.slice/sluice.service\n" });
  const folders = cgroups?.make("web-1", limits);
  const read = (file: string) => readFileSync(join(unit, file), "utf8");
  expect(folders).toEqual([join(unit, "web-1")]);
  expect(
    ["host/cgroup.procs", "cgroup.subtree_control", "web-1/memory.max", "web-1/cpu.weight", "web-1/cpu.max"].map(read),
  ).toEqual(["41", "+cpu +memory", String(64 * 2 ** 20), "25", "150000 100000"]);
});

test("version 1: a group under each controller, below our own", () => {
  for (const controller of ["memory", "cpu"]) mkdirSync(join(mount, controller, "box"), { recursive: true });
  const cgroups = findCgroups({ mount, own: "5:memory:/box\n2:cpu:/box\n" });
  expect(cgroups?.make("web-1", limits)).toEqual([
    join(mount, "memory/box/sluice/web-1"),
    join(mount, "cpu/box/sluice/web-1"),
  ]);
  const written = ["shares", "cfs_quota_us"].map((file) =>
    readFileSync(join(mount, `cpu/box/sluice/web-1/cpu.${file}`), "utf8"),
  );
  expect(written).toEqual(["256", "150000"]);
});

test("without control groups a process group that outgrows its limit is killed at the next look", async () => {
  const script = "globalThis.kept = Buffer.alloc(1e8, 1); setInterval(() => {}, 1000)";
  const child = spawn(process.execPath, ["-e", script], { detached: true, stdio: "ignore" });
  const keeper = limiter(findCgroups({ mount: join(mount, "none"), own: "" }));
  keeper.watch("run", { pgid: child.pid ?? 0, limits });
  const signal = await new Promise((resolve) => child.once("exit", (_, by) => resolve(by)));
  expect([signal, keeper.release("run")]).toEqual(["SIGKILL", { wasOverMemory: true }]);
});
