// What a person is shown of the evidence: its course with the two lines it is held against, the sentence, and both sides
// route by route. One value, made by replaying the judge; the terminal, the page and `why` only draw it.
import type { Stance } from "../check.ts";
import { isGap, type Observation } from "../evidence.ts";
import type { Ms } from "../frame.ts";
import type { Comparison } from "./comparison.ts";
import { explain } from "./explain.ts";
import { logSumExp } from "./mixture.ts";
import { begin, nextStep, observe } from "./observe.ts";
import { type Part, partsOf, type Stream } from "./parts.ts";
import type { Recording } from "./replay.ts";
import type { JudgeState } from "./state.ts";
import { firmLogE } from "./verdict.ts";

export interface EvidencePoint {
  readonly endMs: Ms;
  /** ln E, and ln of what each stream contributes to it. */
  readonly logE: number;
  readonly streams: Readonly<Record<Stream, number>>;
  /** ln of the firm evidence, which a rollback needs as well; left out where it is the same. */
  readonly logFirm?: number;
  /** ln of the evidence of health in this step. */
  readonly logHealth: number;
  readonly isWarmUp: boolean;
  /** Why there was nothing to judge here. */
  readonly missing?: string;
}

export interface EvidenceView {
  readonly judgement: Stance;
  readonly sentence: string;
  readonly odds: string;
  readonly logE: number;
  /** ln E at which the rollout holds, and at which it is rolled back. */
  readonly logHold: number;
  readonly logRollback: number;
  readonly points: readonly EvidencePoint[];
  /** Shares of the traffic, each from a moment on. */
  readonly steps: readonly { readonly fromMs: Ms; readonly share: number | null }[];
  readonly heldAtMs: Ms | null;
  readonly failedAtMs: Ms | null;
  /** ln E by stream and route: the table behind the sentence. */
  readonly parts: readonly Part[];
  /** The whole service first, then each route. */
  readonly comparisons: readonly Comparison[];
  readonly log2Edges: readonly number[];
  /** How many times slower is still alike, and the measured spread between stable's replicas that it comes from. */
  readonly tolerance: number;
  readonly podLogSd: number;
}

/** More are not seen on any screen. */
const pointsMax = 300;

export function evidenceView(recording: Recording, { isOver }: { isOver: boolean }): EvidenceView {
  const { points, state, heldAtMs } = course(recording);
  const { judgement, sentence, odds, logE, parts, comparisons } = explain(state, { isOver });
  const { parameters: p } = state;
  return {
    judgement,
    sentence,
    odds,
    logE,
    logHold: Math.log(p.hold),
    logRollback: -Math.log(p.alpha),
    points: thinned(points),
    steps: (recording.steps ?? []).map(({ fromMs, share }) => ({ fromMs, share: share ?? null })),
    heldAtMs,
    failedAtMs: state.failedAtMs,
    parts,
    comparisons,
    log2Edges: state.buckets.log2Edges,
    tolerance: state.tolerance,
    podLogSd: recording.beginning.history.podLogSd,
  };
}

function course({ beginning, intervals, steps = [] }: Recording) {
  let state = begin(beginning);
  let heldAtMs: Ms | null = null;
  const left = [...steps].sort((a, b) => a.fromMs - b.fromMs);
  const points = intervals.map((interval): EvidencePoint => {
    while (left[0] !== undefined && left[0].fromMs <= interval.startMs) state = nextStep(state, left.shift() ?? {});
    const before = state;
    state = observe(state, interval);
    if (state.logE >= Math.log(state.parameters.hold)) heldAtMs ??= interval.endMs;
    return pointOf(state, interval, state.step.dropped > before.step.dropped);
  });
  return { points, state, heldAtMs };
}

function pointOf(state: JudgeState, interval: Observation, isDropped: boolean): EvidencePoint {
  const parts = partsOf(state.books, state.strata, state.parameters);
  const missing = isGap(interval) ? interval.missing : isDropped ? state.step.droppedBecause : null;
  const firm = firmLogE(state);
  return {
    endMs: interval.endMs,
    logE: state.logE,
    streams: {
      err: sumOf(parts, "err"),
      rank: sumOf(parts, "rank"),
      tail: sumOf(parts, "tail"),
      warm: sumOf(parts, "warm"),
      crash: sumOf(parts, "crash"),
    },
    ...(firm === state.logE ? {} : { logFirm: firm }),
    logHealth: state.logHealth,
    isWarmUp: state.warmUp.isOn,
    ...(missing === null ? {} : { missing }),
  };
}

function sumOf(parts: readonly Part[], stream: Stream): number {
  return logSumExp(parts.filter((part) => part.stream === stream).map(({ weight, logE }) => Math.log(weight) + logE));
}

/** Of neighbours the highest stays, and always the last: no peak is lost. */
function thinned(points: readonly EvidencePoint[]): readonly EvidencePoint[] {
  const group = Math.ceil(points.length / pointsMax);
  if (group <= 1) return points;
  const last = points.at(-1);
  const kept = Array.from({ length: Math.ceil(points.length / group) }, (_, i) =>
    points.slice(i * group, (i + 1) * group).reduce((a, b) => (b.logE > a.logE ? b : a)),
  );
  return last === undefined || kept.at(-1) === last ? kept : [...kept, last];
}
