// Which verbs a person may use on a deployment at this moment, and what each asks before it acts.

import { returnName, versionName } from "../../../src/domain/name.ts";
import { activeNodes } from "../../../src/domain/next.ts";
import type { Run } from "../../../src/domain/run.ts";

export type VerbName = "promote" | "approve" | "refuse" | "pause" | "resume" | "retry" | "abort" | "rollback";

export interface Verb {
  readonly name: VerbName;
  readonly label: string;
  /** What will happen, asked before it does; absent where the verb is easily taken back. */
  readonly confirm?: string;
  /** `must`: the journal keeps why. */
  readonly reason: "none" | "may" | "must";
  readonly tone: "plain" | "forward" | "back";
}

/** `isStanding`: this deployment is the one that its environment stands on. */
export function verbsFor(run: Run, isStanding: boolean): readonly Verb[] {
  const { kind } = run.phase;
  if (kind === "ended") return endedVerbs(run, isStanding);
  if (kind === "turning" || kind === "retreating") return [];
  const back = abort(run);
  if (kind === "queued") return [back];
  if (run.paused !== undefined) return [resume, back];
  if (run.hold !== undefined) return [...(run.hold.cause === undefined ? [promote(run)] : [retry]), back];
  const waits = activeNodes(run).map(({ step }) => step.kind);
  return [
    ...(waits.includes("approve") ? [approve(run), refuse(run)] : []),
    ...(waits.includes("bake") ? [promote(run)] : []),
    pause,
    back,
  ];
}

function endedVerbs(run: Run, isStanding: boolean): readonly Verb[] {
  if (run.phase.kind !== "ended") return [];
  if (run.phase.outcome === "stuck") return [retry];
  return run.phase.outcome === "succeeded" && isStanding && run.standingRelease !== undefined ? [rollback(run)] : [];
}

const pause: Verb = { name: "pause", label: "Pause", reason: "may", tone: "plain" };
const resume: Verb = { name: "resume", label: "Resume", reason: "none", tone: "forward" };
const retry: Verb = { name: "retry", label: "Try again", reason: "none", tone: "forward" };

function promote(run: Run): Verb {
  const confirm = `Ends the present wait without its evidence and moves ${versionName(run.release.version)} on in ${run.environment}.`;
  return { name: "promote", label: "Promote", confirm, reason: "may", tone: "forward" };
}

function approve(run: Run): Verb {
  const confirm = `${versionName(run.release.version)} goes on in ${run.environment} once enough people have said yes.`;
  return { name: "approve", label: "Approve", confirm, reason: "none", tone: "forward" };
}

function refuse(run: Run): Verb {
  const confirm = `${run.environment} goes back to ${returnName(run)}.`;
  return { name: "refuse", label: "Refuse", confirm, reason: "must", tone: "back" };
}

function abort(run: Run): Verb {
  const confirm =
    run.phase.kind === "queued"
      ? `${versionName(run.release.version)} leaves the queue of ${run.environment}; nothing has moved yet.`
      : `Every service of this deployment goes back to ${returnName(run)}, safely, frame by frame.`;
  return { name: "abort", label: "Abort", confirm, reason: "must", tone: "back" };
}

function rollback(run: Run): Verb {
  const confirm = `Starts a deployment that takes ${run.environment} back to ${returnName(run)}.`;
  return { name: "rollback", label: "Roll back", confirm, reason: "must", tone: "back" };
}
