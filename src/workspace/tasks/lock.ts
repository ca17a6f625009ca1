// One task is run by one process at a time, also when two runs share a workspace. A lock names its holder by pid and start
// time, so that what a killed run left behind is recognised and taken over; and the task's own process, which outlives the
// holder of a killed run and would go on to write: it is ended first.
import {
  appendFileSync,
  closeSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";

const patienceMs = 50;

export type Held = Readonly<{
  /** The process, leader of its group, that does what the lock is for. */
  isFor: (pid: number) => void;
  release: () => void;
}>;

/** Without a place to write, there is no lock to take: the run goes on alone. Undefined when it was stopped before. */
export async function lock(folder: string, name: string, isStopped: () => boolean): Promise<Held | undefined> {
  const file = join(folder, encodeURIComponent(name));
  while (!isStopped()) {
    const taken = take(file);
    if (taken) return taken;
    if (!isHeld(file)) giveBack(file);
    else await wait(patienceMs);
  }
  return undefined;
}

let ownStart: string | undefined;

function take(file: string): Held | undefined {
  const own = `${file}.${process.pid}`;
  try {
    mkdirSync(dirname(file), { recursive: true });
    const handle = openSync(own, "w");
    ownStart ??= startOf(process.pid);
    writeSync(handle, `${process.pid} ${ownStart}`);
    closeSync(handle);
  } catch {
    removeQuietly(own); // the disk is full: begun, and never whole
    return { isFor: () => {}, release: () => {} };
  }
  try {
    linkSync(own, file); // appears whole, or not at all
    return { isFor: (pid) => noteQuietly(file, pid), release: () => rmSync(file, { force: true }) };
  } catch {
    return undefined;
  } finally {
    rmSync(own, { force: true });
  }
}

function removeQuietly(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch {
    // read-only
  }
}

function isHeld(file: string): boolean {
  let holder: string;
  try {
    holder = readFileSync(file, "utf8");
  } catch {
    return false;
  }
  return isAlive(holder.split("\n", 1)[0] ?? "");
}

/** `pid start`, as it was when that was written. */
function isAlive(named: string): boolean {
  const [pid = "", start = ""] = named.split(" ");
  if (!(Number(pid) > 0)) return false;
  try {
    process.kill(Number(pid), 0);
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
  return startOf(Number(pid)) === start;
}

/** Renamed first: only one of several that see it left behind takes it away. */
function giveBack(file: string): void {
  const aside = `${file}.${process.pid}.gone`;
  try {
    renameSync(file, aside);
  } catch {
    return;
  }
  if (isHeld(aside)) {
    try {
      linkSync(aside, file); // somebody had just taken it anew
    } catch {
      // and somebody else since then
    }
  } else endOrphan(aside);
  rmSync(aside, { force: true });
}

function noteQuietly(file: string, pid: number): void {
  try {
    appendFileSync(file, `\n${pid} ${startOf(pid)}`);
  } catch {
    // the disk is full: then an orphan is not known by name
  }
}

function endOrphan(file: string): void {
  try {
    const orphan = readFileSync(file, "utf8").split("\n").at(1) ?? "";
    if (isAlive(orphan)) process.kill(-Number(orphan.split(" ", 1)[0]), "SIGKILL");
  } catch {
    // it ended meanwhile
  }
}

/** When a process began, in the kernel's ticks; "" where the system does not tell. */
export function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? "ended" : (fields[19] ?? ""); // nobody asked yet how it ended: it does nothing any more
  } catch {
    return "";
  }
}
