// What is done to the machine on purpose, how long until all is as it should be again, and which requests were under way
// on what was killed.
import { setTimeout as sleep } from "node:timers/promises";
import type { SeenReplica } from "../../src/host/api.ts";
import type { HostHealth } from "../../src/host/client.ts";
import { groupMembers, identify } from "../../src/host/replica/process-identity.ts";
import type { Loss } from "./loss.ts";
import { patiently, programs, type Stage } from "./stage.ts";

export const victims = [
  "control plane",
  "supervisor",
  "router",
  "supervisor and router",
  "shim",
  "stable replica",
  "candidate replica",
  "PostgreSQL",
  "host upgrade",
] as const;
export type Victim = (typeof victims)[number];

export interface Blow {
  readonly victim: Victim;
  readonly atMs: number;
  /** When the kernel had ended what was killed: what began later cannot have been on it. */
  readonly goneMs: number;
  readonly recoveredMs: number;
  readonly adopted: string;
  /** Names of the replica that was killed: its id and its port. */
  readonly names: readonly string[];
}

/** Undefined when there is no such process at this moment: a candidate before it is started. */
export async function strike(stage: Stage, victim: Victim): Promise<Blow | undefined> {
  return blows[victim](stage, victim);
}

/** Was this request under way on what was killed? Nothing else is excused, however close in time. */
export function isHit(loss: Loss, { victim, atMs, goneMs, names }: Blow): boolean {
  const overlaps = (endMs: number) => loss.startMs <= endMs && atMs <= loss.endMs;
  const isCut = loss.said === undefined;
  switch (victim) {
    case "router":
    case "supervisor and router":
      return isCut && overlaps(goneMs);
    case "stable replica":
    case "candidate replica":
      return (
        (isCut || loss.said === "upstream-closed") && overlaps(goneMs) && loss.on.some((one) => names.includes(one))
      );
    case "control plane":
    case "supervisor":
    case "shim":
    case "PostgreSQL":
    case "host upgrade":
      return false;
  }
}

type Strike = (stage: Stage, victim: Victim) => Promise<Blow | undefined>;

const blows: Readonly<Record<Victim, Strike>> = {
  "control plane": async (stage, victim) => {
    const pid = stage.controlPid();
    return blow({ victim, pids: [pid] }, async () => {
      await until(async () => stage.controlPid() !== pid && (await stage.answers()));
      return "the deployment where it was";
    });
  },
  PostgreSQL: async (stage, victim) => {
    const pid = stage.postgresPid();
    if (pid === undefined) return undefined;
    return blow({ victim, pids: [pid] }, async () => {
      await until(async () => stage.postgresPid() !== pid && (await stage.answers()));
      return "its data folder";
    });
  },
  supervisor: async (stage, victim) => {
    const { pid } = await patiently(stage.host.health);
    return blow({ victim, pids: [pid] }, async () =>
      adoptedBy(await untilHealthy(stage, (health) => health.pid !== pid)),
    );
  },
  router: async (stage, victim) => {
    const { router } = await patiently(stage.host.health);
    if (router.pid === undefined) return undefined;
    return blow({ victim, pids: [router.pid] }, async () => {
      await untilHealthy(stage, (health) => health.router.pid !== router.pid);
      return "the listening sockets";
    });
  },
  "supervisor and router": async (stage, victim) => {
    const { pid, router } = await patiently(stage.host.health);
    const pids = [pid, router.pid ?? pid];
    for (const one of pids) process.kill(one, "SIGSTOP"); // each would start the other again
    return blow({ victim, pids }, async () => {
      const health = await untilHealthy(stage, (now) => now.pid !== pid);
      return `the listening sockets, ${adoptedBy(health)}`;
    });
  },
  shim: async (stage, victim) => {
    const { pid } = (await readyReplica(stage, 0)) ?? {};
    if (pid === undefined) return undefined;
    return blow({ victim, pids: [pid] }, async () => {
      await until(async () => groupMembers(pid).length > 0);
      return "its replica";
    });
  },
  "stable replica": (stage, victim) => killReplica(stage, victim),
  "candidate replica": (stage, victim) => killReplica(stage, victim),
  "host upgrade": async (stage, victim) => {
    const atMs = Date.now();
    const { pid } = await patiently(stage.host.health);
    await stage.host.upgrade(programs);
    const health = await untilHealthy(stage, (now) => now.pid !== pid);
    const recoveredMs = Date.now() - atMs;
    return { victim, atMs, goneMs: atMs, recoveredMs, adopted: adoptedBy(health), names: [] };
  },
};

/** Of the side with the most traffic (0), or of the other one (1). */
async function readyReplica(stage: Stage, side: 0 | 1): Promise<SeenReplica | undefined> {
  const seen = await stage.see();
  const sides = Object.values(seen?.revisions ?? {}).sort((a, b) => b.weight - a.weight);
  return sides[side]?.replicas.find(({ state }) => state === "ready");
}

async function killReplica(stage: Stage, victim: Victim): Promise<Blow | undefined> {
  const ready = await readyReplica(stage, victim === "stable replica" ? 0 : 1);
  if (ready?.pid === undefined) return undefined;
  const { pid, id, port } = ready;
  const isBack = (replica: SeenReplica) =>
    replica.pid !== pid && !["backing off", "starting", "unready"].includes(replica.state);
  return blow({ victim, pids: [-pid], names: [id, String(port)] }, async () => {
    await until(async () =>
      Object.values((await stage.see())?.revisions ?? {}).every((side) => side.replicas.every(isBack)),
    );
    return "";
  });
}

interface Target {
  readonly victim: Victim;
  /** A negative one is a process group. */
  readonly pids: readonly number[];
  readonly names?: readonly string[];
}

/** Undefined when what was seen a moment ago has ended by itself since. */
async function blow({ victim, pids, names = [] }: Target, recover: () => Promise<string>): Promise<Blow | undefined> {
  const atMs = Date.now();
  if (!pids.every(isThere)) return undefined;
  for (const pid of pids) process.kill(pid, "SIGKILL");
  while (pids.some(isThere)) await sleep(1);
  const goneMs = Date.now();
  const adopted = await recover();
  return { victim, atMs, goneMs, recoveredMs: Date.now() - atMs, adopted, names };
}

function isThere(pid: number): boolean {
  return pid < 0 ? groupMembers(-pid).length > 0 : identify(pid) !== undefined;
}

function untilHealthy(stage: Stage, isSo: (health: HostHealth) => boolean): Promise<HostHealth> {
  return until(async () => {
    const health = await stage.host.health();
    return health.router.answers && isSo(health) ? health : undefined;
  });
}

function adoptedBy({ adopted }: HostHealth): string {
  return `${adopted} replicas`;
}

async function until<T>(isSo: () => Promise<T | undefined | false>): Promise<T> {
  for (const end = Date.now() + 30_000; Date.now() < end; await sleep(5)) {
    const found = await isSo().catch(() => undefined);
    if (found !== undefined && found !== false) return found;
  }
  throw new Error("no recovery within 30 s");
}
