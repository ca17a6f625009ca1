// What replicas use of the machine: memory now, and CPU since it was last asked. Read only when somebody asks, and at most
// once a second, for it looks at every process.
import type { Usage } from "../api.ts";
import { groupUsage } from "./process-identity.ts";

interface Look {
  readonly atMs: number;
  readonly groups: ReturnType<typeof groupUsage>;
}

const freshMs = 1_000;
/** CPU is told over the last seconds, so many at most. */
const cpuOverMs = 8_000;

let now: Look | undefined;
let earlier: Look | undefined;

/** Of a process group and of what it started; undefined when it has none. */
export function usageOf(pgid: number, memoryMiBMax?: number): Usage | undefined {
  const look = looked();
  const used = look.groups.get(pgid);
  if (used === undefined) return undefined;
  const before = earlier?.groups.get(pgid);
  const memoryMiB = used.memoryBytes / 2 ** 20;
  const memory = {
    memoryMiB: tenths(memoryMiB),
    ...(memoryMiBMax === undefined ? {} : { memoryPercent: tenths((100 * memoryMiB) / memoryMiBMax) }),
  };
  if (earlier === undefined || before === undefined) return memory;
  const cpuShare = (used.cpuMs - before.cpuMs) / (look.atMs - earlier.atMs);
  return { ...memory, cpuPercent: Math.max(0, tenths(100 * cpuShare)) };
}

function looked(): Look {
  const atMs = performance.now();
  if (now !== undefined && atMs - now.atMs < freshMs) return now;
  if (now !== undefined && (earlier === undefined || atMs - earlier.atMs > cpuOverMs)) earlier = now;
  now = { atMs, groups: groupUsage() };
  return now;
}

function tenths(value: number): number {
  return Math.round(value * 10) / 10;
}
