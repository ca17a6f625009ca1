// Who runs a cluster, by its postmaster.pid: believed only when that process really is the server of these files,
// because a power cut leaves the file behind and the kernel gives the pid to somebody else.
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { readWhole } from "../../../host/whole-file.ts";
import type { Place } from "./place.ts";

export interface Postmaster {
  readonly pid: number;
  readonly port: number;
  readonly isReady: boolean;
}

export function runningPostmaster({ cluster }: Place): Postmaster | undefined {
  // Lines: pid, data folder, start time, port, socket folder, address, shared memory, status (PostgreSQL's miscinit.c).
  const [pid, , , port, , , , status] = lines(join(cluster, "postmaster.pid")).map((line) => line.trim());
  if (!isServerOf(cluster, Number(pid))) return undefined;
  return { pid: Number(pid), port: Number(port), isReady: status === "ready" };
}

/** PostgreSQL itself only asks whether the pid lives, and would refuse to start for a stranger's sake. */
export function setAsideStaleLock(place: Place): void {
  if (runningPostmaster(place) === undefined) rmSync(join(place.cluster, "postmaster.pid"), { force: true });
}

/** None where it goes while we look: that is how a server ends. */
function lines(file: string): string[] {
  return readWhole(file)?.split("\n") ?? [];
}

function isServerOf(cluster: string, pid: number): boolean {
  return Number.isInteger(pid) && pid > 1 && commandLine(pid).includes(cluster);
}

function commandLine(pid: number): string {
  if (process.platform === "linux") return lines(`/proc/${pid}/cmdline`).join("").replaceAll("\0", " ");
  return spawnSync("ps", ["-o", "command=", "-p", String(pid)], { encoding: "utf8" }).stdout ?? "";
}
