// Which verbs a person may use on a deployment at this moment, by the rules that the server decides by, and what each
// asks before it acts.
import { returnName, versionName } from "../../../src/domain/name.ts";
import type { Run } from "../../../src/domain/run.ts";
import { decide, type VerbName as Steering } from "../../../src/domain/verbs.ts";

export type VerbName = Steering | "rollback";

export interface Verb {
  readonly name: VerbName;
  readonly label: string;
  /** What will happen, asked before it does; absent where the verb is easily taken back. */
  readonly confirm?: string;
  /** `must`: the journal keeps why. */
  readonly reason: "none" | "may" | "must";
  readonly tone: "plain" | "forward" | "back";
}

/** `isStanding`: nothing was asked of its environment after this deployment. */
export function verbsFor(run: Run, isStanding: boolean): readonly Verb[] {
  if (run.phase.kind === "ended") return isStanding && mayReturn(run) ? [rollback(run)] : [];
  const legal = offered.filter((name) => isLegal(run, name));
  // Where somebody is asked for a yes, approving is the way on; promoting would only say it louder.
  const names = legal.includes("approve") ? legal.filter((name) => name !== "promote") : legal;
  return names.map((name) => verbs[name](run));
}

const offered: readonly Steering[] = ["approve", "refuse", "promote", "retry", "resume", "pause", "abort"];

/** Whether this person holds the roles it takes is the server's to say. */
function isLegal(run: Run, verb: Steering): boolean {
  return decide(run, { verb, by: { name: "", roles: "every" } }).kind === "legal";
}

function mayReturn({ phase, standingRelease }: Run): boolean {
  return phase.kind === "ended" && phase.outcome === "succeeded" && standingRelease !== undefined;
}

const verbs: Record<Steering, (run: Run) => Verb> = {
  pause: () => ({ name: "pause", label: "Pause", reason: "may", tone: "plain" }),
  resume: () => ({ name: "resume", label: "Resume", reason: "none", tone: "forward" }),
  retry: () => ({ name: "retry", label: "Try again", reason: "none", tone: "plain" }),
  promote: (run) => ({
    name: "promote",
    label: "Promote",
    confirm: `Ends the present wait without its evidence and moves ${versionName(run.release.version)} on in ${run.environment}.`,
    reason: "may",
    tone: "forward",
  }),
  approve: (run) => ({
    name: "approve",
    label: "Approve",
    confirm: `${versionName(run.release.version)} goes on in ${run.environment} once enough people have said yes.`,
    reason: "none",
    tone: "forward",
  }),
  refuse: (run) => ({
    name: "refuse",
    label: "Refuse",
    confirm: `${run.environment} goes back to ${returnName(run)}.`,
    reason: "must",
    tone: "back",
  }),
  abort: (run) => ({
    name: "abort",
    label: "Abort",
    confirm:
      run.phase.kind === "queued"
        ? `${versionName(run.release.version)} leaves the queue of ${run.environment}; nothing has moved yet.`
        : `Every service of this deployment goes back to ${returnName(run)}, frame by frame.`,
    reason: "must",
    tone: "back",
  }),
};

function rollback(run: Run): Verb {
  const confirm = `Starts a deployment that takes ${run.environment} back to ${returnName(run)}.`;
  return { name: "rollback", label: "Roll back", confirm, reason: "must", tone: "back" };
}
