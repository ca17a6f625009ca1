// Limits by the kernel: a control group for each replica, version 2 or 1, where this user may make one. Memory is a limit;
// cpu is a share that counts when the machine is busy. It is a cap only when that is asked for: a cap slows the start and the
// first requests of a new replica and so makes every candidate look worse than what it is compared with.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";

export interface Limits {
  readonly cpuMillicores?: number;
  readonly cpuMillicoresMax?: number;
  readonly memoryMiB?: number;
}

export interface Cgroups {
  readonly version: 1 | 2;
  /** Makes the replica's group; answers the folders whose cgroup.procs the shim writes itself into. */
  make(name: string, limits: Limits): readonly string[];
  /** Processes that the kernel killed because the group used more memory than it may. */
  memoryKills(name: string): number;
  /** Ends what is left in it, also what left the replica's process group, and removes it. */
  remove(name: string): void;
}

export interface CgroupRoots {
  /** Where the file systems are mounted: /sys/fs/cgroup. */
  readonly mount: string;
  /** Content of /proc/self/cgroup: "0::/system.slice/sluice.service", "4:memory:/x". */
  readonly own: string;
}

/** Of a run. Several hosts of one machine share the parent group. */
export function groupName(run: string): string {
  return `${createHash("sha256").update(run).digest("hex").slice(0, 8)}-${basename(run)}`;
}

/** Undefined where there are none, or where this user may not use them: then memory is watched instead. */
export function findCgroups(roots: CgroupRoots = ownRoots()): Cgroups | undefined {
  try {
    return existsSync(join(roots.mount, "cgroup.controllers")) ? version2(roots) : version1(roots);
  } catch {
    return undefined;
  }
}

function ownRoots(): CgroupRoots {
  const own = existsSync("/proc/self/cgroup") ? readFileSync("/proc/self/cgroup", "utf8") : "";
  return { mount: "/sys/fs/cgroup", own };
}

/**
 * A version 2 group has either processes or groups with controllers: the host moves into a leaf of its own, "host",
 * before it hands controllers down. With systemd this needs `Delegate=yes`.
 */
function version2({ mount, own }: CgroupRoots): Cgroups {
  const mine = join(mount, /^0::(.*)$/m.exec(own)?.[1] ?? "/");
  const base = mine.endsWith("/host") ? mine.slice(0, -"/host".length) : mine;
  if (base !== mount) {
    makeFolder(join(base, "host"));
    for (const pid of readFileSync(join(base, "cgroup.procs"), "utf8").split("\n").filter(Boolean))
      writeFileSync(join(base, "host", "cgroup.procs"), pid);
  }
  writeFileSync(join(base, "cgroup.subtree_control"), "+cpu +memory");
  const folder = (name: string) => join(base, name);
  return {
    version: 2,
    make: (name, { cpuMillicores, cpuMillicoresMax, memoryMiB }) => {
      makeFolder(folder(name));
      if (memoryMiB !== undefined) {
        writeFileSync(join(folder(name), "memory.max"), String(memoryMiB * 2 ** 20));
        writeFileSync(join(folder(name), "memory.oom.group"), "1");
      }
      // 100 is the weight of a group that says nothing: of one core.
      if (cpuMillicores !== undefined)
        writeFileSync(join(folder(name), "cpu.weight"), String(between(1, cpuMillicores / 10, 10_000)));
      if (cpuMillicoresMax !== undefined)
        writeFileSync(join(folder(name), "cpu.max"), `${quotaMicroseconds(cpuMillicoresMax)} ${periodMicroseconds}`);
      return [folder(name)];
    },
    // A runtime's own group is beside it: a group with processes cannot have groups with controllers.
    memoryKills: (name) =>
      countIn(join(folder(name), "memory.events"), "oom_kill") +
      countIn(join(folder(`${name}-c`), "memory.events"), "oom_kill"),
    remove: (name) => removeGroup(folder(name)),
  };
}

function version1({ mount, own }: CgroupRoots): Cgroups | undefined {
  const memory = version1Base({ mount, own }, "memory");
  const cpu = version1Base({ mount, own }, "cpu");
  if (memory === undefined) return undefined;
  return {
    version: 1,
    make: (name, { cpuMillicores, cpuMillicoresMax, memoryMiB }) => {
      const folders = [join(memory, name)];
      makeFolder(join(memory, name));
      if (memoryMiB !== undefined)
        writeFileSync(join(memory, name, "memory.limit_in_bytes"), String(memoryMiB * 2 ** 20));
      if (cpu !== undefined && (cpuMillicores ?? cpuMillicoresMax) !== undefined) {
        const folder = join(cpu, name);
        makeFolder(folder);
        if (cpuMillicores !== undefined)
          writeFileSync(join(folder, "cpu.shares"), String(between(2, (cpuMillicores * 1024) / 1000, 262_144)));
        if (cpuMillicoresMax !== undefined) {
          writeFileSync(join(folder, "cpu.cfs_period_us"), String(periodMicroseconds));
          writeFileSync(join(folder, "cpu.cfs_quota_us"), String(quotaMicroseconds(cpuMillicoresMax)));
        }
        folders.push(folder);
      }
      return folders;
    },
    // A runtime's own group is below it, and version 1 counts a kill in that only.
    memoryKills: (name) =>
      countIn(join(memory, name, "memory.oom_control"), "oom_kill") +
      countIn(join(memory, name, `${name}-c`, "memory.oom_control"), "oom_kill"),
    remove: (name) => {
      for (const base of [memory, cpu]) if (base !== undefined) removeGroup(join(base, name));
    },
  };
}

/** Our own group of a controller, or its root where a container shows a path that is not mounted. */
function version1Base({ mount, own }: CgroupRoots, controller: string): string | undefined {
  const line = own.split("\n").find((entry) => entry.split(":")[1]?.split(",").includes(controller));
  const [, controllers = controller, path = "/"] = line?.split(":") ?? [];
  const root = [join(mount, controllers), join(mount, controller)].find((folder) => existsSync(folder));
  if (root === undefined) return undefined;
  const base = join(existsSync(join(root, path)) ? join(root, path) : root, "sluice");
  makeFolder(base);
  return base;
}

function makeFolder(folder: string): void {
  mkdirSync(folder, { recursive: true });
}

/** Groups whose last processes had not left yet when they were to go. */
const leftOver = new Set<string>();

function removeGroup(folder: string): void {
  for (const former of leftOver) if (isRemoved(former)) leftOver.delete(former);
  const procs = join(folder, "cgroup.procs");
  if (!existsSync(procs)) return;
  for (const pid of readFileSync(procs, "utf8").split("\n").filter(Boolean)) {
    try {
      process.kill(Number(pid), "SIGKILL");
    } catch {
      // it ended meanwhile
    }
  }
  if (!isRemoved(folder)) leftOver.add(folder);
}

function isRemoved(folder: string): boolean {
  try {
    rmdirSync(folder);
    return true;
  } catch {
    return !existsSync(folder);
  }
}

function countIn(file: string, name: string): number {
  if (!existsSync(file)) return 0;
  return Number(new RegExp(`^${name} (\\d+)$`, "m").exec(readFileSync(file, "utf8"))?.[1] ?? 0);
}

/** Of each period: the kernel's own default. */
const periodMicroseconds = 100_000;

function quotaMicroseconds(millicores: number): number {
  return Math.max(1_000, Math.round((millicores * periodMicroseconds) / 1000));
}

function between(low: number, value: number, high: number): number {
  return Math.round(Math.min(high, Math.max(low, value)));
}
