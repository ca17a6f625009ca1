// What is done to the host on purpose, and how long until all is as it should be again.
import { groupMembers, identify } from "../../src/host/replica/process-identity.ts";
import type { Stage } from "./stage.ts";
import { programs } from "./stage.ts";

export const victims = ["supervisor", "router", "stable replica", "candidate replica", "host upgrade"] as const;
export type Victim = (typeof victims)[number];

export interface Blow {
  readonly atMs: number;
  /** When the kernel had ended the process: what was sent to it until then is hit. An upgrade hits nobody. */
  readonly goneMs: number | undefined;
  readonly recoveredMs: number;
  readonly adopted: string;
}

/** Undefined when there is no such process at this moment: a candidate before it is started. */
export async function strike(stage: Stage, victim: Victim): Promise<Blow | undefined> {
  const before = await stage.client.health();
  const pid = await pidOf(stage, victim, before);
  if (victim !== "host upgrade" && pid === undefined) return undefined;
  const atMs = Date.now();
  if (victim === "host upgrade") await stage.client.upgrade(programs);
  else process.kill(victim.endsWith("replica") ? -(pid ?? 0) : (pid ?? 0), "SIGKILL");
  const goneMs = victim === "host upgrade" ? undefined : await untilGone(pid ?? 0);
  const after = await untilBack(stage, { victim, pid });
  const adopted = victim === "supervisor" || victim === "host upgrade" ? `${after.adopted} replicas` : "";
  return { atMs, goneMs, recoveredMs: Date.now() - atMs, adopted };
}

/** Was this request under way on what was killed? */
export function isHit({ startMs, endMs }: { startMs: number; endMs: number }, { atMs, goneMs }: Blow): boolean {
  return goneMs !== undefined && startMs <= goneMs && atMs <= endMs;
}

async function untilGone(pid: number): Promise<number> {
  while (identify(pid) !== undefined || groupMembers(pid).length > 0)
    await new Promise((resolve) => setTimeout(resolve, 1));
  return Date.now();
}

type Health = Awaited<ReturnType<Stage["client"]["health"]>>;

async function pidOf(stage: Stage, victim: Victim, health: Health): Promise<number | undefined> {
  if (victim === "supervisor") return health.pid;
  if (victim === "router") return health.router.pid;
  const seen = await stage.see();
  const names = Object.keys(seen?.revisions ?? {}).sort(
    (a, b) => (seen?.revisions[b]?.weight ?? 0) - (seen?.revisions[a]?.weight ?? 0),
  );
  const name = victim === "stable replica" ? names[0] : names[1];
  return seen?.revisions[name ?? ""]?.replicas.find(({ state }) => state === "ready")?.pid;
}

/** Both answer, and the process that was hit is another one or gone. */
async function untilBack(stage: Stage, { victim, pid }: { victim: Victim; pid: number | undefined }): Promise<Health> {
  for (const until = Date.now() + 20_000; Date.now() < until; ) {
    const health = await stage.client.health().catch(() => undefined);
    if (health?.router.answers && (await isReplaced(stage, { victim, pid, health }))) return health;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`no recovery from the end of the ${victim}`);
}

async function isReplaced(
  stage: Stage,
  { victim, pid, health }: { victim: Victim; pid: number | undefined; health: Health },
): Promise<boolean> {
  if (victim === "host upgrade") return true;
  if (victim === "supervisor") return health.pid !== pid;
  if (victim === "router") return health.router.pid !== pid;
  const replicas = Object.values((await stage.see())?.revisions ?? {}).flatMap((side) => side.replicas);
  return replicas.every(
    (replica) => replica.pid !== pid && replica.state !== "backing off" && replica.state !== "starting",
  );
}
