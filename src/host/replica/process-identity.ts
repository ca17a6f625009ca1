// A pid alone names nobody: the kernel gives it out again. A process is its pid and the moment it started.
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { uptime } from "node:os";
import type { Ms } from "../../domain/frame.ts";

export interface ProcessIdentity {
  readonly pid: number;
  /** Linux: boot id and clock ticks since boot (field 22 of /proc/PID/stat); elsewhere what `ps -o lstart` prints. */
  readonly start: string;
}

/** USER_HZ, which Linux fixed at 100 for what it shows. */
const tickMs: Ms = 10;

/** Who has this pid now; undefined when nobody, or only a zombie that waits for its parent. */
export function identify(pid: number): ProcessIdentity | undefined {
  const start = process.platform === "linux" ? startOnLinux(pid) : startByPs(pid);
  return start === undefined ? undefined : { pid, start };
}

export function isAlive(identity: ProcessIdentity): boolean {
  return identify(identity.pid)?.start === identity.start;
}

/** How long ago it started, by the kernel's own count: a clock that was set makes nobody older. */
export function ageMs({ start }: ProcessIdentity, startedAt: Ms): Ms {
  const ticks = process.platform === "linux" ? Number(start.split(":")[1]) : Number.NaN;
  if (!Number.isFinite(ticks)) return Math.max(0, Date.now() - startedAt);
  return Math.max(0, uptime() * 1_000 - ticks * tickMs);
}

/** The arguments of a living process, or undefined. */
export function commandLine(pid: number): readonly string[] | undefined {
  if (process.platform !== "linux") return ps(pid, "command")?.split(" ");
  return readOrNothing(`/proc/${pid}/cmdline`)?.split("\0").slice(0, -1);
}

/** Sends a signal to every process of the group; false when there is none. */
export function signalGroup(pgid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-pgid, signal);
    return true;
  } catch {
    return false; // ESRCH: nobody left
  }
}

/** Living processes of the group, without zombies. Looks at every process: for rare moments only. */
export function groupMembers(pgid: number): readonly number[] {
  if (!signalGroup(pgid, 0)) return [];
  if (process.platform !== "linux") return [pgid];
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      const fields = statFields(pid);
      return fields !== undefined && fields[0] !== "Z" && Number(fields[2]) === pgid;
    });
}

export interface GroupUsage {
  /** Resident. */
  readonly memoryBytes: number;
  /** Of its living processes, since each started. */
  readonly cpuMs: number;
}

/** What every process group of the machine uses, with all that its processes started: what is in a container is in a group of its own. */
export function groupUsage(): ReadonlyMap<number, GroupUsage> {
  const used = new Map<number, GroupUsage>();
  for (const [pgid, { memoryBytes, cpuMs }] of process.platform === "linux" ? usageOnLinux() : usageByPs()) {
    const before = used.get(pgid) ?? { memoryBytes: 0, cpuMs: 0 };
    used.set(pgid, { memoryBytes: before.memoryBytes + memoryBytes, cpuMs: before.cpuMs + cpuMs });
  }
  return used;
}

function usageOnLinux(): readonly (readonly [number, GroupUsage])[] {
  const all = new Map(
    readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .flatMap((name) => {
        const fields = statFields(Number(name));
        return fields === undefined ? [] : [[Number(name), fields] as const];
      }),
  );
  return [...all.values()].flatMap((fields) => {
    const cpuMs = (Number(fields[11]) + Number(fields[12])) * tickMs;
    const used = { memoryBytes: Number(fields[21]) * bytesPerPage(), cpuMs };
    return groupsOf(fields, all).map((pgid) => [pgid, used] as const);
  });
}

/** Its own and those of its ancestors, each once. */
function groupsOf(fields: readonly string[], all: ReadonlyMap<number, readonly string[]>): readonly number[] {
  const groups = new Set<number>();
  for (let at: readonly string[] | undefined = fields; at !== undefined; at = all.get(Number(at[1])))
    groups.add(Number(at[2]));
  return [...groups];
}

let pageBytes: number | undefined;

/** 4 KiB nearly everywhere; 16 or 64 on some ARM machines. */
function bytesPerPage(): number {
  pageBytes ??= Number(spawnSync("getconf", ["PAGESIZE"], { encoding: "utf8" }).stdout) || 4096;
  return pageBytes;
}

function usageByPs(): readonly (readonly [number, GroupUsage])[] {
  const answer = spawnSync("ps", ["-A", "-o", "pgid=,rss=,time="], { encoding: "utf8" });
  return answer.stdout
    .trim()
    .split("\n")
    .map((line) => {
      const [pgid, kib, time = ""] = line.trim().split(/\s+/);
      return [Number(pgid), { memoryBytes: Number(kib) * 1024, cpuMs: cpuMsOf(time) }] as const;
    });
}

/** "1-02:03:04", "123:45.67" */
function cpuMsOf(time: string): number {
  const [days, clock = ""] = time.includes("-") ? time.split("-") : ["0", time];
  const seconds = clock.split(":").reduce((sum, part) => 60 * sum + Number(part), 0);
  return 1000 * (86_400 * Number(days) + seconds);
}

let bootId: string | undefined;

function startOnLinux(pid: number): string | undefined {
  const fields = statFields(pid);
  if (fields === undefined || fields[0] === "Z" || fields[0] === "X") return undefined;
  bootId ??= readOrNothing("/proc/sys/kernel/random/boot_id")?.trim() ?? "";
  return `${bootId}:${fields[19]}`;
}

/** From field 3 (state) on: the name before it stands in brackets and may hold spaces. */
function statFields(pid: number): readonly string[] | undefined {
  const stat = readOrNothing(`/proc/${pid}/stat`);
  return stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
}

function startByPs(pid: number): string | undefined {
  return ps(pid, "stat")?.startsWith("Z") ? undefined : ps(pid, "lstart");
}

function ps(pid: number, column: string): string | undefined {
  const answer = spawnSync("ps", ["-o", `${column}=`, "-p", String(pid)], {
    encoding: "utf8",
    env: { ...process.env, LC_ALL: "C" },
  });
  return answer.status === 0 ? answer.stdout.trim() : undefined;
}

function readOrNothing(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined; // the process is gone
  }
}
