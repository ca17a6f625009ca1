// What comes next in a deployment: the facts that follow from its state alone, and the tasks for which somebody must
// look at the world. Pure, so the dry run, the simulator and the engine agree.
import { mustReturn, watchedUntil } from "./aftermath.ts";
import type { Fact } from "./event.ts";
import { unproven, withdrawnFrom } from "./exposure.ts";
import { type Frame, type Ms, type RevisionId, sameFrame } from "./frame.ts";
import { minutes } from "./minutes.ts";
import type { PlanNode, ServiceName, Step } from "./plan.ts";
import { type Active, activeNodes, framesOf, isWaiting } from "./progress.ts";
import { holdExpired, overdue, retreatEnd, success, turn, walks } from "./retreat.ts";
import type { NodeRun, Run } from "./run.ts";

export type Task =
  /** Take its turn in the environment's queue, and freeze the plan. */
  | { readonly kind: "plan" }
  | {
      readonly kind: "attempt";
      readonly node: PlanNode;
      readonly index: number;
      readonly step: Step;
      readonly state: NodeRun;
    }
  | {
      readonly kind: "walk";
      readonly service: ServiceName;
      readonly index: number;
      readonly frame: Frame;
      readonly rely: readonly RevisionId[];
    }
  /** Count who sees a candidate before its own gates have passed. */
  | { readonly kind: "guard"; readonly service: ServiceName }
  /** After the end: look whether a condition of its watch holds. */
  | { readonly kind: "watch" }
  /** After the end: one has; ask for the return. */
  | { readonly kind: "return" }
  /** Keep what stands standing: a missing replica or a foreign weight is put right, a crash loop is seen. */
  | {
      readonly kind: "keep";
      readonly service: ServiceName;
      readonly frame: Frame;
      /** Asked for before a person paused: what is on its way there is left alone. */
      readonly asked: Frame;
    };

/** The fact that must be written now, if any: it follows from the state and the time alone. */
export function follows(run: Run, now: Ms): Fact | undefined {
  switch (run.phase.kind) {
    case "queued":
    case "ended":
      return undefined;
    case "turning":
      return turn(run, run.phase);
    case "retreating":
      return retreatEnd(run, now);
    case "running":
      return (
        holdExpired(run, now) ??
        overdue(run, now) ??
        firstOf(activeNodes(run), (active) => nodeFact(run, active, now)) ??
        success(run, now)
      );
  }
}

/** What needs the world to be looked at, most urgent first. */
export function tasks(run: Run): readonly Task[] {
  switch (run.phase.kind) {
    case "queued":
      return [{ kind: "plan" }];
    case "turning":
      return [];
    case "ended":
      if (mustReturn(run)) return [{ kind: "return" }];
      return watchedUntil(run) === undefined ? [] : [{ kind: "watch" }];
    case "retreating":
      return walks(run);
    case "running":
      return [...guards(run), ...attempts(run), ...walks(run), ...keeps(run)];
  }
}

function nodeFact(run: Run, { node, state, index, step }: Active, now: Ms): Fact | undefined {
  if (run.paused !== undefined) return undefined;
  const at = { node: node.id, step: index };
  if (run.full !== undefined && isWaiting(step)) {
    return { kind: "step done", ...at, note: `skipped: promoted in full by ${run.full.by}` };
  }
  if (step.kind === "bake") return bakeFact(run, { node, state, index, step }, now);
  if (step.kind !== "approve") return undefined;
  const yes = state.approvals.filter(
    (a) => step.policy.roles.length === 0 || a.roles.some((r) => step.policy.roles.includes(r)),
  );
  if (yes.length >= step.policy.quorum)
    return { kind: "step done", ...at, note: `approved by ${yes.map((a) => a.by).join(", ")}` };
  if (now - state.since < step.withinMs) return undefined;
  return { kind: "step failed", ...at, because: `nobody approved within ${minutes(step.withinMs)}` };
}

function bakeFact(run: Run, { node, state, index, step }: Active, now: Ms): Fact | undefined {
  if (step.kind !== "bake") return undefined;
  const at = { node: node.id, step: index };
  if (step.checks.length === 0) return now - state.since >= step.lastsMs ? { kind: "step done", ...at } : undefined;
  const verdict = state.judged?.verdict;
  if (verdict === "pass") return { kind: "step done", ...at };
  if ((verdict === "inconclusive" || verdict === "errored") && run.hold === undefined) {
    return { kind: "on hold", ...at, because: state.judged?.because ?? verdict };
  }
  return undefined;
}

function attempts(run: Run): readonly Task[] {
  return activeNodes(run).flatMap((active): readonly Task[] => {
    const failed = run.hold?.cause !== undefined && run.hold.node === active.node.id;
    const waits = run.paused !== undefined && active.step.kind !== "bake";
    const looks = active.step.kind !== "approve" && !(active.step.kind === "bake" && active.step.checks.length === 0);
    return looks && !failed && !waits ? [{ kind: "attempt", ...active }] : [];
  });
}

function guards(run: Run): readonly Task[] {
  return unproven(run).map((service) => ({ kind: "guard", service }));
}

/** Services that stand in a frame and are not just being moved to another. */
function keeps(run: Run): readonly Task[] {
  const moving = new Set(
    attempts(run).map((task) => (task.kind === "attempt" && task.step.kind === "set" ? task.node.service : undefined)),
  );
  return Object.entries(run.plan?.services ?? {}).flatMap(([name, service]) => {
    const { held, asked } = framesOf(run, name, service);
    const stood = held.at(-1) ?? service.from;
    const isWithdrawn = run.withdrawn.includes(name);
    const frame = isWithdrawn ? withdrawnFrom(stood, service) : stood;
    const isKept = !moving.has(name) && run.givenUp[name] === undefined && !sameFrame(stood, service.from);
    return isKept ? [{ kind: "keep", service: name, frame, asked: isWithdrawn ? frame : asked }] : [];
  });
}

function firstOf<T, R>(items: readonly T[], find: (item: T) => R | undefined): R | undefined {
  for (const item of items) {
    const found = find(item);
    if (found !== undefined) return found;
  }
  return undefined;
}
