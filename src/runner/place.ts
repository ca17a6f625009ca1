// A fresh directory for each build, and nothing of it afterwards: neither a file nor a process. What a killed runner left is
// found by the next one.
import { spawnSync } from "node:child_process";
import { chownSync, mkdirSync, readdirSync, readFileSync, readlinkSync, realpathSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { startOf } from "../workspace/tasks/lock.ts";

export interface Place {
  readonly source: string;
  readonly home: string;
  readonly temporary: string;
  /** Ends every process of the build, and removes its directory. */
  clear(): void;
}

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

const roundsMax = 20;

export function makePlace(work: string, build: string, as: Owner | undefined): Place {
  mkdirSync(work, { recursive: true, mode: 0o755 });
  const folder = join(realpathSync(work), build);
  remove(folder);
  const inside = { source: join(folder, "source"), home: homeIn(folder), temporary: join(folder, "tmp") };
  for (const each of [folder, ...Object.values(inside)]) {
    mkdirSync(each, { mode: 0o700 });
    if (as !== undefined) chownSync(each, as.uid, as.gid);
  }
  return { ...inside, clear: () => clear(folder, as) };
}

/** Ends and removes what builds left that no runner looks after any more. One runner works in a folder. */
export function sweep(work: string): void {
  mkdirSync(work, { recursive: true });
  for (const name of readdirSync(work))
    if (/^b-[0-9a-f]+$/.test(name)) clear(join(realpathSync(work), name), undefined);
}

/** A process of this user, who is to have none; undefined where that cannot be told. */
export function processOf({ uid }: Owner): number | undefined {
  return processes().find((pid) => {
    try {
      return statSync(`/proc/${pid}`).uid === uid && startOf(pid) !== "ended";
    } catch {
      return false; // it ended meanwhile
    }
  });
}

export function endGroup(pid: number, signal: NodeJS.Signals = "SIGKILL"): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // nothing of the group is left
  }
}

function clear(folder: string, as: Owner | undefined): void {
  if (as !== undefined) endAllOf(as);
  for (let round = 0; round < roundsMax && endThoseIn(folder); round++);
  remove(folder);
}

/** All at once, whatever they did to hide: the user is there for builds alone. */
function endAllOf(as: Owner): void {
  spawnSync("/bin/sh", ["-c", "kill -KILL -1"], { ...as, cwd: "/", stdio: "ignore" });
}

/** Those that still have the build's home in their environment, or work in its directory; whether there were any. */
function endThoseIn(folder: string): boolean {
  const found = processes().filter((pid) => pid !== process.pid && isIn(folder, pid));
  for (const pid of found) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // it ended meanwhile
    }
  }
  return found.length > 0;
}

function isIn(folder: string, pid: number): boolean {
  try {
    const at = readlinkSync(`/proc/${pid}/cwd`);
    if (at === folder || at.startsWith(`${folder}/`)) return true;
    return `\0${readFileSync(`/proc/${pid}/environ`, "latin1")}`.includes(`\0HOME=${homeIn(folder)}\0`);
  } catch {
    return false; // another user's, or it ended meanwhile
  }
}

/** None where the system does not list them as files. */
function processes(): readonly number[] {
  if (process.platform !== "linux") return [];
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => pid > 0);
}

function homeIn(folder: string): string {
  return join(folder, "home");
}

function remove(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch {
    spawnSync("chmod", ["-R", "u+rwX", folder], { stdio: "ignore" }); // a build made something read-only
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}
