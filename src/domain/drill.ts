// What a drill measured: how long a rollback takes, until it is verified, and the return after it.
import type { Ms } from "./frame.ts";
import type { PlanNode } from "./plan.ts";
import { isDone } from "./progress.ts";
import type { Run } from "./run.ts";

export interface Schedule {
  readonly every: Ms;
  /** "04:00", UTC. */
  readonly at?: string | undefined;
}

const dayMs: Ms = 86_400_000;

/** When the next rehearsal is due after one at `last`: `every` later, and then at the time of the day that is named. */
export function drillDueAt({ every, at }: Schedule, last: Ms): Ms {
  const due = last + every;
  if (at === undefined) return due;
  const [hours = 0, minutes = 0] = at.split(":").map(Number);
  const today = Math.floor(due / dayMs) * dayMs + (hours * 60 + minutes) * 60_000;
  // What began at its time a little late the last time is not late by a day this time.
  return today >= due - dayMs / 2 ? today : today + dayMs;
}

export interface DrillTimes {
  /** From its turn until the earlier release had all traffic and was verified. */
  readonly backMs?: Ms;
  readonly returnMs?: Ms;
}

/** Of what has been done so far; time in which nobody looked does not count. */
export function drillTimes(run: Run): DrillTimes {
  const nodes = run.plan?.nodes ?? [];
  const start = run.nodes.admission?.since ?? run.plannedAt;
  const back = doneAt(
    run,
    nodes.filter(({ id }) => !id.startsWith("return ")),
  );
  const home = doneAt(run, nodes);
  if (run.plan?.drill !== true || start === undefined || back === undefined) return {};
  return { backMs: back - start, ...(home === undefined ? {} : { returnMs: home - back }) };
}

/** When the last of them was done; undefined while one is not. */
function doneAt(run: Run, nodes: readonly PlanNode[]): Ms | undefined {
  if (nodes.length === 0 || !nodes.every(({ id }) => isDone(run, id))) return undefined;
  return Math.max(...nodes.map(({ id }) => run.nodes[id]?.since ?? 0));
}
