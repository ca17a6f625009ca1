// Keeps the judge's state of a rollout between ticks. It is only remembered: after a crash it is folded again from the
// stored intervals, of all bakes of the rollout in their order.
import type { Check, Finding } from "../domain/check.ts";
import { beginComparing, compare, comparisonFinding, nextBake } from "../domain/compared.ts";
import type { Interval } from "../domain/evidence.ts";
import { type Ms, shareOf } from "../domain/frame.ts";
import type { JudgeState } from "../domain/judge/state.ts";
import { framesOf, type Task } from "../domain/next.ts";
import type { PlanNode, PlannedService, Step } from "../domain/plan.ts";
import type { Run } from "../domain/run.ts";
import type { Surroundings } from "./advance.ts";

const historyMs: Ms = 300_000;
/** Evidence of before the rollout is kept under this step. */
const historyStep = -1;

export interface Compared {
  readonly task: Extract<Task, { readonly kind: "attempt" }>;
  readonly service: string;
  readonly run: Run;
  /** All of this bake so far. */
  readonly intervals: readonly Interval[];
  readonly isOver: boolean;
}

/** Nothing where there is nothing to compare with: a first deployment, or a stable side without traffic. */
export async function comparisonOf(
  compared: Compared,
  around: Surroundings,
): Promise<Omit<Finding, "check"> | undefined> {
  const { task, service, run, intervals, isOver } = compared;
  const planned = run.plan?.services[service];
  const check = comparisonIn(task.step);
  if (check === undefined || planned?.stable === undefined || task.node.service !== service) return undefined;
  const standing = framesOf(run, service, planned).held.at(-1);
  const share = standing === undefined ? 0 : shareOf(standing, planned.candidate).traffic;
  if (share === 0 || share === 100) return undefined;
  const key = `${task.node.id}/${task.index}/${service}`;
  const known = around.memory.judges.get(key);
  const before = known ?? { state: nextBake(await earlier(check, compared, planned, around), share), folded: 0 };
  const state = compare(before.state, intervals.slice(before.folded));
  around.memory.judges.set(key, { state, folded: intervals.length });
  return comparisonFinding(state, isOver);
}

function comparisonIn(step: Step): Extract<Check, { kind: "comparison" }> | undefined {
  const found = step.kind === "bake" ? step.checks.find((check) => check.kind === "comparison") : undefined;
  return found?.kind === "comparison" ? found : undefined;
}

/** The judge as the bakes before this one left it. */
async function earlier(
  check: Extract<Check, { kind: "comparison" }>,
  { task, service, run, intervals }: Compared,
  planned: PlannedService,
  around: Surroundings,
): Promise<JudgeState> {
  const [first] = intervals;
  const state = beginComparing({
    check,
    services: Object.values(run.plan?.services ?? {}).filter((other) => other.serves && other.stable !== undefined)
      .length,
    plannedMs: bakesOf(task.node).reduce((sum, [, step]) => sum + (step.kind === "bake" ? step.lastsMs : 0), 0),
    intervalMs: first === undefined ? 5000 : first.endMs - first.startMs,
    history: await historyOf({ task, service, run }, planned, around),
  });
  const evidence = await Promise.all(
    bakesOf(task.node)
      .filter(([index]) => index < task.index)
      .map(async ([index]) => ({
        share: shareAt(task.node, index, planned),
        intervals: await around.ports.evidence.get({ deployment: run.id, node: task.node.id, step: index, service }),
      })),
  );
  return evidence.reduce<JudgeState>((judged, bake) => compare(nextBake(judged, bake.share), bake.intervals), state);
}

function bakesOf({ steps }: PlanNode): readonly (readonly [number, Step])[] {
  return [...steps.entries()].filter(([, step]) => step.kind === "bake");
}

function shareAt({ steps }: PlanNode, index: number, { candidate }: PlannedService): number {
  const set = steps.slice(0, index).findLast((step) => step.kind === "set");
  return set?.kind === "set" ? shareOf(set.frame, candidate).traffic : 0;
}

/** Read once, when the first bake begins, and kept: a replay must see the same. */
async function historyOf(
  { task, service, run }: Pick<Compared, "task" | "service" | "run">,
  { stable, candidate }: PlannedService,
  { ports }: Surroundings,
): Promise<readonly Interval[]> {
  const at = { deployment: run.id, node: task.node.id, step: historyStep, service };
  const kept = await ports.evidence.get(at);
  if (kept.length > 0 || stable === undefined) return kept;
  const until = task.state.since;
  const read = await ports.metrics.read({
    environment: run.environment,
    service,
    stable,
    candidate,
    since: until - historyMs,
  });
  const history = read
    .filter((interval) => interval.endMs <= until)
    .map((interval) => ({ ...interval, candidate: {} }));
  if (history.length > 0) await ports.evidence.put(at, history);
  return history;
}
