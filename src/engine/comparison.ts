// Keeps the judge's state of a rollout between ticks. It is only remembered: after a crash it is folded again from the
// stored observations, of all bakes of the rollout in their order.
import { type ComparedBake, compare, comparedBakes, comparisonFinding, recordingOf } from "../domain/compared.ts";
import { type Interval, isInterval, type Observation } from "../domain/evidence.ts";
import type { Ms } from "../domain/frame.ts";
import { type Recording, replay } from "../domain/judge/replay.ts";
import type { JudgeState } from "../domain/judge/state.ts";
import type { Watched } from "../domain/limits.ts";
import type { Task } from "../domain/next.ts";
import type { PlanNode, PlannedService } from "../domain/plan.ts";
import type { Run } from "../domain/run.ts";
import type { Surroundings } from "./advance.ts";
import type { EvidenceKey, EvidenceStore } from "./ports.ts";
import { answerOf } from "./reading.ts";

const historyMs: Ms = 300_000;
/** Evidence of before the rollout is kept under this step. */
const historyStep = -1;

export interface Compared {
  readonly task: Extract<Task, { readonly kind: "attempt" }>;
  readonly service: string;
  readonly run: Run;
  /** What this look brought; all of this bake is in the store. */
  readonly fresh: readonly Observation[];
  /** How many there are of this bake by now. */
  readonly count: number;
  readonly isOver: boolean;
}

export async function comparisonOf(compared: Compared, around: Surroundings): Promise<Watched["comparison"]> {
  const { task, service, run, fresh, count, isOver } = compared;
  const planned = run.plan?.services[service];
  const notComparedFor = whyNotCompared(run, { node: task.node, step: task.index, service });
  if (planned === undefined || notComparedFor !== undefined)
    return { notComparedFor: notComparedFor ?? "it does not move" };
  const bakes = comparedBakes(task.node, planned);
  if (count === 0) return nothingCounted(isOver);
  const key = `${task.node.id}/${task.index}/${service}`;
  const known = around.memory.judges.get(key);
  if (known?.folded === count && known.isOver === isOver) return known.finding;
  const isNext = known !== undefined && known.folded + fresh.length === count;
  const state = isNext ? compare(known.state, fresh) : await judgedSoFar(bakes, compared, planned, around);
  const finding = comparisonFinding(state, isOver);
  around.memory.judges.set(key, { state, folded: count, isOver, finding });
  return finding;
}

function nothingCounted(isOver: boolean): Watched["comparison"] {
  return { verdict: isOver ? "inconclusive" : "watching", because: "nothing was counted in this bake yet" };
}

interface BakeOf {
  readonly node: PlanNode;
  readonly step: number;
  readonly service: string;
}

/** Undefined where a bake compares the two versions of a service. */
export function whyNotCompared(run: Run, { node, step, service }: BakeOf): string | undefined {
  const planned = run.plan?.services[service];
  if (planned !== undefined && comparedBakes(node, planned).some(({ index }) => index === step)) return undefined;
  if (planned?.serves === false) return "it serves no requests";
  if (planned?.stable === undefined) return "a first deployment: there is no version to compare with";
  return node.service === service
    ? "not both versions have a share of the traffic in this bake"
    : "the new version has all traffic: none is left to compare with";
}

/** From the stored observations of the bakes before this one, and of this one. */
async function judgedSoFar(
  bakes: readonly ComparedBake[],
  { task, service, run }: Compared,
  planned: PlannedService,
  around: Surroundings,
): Promise<JudgeState> {
  const place = { run, node: task.node, service };
  const history = await historyOf(place, { planned, since: task.state.since }, around);
  const read = bakes.filter(({ index }) => index <= task.index);
  const recording = await gathered(place, { bakes, read, history }, around.ports.evidence);
  if (recording === undefined) throw new Error(`${service} is compared in no bake`);
  return replay(recording).state;
}

export interface Place {
  readonly run: Run;
  readonly node: PlanNode;
  readonly service: string;
}

/** Until when: the bakes before this one, and so much of it. */
export interface Until {
  readonly step: number;
  readonly observed: readonly Observation[];
}

/** All that the judge was told of a service's rollout so far, or until then; undefined where nothing is compared. */
export async function recordingAt(
  place: Place,
  evidence: EvidenceStore,
  until?: Until,
): Promise<Recording | undefined> {
  const planned = place.run.plan?.services[place.service];
  const bakes = planned === undefined ? [] : comparedBakes(place.node, planned);
  const history = (await evidence.get(keyOf(place, historyStep))).filter(isInterval);
  const read = bakes.filter(({ index }) => until === undefined || index < until.step);
  return gathered(place, { bakes, read, history, ...(until === undefined ? {} : { until }) }, evidence);
}

interface Gathering {
  readonly bakes: readonly ComparedBake[];
  /** Those whose observations are to be had from the store. */
  readonly read: readonly ComparedBake[];
  readonly until?: Until;
  readonly history: readonly Interval[];
}

async function gathered(
  place: Place,
  { bakes, read, until, history }: Gathering,
  evidence: EvidenceStore,
): Promise<Recording | undefined> {
  const observed = await Promise.all(
    read.map(async ({ index }) => [index, await evidence.get(keyOf(place, index))] as const),
  );
  return recordingOf({
    run: place.run,
    bakes,
    history,
    observed: new Map(until === undefined ? observed : [...observed, [until.step, until.observed] as const]),
  });
}

function keyOf({ run, node, service }: Place, step: number): EvidenceKey {
  return { deployment: run.id, node: node.id, step, service };
}

/** Read once, when the first bake begins, and kept: a replay must see the same. */
async function historyOf(
  place: Place,
  { planned, since }: { planned: PlannedService; since: Ms },
  { ports }: Surroundings,
): Promise<readonly Interval[]> {
  const at = keyOf(place, historyStep);
  const kept = (await ports.evidence.get(at)).filter(isInterval);
  const { stable, candidate } = planned;
  if (kept.length > 0 || stable === undefined) return kept;
  const { environment } = place.run;
  const asked = { environment, service: place.service, stable, candidate, since: since - historyMs };
  const { observations } = await answerOf(() => ports.metrics.read(asked));
  const history = observations
    .filter(isInterval)
    .filter(({ endMs }) => endMs <= since)
    .map((interval) => ({ ...interval, candidate: {} }));
  if (history.length > 0) await ports.evidence.put(at, history);
  return history;
}
