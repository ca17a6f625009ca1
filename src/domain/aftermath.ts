// What is still to be done for a deployment that has ended: to watch it, or to ask for its return.
import type { Ms } from "./frame.ts";
import type { ServiceName } from "./plan.ts";
import type { Run } from "./run.ts";
import type { Condition } from "./watch.ts";

/** Until when it is watched; undefined when it is not, or when a condition has come true already. */
export function watchedUntil({ phase, plan, aftermath }: Run): Ms | undefined {
  if (phase.kind !== "ended" || phase.outcome !== "succeeded" || plan?.watch === undefined) return undefined;
  return aftermath === undefined ? phase.at + plan.watch.lastsMs : undefined;
}

/** A condition came true, and nobody has asked for the return yet. */
export function mustReturn({ aftermath }: Run): boolean {
  return aftermath !== undefined && aftermath.deployment === undefined && aftermath.refused === undefined;
}

/** True when no worker has anything more to do for it. */
export function isFinished(run: Run, now: Ms): boolean {
  return run.phase.kind === "ended" && !mustReturn(run) && now >= (watchedUntil(run) ?? 0);
}

/** The services that a condition is about: those that it names, or all that moved. */
export function watchedServices(run: Run, condition: Condition): readonly ServiceName[] {
  const stands = run.phase.kind === "ended" ? run.phase.stands : {};
  return (condition.services ?? Object.keys(run.plan?.services ?? {})).filter((name) => stands[name] !== undefined);
}
