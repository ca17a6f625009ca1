// What comes next in a deployment: the facts that follow from its state alone, and the tasks for which somebody must
// look at the world. Pure, so the dry run, the simulator and the engine agree.
import type { Cause, Fact, Outcome } from "./event.ts";
import { type Frame, type Ms, type RevisionId, sameFrame } from "./frame.ts";
import { wayBack } from "./moves.ts";
import type { NodeId, PlanNode, PlannedService, ServiceName, Step } from "./plan.ts";
import { isDone, isOpen, isWaiting, type NodeRun, type Run } from "./run.ts";
import { unjudged } from "./unjudged.ts";

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
  /** Keep what stands standing: a missing replica or a foreign weight is put right, a crash loop is seen. */
  | { readonly kind: "keep"; readonly service: ServiceName; readonly frame: Frame };

/** The fact that must be written now, if any: it follows from the state and the time alone. */
export function follows(run: Run, now: Ms): Fact | undefined {
  switch (run.phase.kind) {
    case "queued":
    case "ended":
      return undefined;
    case "turning":
      return turn(run, run.phase.cause);
    case "retreating":
      return retreatEnd(run, now);
    case "running":
      return holdExpired(run, now) ?? firstOf(activeNodes(run), (active) => nodeFact(run, active, now)) ?? success(run);
  }
}

/** What needs the world to be looked at, most urgent first. */
export function tasks(run: Run): readonly Task[] {
  switch (run.phase.kind) {
    case "queued":
      return [{ kind: "plan" }];
    case "turning":
    case "ended":
      return [];
    case "retreating":
      return walks(run);
    case "running":
      return [...attempts(run), ...keeps(run)];
  }
}

interface Active {
  readonly node: PlanNode;
  readonly state: NodeRun;
  readonly index: number;
  readonly step: Step;
}

/** Nodes whose turn it is, each at its current step. */
export function activeNodes(run: Run): readonly Active[] {
  return (run.plan?.nodes ?? []).flatMap((node) => {
    const state = run.nodes[node.id];
    const step = state === undefined ? undefined : node.steps[state.step];
    return state !== undefined && step !== undefined && isOpen(run, node)
      ? [{ node, state, index: state.step, step }]
      : [];
  });
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

function turn(run: Run, cause: Cause): Fact {
  const asks = run.plan?.onFailure === "hold" && (cause.kind === "step failed" || cause.kind === "verdict");
  const [where] = activeNodes(run);
  if (asks && where !== undefined)
    return { kind: "on hold", node: where.node.id, step: where.index, because: cause.because };
  return { kind: "retreat", cause, paths: pathsBack(run) };
}

function holdExpired(run: Run, now: Ms): Fact | undefined {
  const { hold, plan } = run;
  if (
    hold === undefined ||
    plan === undefined ||
    plan.hold.onDeadline === "stay" ||
    now - hold.since < plan.hold.withinMs
  )
    return undefined;
  const because = `on hold for ${minutes(plan.hold.withinMs)} without an answer: ${hold.because}`;
  return { kind: "retreat", cause: { kind: "hold expired", because }, paths: pathsBack(run) };
}

function success(run: Run): Fact | undefined {
  const { plan } = run;
  if (plan === undefined || !plan.nodes.every((node) => isDone(run, node.id))) return undefined;
  const promoted = Object.entries(plan.services).map(([name, service]) => [name, service.candidate]);
  const because = unjudged(run);
  return {
    kind: "ended",
    outcome: "succeeded",
    ...(because === undefined ? {} : { because }),
    stands: { ...run.stands, ...Object.fromEntries(promoted) },
  };
}

/** For every service that was touched, its frames back to where it stood. */
export function pathsBack(run: Run): Readonly<Record<ServiceName, readonly Frame[]>> {
  const paths = Object.entries(run.plan?.services ?? {}).flatMap(([name, service]) => {
    const { held, asked } = framesOf(run, name, service);
    const touched = held.length > 1 || !sameFrame(asked, service.from);
    return touched ? [[name, wayBack(held, asked)] as const] : [];
  });
  return Object.fromEntries(paths);
}

/** The frames of a service that held, oldest first, and the one that is being asked for (the last held one between sets). */
export function framesOf(
  run: Run,
  name: ServiceName,
  service: PlannedService,
): { readonly held: readonly Frame[]; readonly asked: Frame } {
  const nodes = (run.plan?.nodes ?? []).filter((node) => node.service === name);
  const held = [service.from, ...nodes.flatMap((node) => doneFrames(run, node))];
  const current = activeNodes(run).find((active) => active.node.service === name && active.step.kind === "set");
  const last = held.at(-1) ?? service.from;
  return { held, asked: current?.step.kind === "set" ? current.step.frame : last };
}

function doneFrames(run: Run, node: PlanNode): readonly Frame[] {
  return node.steps
    .slice(0, run.nodes[node.id]?.step ?? 0)
    .flatMap((step) => (step.kind === "set" ? [step.frame] : []));
}

/** Later waves go back before earlier ones: a service is never older than what it depends on. */
function walks(run: Run): readonly Task[] {
  if (run.phase.kind !== "retreating") return [];
  const open = Object.entries(run.phase.walks).filter(([, walk]) => walk.index < walk.path.length);
  const deepest = Math.max(...open.map(([name]) => depth(run, name)));
  return open
    .filter(([name]) => depth(run, name) === deepest)
    .flatMap(([service, walk]) => {
      const frame = walk.path[walk.index];
      const origin = run.plan?.services[service]?.from;
      if (frame === undefined || origin === undefined) return [];
      const rely = Object.keys(frame.revisions).filter((revision) => origin.revisions[revision] !== undefined);
      return [{ kind: "walk", service, index: walk.index, frame, rely }];
    });
}

function depth(run: Run, id: NodeId): number {
  const node = run.plan?.nodes.find((candidate) => candidate.id === id);
  return node === undefined || node.after.length === 0
    ? 0
    : 1 + Math.max(...node.after.map((before) => depth(run, before)));
}

function retreatEnd(run: Run, now: Ms): Fact | undefined {
  if (run.phase.kind !== "retreating") return undefined;
  const { cause, walks: all } = run.phase;
  const open = Object.entries(all).filter(([, walk]) => walk.index < walk.path.length);
  if (open.length === 0)
    return { kind: "ended", outcome: outcomeOf(run, cause), because: cause.because, stands: run.stands ?? {} };
  const late = walks(run).find((task) => {
    const walk = task.kind === "walk" ? all[task.service] : undefined;
    return (
      walk !== undefined &&
      task.kind === "walk" &&
      now - walk.since >= (run.plan?.services[task.service]?.withinMs ?? 0)
    );
  });
  if (late?.kind !== "walk") return undefined;
  const sure = Object.entries(run.stands ?? {}).filter(([name]) => !open.some(([service]) => service === name));
  return {
    kind: "ended",
    outcome: "stuck",
    because: `${late.service} could not be taken back within ${minutes(run.plan?.services[late.service]?.withinMs ?? 0)} (${cause.because})`,
    stands: Object.fromEntries(sure),
  };
}

function outcomeOf(run: Run, cause: Cause): Outcome {
  if (cause.kind === "aborted") return "aborted";
  if (cause.kind === "superseded") return "superseded";
  const returned = Object.values(run.plan?.services ?? {}).some((service) => service.stable !== undefined);
  return returned ? "rolled back" : "failed";
}

function attempts(run: Run): readonly Task[] {
  return activeNodes(run).flatMap((active): readonly Task[] => {
    const failed = run.hold?.cause !== undefined && run.hold.node === active.node.id;
    const waits = run.paused !== undefined && active.step.kind !== "bake";
    const looks = active.step.kind !== "approve" && !(active.step.kind === "bake" && active.step.checks.length === 0);
    return looks && !failed && !waits ? [{ kind: "attempt", ...active }] : [];
  });
}

/** Services that stand in a frame and are not just being moved to another. */
function keeps(run: Run): readonly Task[] {
  const moving = new Set(
    attempts(run).map((task) => (task.kind === "attempt" && task.step.kind === "set" ? task.node.service : undefined)),
  );
  return Object.entries(run.plan?.services ?? {}).flatMap(([name, service]) => {
    const frame = framesOf(run, name, service).held.at(-1) ?? service.from;
    return moving.has(name) || sameFrame(frame, service.from) ? [] : [{ kind: "keep", service: name, frame }];
  });
}

function firstOf<T, R>(items: readonly T[], find: (item: T) => R | undefined): R | undefined {
  for (const item of items) {
    const found = find(item);
    if (found !== undefined) return found;
  }
  return undefined;
}

export function minutes(ms: Ms): string {
  if (ms < 1000) return `${ms} ms`;
  if (ms < 120_000) return `${Math.round(ms / 100) / 10} s`;
  if (ms < 7_200_000) return `${Math.round(ms / 6000) / 10} min`;
  return `${Math.round(ms / 360_000) / 10} h`;
}
