// One task is run by one process at a time, also when two runs share a workspace. A lock names its holder by pid and start
// time, so that what a killed run left behind is recognised and taken over.
import { closeSync, linkSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";

const patienceMs = 50;

/** Resolves with the release. Without a place to write, there is no lock to take: the run goes on alone. */
export async function lock(folder: string, name: string): Promise<() => void> {
  const file = join(folder, encodeURIComponent(name));
  for (;;) {
    const taken = take(file);
    if (taken) return taken;
    if (!isHeld(file)) giveBack(file);
    else await wait(patienceMs);
  }
}

function take(file: string): (() => void) | undefined {
  const own = `${file}.${process.pid}`;
  try {
    mkdirSync(dirname(file), { recursive: true });
    const handle = openSync(own, "w");
    writeSync(handle, `${process.pid} ${startOf(process.pid)}`);
    closeSync(handle);
  } catch {
    return () => {};
  }
  try {
    linkSync(own, file); // appears whole, or not at all
    return () => rmSync(file, { force: true });
  } catch {
    return undefined;
  } finally {
    rmSync(own, { force: true });
  }
}

function isHeld(file: string): boolean {
  let holder: string;
  try {
    holder = readFileSync(file, "utf8");
  } catch {
    return false;
  }
  const [pid = "", start = ""] = holder.split(" ");
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
  }
  rmSync(aside, { force: true });
}

/** When a process began, in the kernel's ticks; "" where the system does not tell. */
export function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  } catch {
    return "";
  }
}
