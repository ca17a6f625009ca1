// What a person may ask of a deployment at this moment, and the fact that it becomes; else why not, and what to do.
import type { At, Fact } from "./event.ts";
import { activeNodes, isWaiting } from "./progress.ts";
import type { Run } from "./run.ts";
import type { ApprovalPolicy } from "./strategy.ts";

export type VerbName = "promote" | "pause" | "resume" | "abort" | "retry" | "approve" | "refuse";

export interface Asked {
  readonly verb: VerbName;
  readonly by: Person;
  readonly reason?: string;
  /** `promote`: skip every gate that is still to come, too. */
  readonly full?: boolean;
}

export interface Person {
  readonly name: string;
  /** "every": whoever holds the machine's own token may stand for anyone. */
  readonly roles: readonly string[] | "every";
}

export type Decision =
  | { readonly kind: "legal"; readonly fact: Fact }
  | { readonly kind: "illegal"; readonly because: string; readonly mend: string };

export function decide(run: Run, asked: Asked): Decision {
  const past = over(run, asked.verb);
  return past ?? rules[asked.verb](run, asked);
}

const rules: Record<VerbName, (run: Run, asked: Asked) => Decision> = {
  promote: (run, { by, full = false }) => {
    if (run.phase.kind === "queued") return notBegun(run, "promote");
    const gate = guarded(run, full);
    if (gate !== undefined)
      return illegal(
        `${run.id} has an approval ahead that asks for ${tellPolicy(gate)}`,
        "Let them say yes with `sluice approve`; promote skips no approval",
      );
    const waits = activeNodes(run).some(({ step }) => isWaiting(step));
    if (!waits && !full)
      return illegal(
        `${run.id} waits for nothing just now: it is moving`,
        "Ask again when it waits, or use `--full` to skip the waits that are to come",
      );
    return legal({ kind: "promoted", by: by.name, full });
  },
  pause: (run, { by, reason }) => {
    if (run.phase.kind === "queued") return notBegun(run, "pause");
    if (run.paused !== undefined)
      return illegal(`${run.id} is paused already, by ${run.paused.by}`, "`sluice resume` goes on");
    return legal({ kind: "paused", by: by.name, ...(reason === undefined ? {} : { reason }) });
  },
  resume: (run, { by }) =>
    run.paused === undefined
      ? illegal(`${run.id} is not paused`, run.hold === undefined ? "Nothing needs to be done" : onHold)
      : legal({ kind: "unpaused", by: by.name }),
  abort: (_run, { by, reason }) => legal({ kind: "abort asked", by: by.name, reason: reason ?? `asked by ${by.name}` }),
  retry: (run, { by }) =>
    run.hold === undefined
      ? illegal(`${run.id} is not on hold: there is nothing to try again`, "Look at `sluice status`")
      : legal({ kind: "retried", by: by.name }),
  approve: (run, { by }) => {
    const waiting = approvals(run);
    const [open] = waiting.filter(({ policy }) => mayApprove(by, policy));
    const [first] = waiting;
    if (first === undefined) return illegal(`${run.id} waits for no approval just now`, "Look at `sluice status`");
    if (open === undefined)
      return illegal(
        `${run.id} asks for ${tellPolicy(first.policy)}, and ${by.name} has no such role`,
        "Ask somebody who has",
      );
    if (open.given.includes(by.name))
      return illegal(`${by.name} has approved ${run.id} already`, `It waits for ${tellPolicy(open.policy)}`);
    const roles = by.roles === "every" ? open.policy.roles : by.roles;
    return legal({ kind: "approved", ...open.at, by: by.name, roles });
  },
  refuse: (run, { by, reason }) => {
    const [open] = approvals(run);
    if (open === undefined)
      return illegal(`${run.id} waits for no approval just now`, "To take it back, use `sluice abort`");
    return legal({ kind: "refused", ...open.at, by: by.name, because: reason ?? `refused by ${by.name}` });
  },
};

const onHold = "It is on hold: `sluice promote`, `sluice retry` or `sluice abort`";

/** What has ended, or is going back, takes no more verbs: the first cause decides. */
function over(run: Run, verb: VerbName): Decision | undefined {
  switch (run.phase.kind) {
    case "ended":
      return illegal(
        `${run.id} has ended (${run.phase.outcome}): there is nothing to ${verb}`,
        "Deploy again, or `sluice rollback`",
      );
    case "turning":
    case "retreating":
      return illegal(
        `${run.id} is going back already: ${run.phase.cause.because}`,
        "Wait for its end with `sluice watch`",
      );
    case "queued":
    case "running":
      return undefined;
  }
}

function notBegun(run: Run, verb: VerbName): Decision {
  return illegal(
    `${run.id} has not begun: it waits for its turn in ${run.environment}, so there is nothing to ${verb}`,
    "`sluice abort` takes it out of the queue",
  );
}

interface OpenApproval {
  readonly at: At;
  readonly policy: ApprovalPolicy;
  readonly given: readonly string[];
}

function approvals(run: Run): readonly OpenApproval[] {
  if (run.phase.kind !== "running") return [];
  return activeNodes(run).flatMap(({ node, index, step, state }) =>
    step.kind === "approve"
      ? [{ at: { node: node.id, step: index }, policy: step.policy, given: state.approvals.map(({ by }) => by) }]
      : [],
  );
}

/** An approval that names roles, or asks for more than one person, is nobody's to skip. */
function guarded(run: Run, full: boolean): ApprovalPolicy | undefined {
  const steps = full
    ? (run.plan?.nodes ?? []).flatMap((node) => node.steps.slice(run.nodes[node.id]?.step ?? 0))
    : activeNodes(run).map(({ step }) => step);
  const policies = steps.flatMap((step) => (step.kind === "approve" ? [step.policy] : []));
  return policies.find(({ roles, quorum }) => roles.length > 0 || quorum > 1);
}

function mayApprove({ roles }: Person, policy: ApprovalPolicy): boolean {
  return policy.roles.length === 0 || roles === "every" || roles.some((role) => policy.roles.includes(role));
}

function tellPolicy({ roles, quorum }: ApprovalPolicy): string {
  const who = roles.length === 0 ? "" : ` of ${roles.join(" or ")}`;
  return `${quorum} ${quorum === 1 ? "person" : "people"}${who}`;
}

function legal(fact: Fact): Decision {
  return { kind: "legal", fact };
}

function illegal(because: string, mend: string): Decision {
  return { kind: "illegal", because, mend };
}
