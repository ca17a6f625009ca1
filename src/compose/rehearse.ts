// Drills on a schedule: where an environment's configuration says so, a rollback is rehearsed every so often. Any number of
// control planes may look: a rehearsal has the same id whoever asks for it.
import { setTimeout as sleep } from "node:timers/promises";
import { drillDueAt, type Schedule } from "../domain/drill.ts";
import type { Ms } from "../domain/frame.ts";
import { Problem, Temporary } from "../domain/problem.ts";
import { configOf } from "../domain/release.ts";
import type { Clock } from "../engine/ports.ts";
import { type Desk, findRelease, request } from "../server/commands.ts";
import { orders } from "../server/orders.ts";
import { historyIn } from "../server/returns.ts";

const lookEveryMs: Ms = 60_000;

export interface Rehearsing {
  readonly desk: Desk;
  readonly clock: Pick<Clock, "now">;
  readonly report: (error: unknown) => void;
  readonly signal: AbortSignal;
}

export async function rehearse({ desk, clock, report, signal }: Rehearsing): Promise<void> {
  while (!signal.aborted) {
    await sleep(lookEveryMs, undefined, { signal, ref: false }).catch(() => {}); // stopped
    if (signal.aborted) return;
    await rehearseDue(desk, clock.now()).catch((error: unknown) => {
      if (!(error instanceof Temporary)) report(error);
    });
  }
}

/** Asks for the drills that are due; those that cannot be now (nothing to return to, under way) are tried the next time. */
export async function rehearseDue(desk: Desk, now: Ms): Promise<readonly string[]> {
  const asked: string[] = [];
  for (const { name, release, open } of await desk.records.environments.list()) {
    if (release === undefined || open.length > 0) continue;
    const config = configOf(await findRelease(desk.records, release.id));
    const schedule = config.environments[name]?.drill;
    const dueAt = schedule === undefined ? undefined : await nextIn(desk, name, schedule);
    if (schedule === undefined || dueAt === undefined || now < dueAt) continue;
    const id = `${name}-drill-${Math.floor(dueAt / 60_000).toString(36)}`;
    const order = await orders.drill(desk, { id, environment: name }).catch((error: unknown) => {
      if (error instanceof Problem) return undefined; // nothing to rehearse yet
      throw error;
    });
    if (order === undefined) continue;
    await request(desk, id, { ...order, by: "sluice", reason: "on schedule" });
    asked.push(id);
  }
  return asked;
}

/** Counted from the last drill, or from the first deployment. */
async function nextIn(desk: Desk, environment: string, schedule: Schedule): Promise<Ms | undefined> {
  const history = await historyIn(desk.records, environment);
  const last = history.find(({ purpose }) => purpose === "drill") ?? history.at(-1);
  return last === undefined ? undefined : drillDueAt(schedule, last.requestedAt);
}
