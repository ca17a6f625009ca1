// What the evidence means for the rollout. Only `fail` rolls back; a check that was cut short is never a pass.
import type { Stance } from "../check.ts";
import type { JudgeState } from "./state.ts";

/** `pass` is either health shown, or no harm seen at the end of a bake with enough requests compared: see `isHealthShown`. */
export function verdict(state: JudgeState, bake: { isOver: boolean } = { isOver: false }): Stance {
  const { parameters: p } = state;
  if (state.failedAtMs !== null) return "fail";
  if (isBlind(state) || (bake.isOver && isPatchy(state))) return "errored";
  if (isSuspect(state)) return bake.isOver ? "inconclusive" : "hold";
  if (silentSide(state) !== null) return bake.isOver ? "inconclusive" : "watching";
  if (isHealthShown(state)) return "pass";
  if (!bake.isOver) return "watching";
  const isEnough = state.step.compared.candidate >= p.minimumRequests;
  return isEnough && !p.requireProof ? "pass" : "inconclusive";
}

/** E ≥ hold: a good release gets here with chance at most 1/hold. */
export function isSuspect({ logE, parameters }: JudgeState): boolean {
  return logE >= Math.log(parameters.hold);
}

/** ln of the evidence that decides on a rollback: what is left under the firm allowance too. */
export function firmLogE({ logE, firm }: Pick<JudgeState, "logE" | "firm">): number {
  return firm === null ? logE : Math.min(logE, firm.logE);
}

/** Shown to be within the margin on errors, latency and tail, and no suspicion. */
export function isHealthShown(state: JudgeState): boolean {
  const { parameters: p, sinceMs, untilMs } = state;
  const isOldEnough = sinceMs !== null && untilMs !== null && untilMs - sinceMs >= p.health.afterMs;
  const isUnsuspected = state.logE < Math.log(p.hold) / 2;
  return isOldEnough && !state.warmUp.isOn && isUnsuspected && state.logHealth >= -Math.log(p.beta);
}

/** No usable interval for 30 s or three intervals, whichever is longer. */
export function isBlind({ blackout, parameters }: JudgeState): boolean {
  return blackout !== null && blackout.untilMs - blackout.sinceMs >= Math.max(30_000, 3 * parameters.intervalMs);
}

/** More than a fifth of the step's intervals could not be used. */
export function isPatchy({ step }: JudgeState): boolean {
  return step.dropped > 0.2 * (step.dropped + step.usable);
}

/** A side that had traffic in this step and has none any more, where at least 30 requests were to be expected. */
export function silentSide({ step }: JudgeState): "stable" | "candidate" | null {
  const { requests, silence } = step;
  if (silence.candidate * requests.candidate >= 30 * requests.stable && silence.candidate > 0) return "candidate";
  if (silence.stable * requests.stable >= 30 * requests.candidate && silence.stable > 0) return "stable";
  return null;
}
