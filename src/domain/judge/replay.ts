// The judge run again over stored intervals: for `why` (bit-identical), and with other parameters ("would it have caught this sooner?").
import type { Observation } from "../evidence.ts";
import type { Ms } from "../frame.ts";
import { type Beginning, begin, nextStep, observe } from "./observe.ts";
import type { JudgeState } from "./state.ts";
import { isSuspect, verdict } from "./verdict.ts";

/** What the evidence table holds of one rollout. */
export interface Recording {
  readonly beginning: Beginning;
  readonly intervals: readonly Observation[];
  /** Steps after the first, at the first interval that belongs to each. */
  readonly steps?: readonly { readonly fromMs: Ms; readonly share?: number; readonly newReplicas?: boolean }[];
}

export interface Replay {
  readonly state: JudgeState;
  /** ln E after each interval. */
  readonly course: readonly { readonly endMs: Ms; readonly logE: number; readonly isWarmUp: boolean }[];
  readonly heldAtMs: Ms | null;
  readonly failedAtMs: Ms | null;
  readonly passedAtMs: Ms | null;
}

export function replay({ beginning, intervals, steps = [] }: Recording): Replay {
  let state = begin(beginning);
  const left = [...steps].sort((a, b) => a.fromMs - b.fromMs);
  const course: { endMs: Ms; logE: number; isWarmUp: boolean }[] = [];
  let heldAtMs: Ms | null = null;
  let passedAtMs: Ms | null = null;
  for (const interval of intervals) {
    while (left[0] !== undefined && left[0].fromMs <= interval.startMs) state = nextStep(state, left.shift() ?? {});
    state = observe(state, interval);
    course.push({ endMs: interval.endMs, logE: state.logE, isWarmUp: state.warmUp.isOn });
    if (isSuspect(state)) heldAtMs ??= interval.endMs;
    if (verdict(state) === "pass") passedAtMs ??= interval.endMs;
  }
  return { state, course, heldAtMs, failedAtMs: state.failedAtMs, passedAtMs };
}
