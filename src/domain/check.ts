// What a bake holds a candidate against. Absolute limits, probes, and the comparison with stable.
import type { Ms } from "./frame.ts";

export type Check =
  /** Share of the candidate's requests that fail: an absolute limit (0.05 = 5 %). */
  | { readonly kind: "errors"; readonly rateMax: number; readonly minimumRequests: number }
  /** A quantile (0 to 1) of the candidate's latency of successes: an absolute limit. */
  | { readonly kind: "latency"; readonly quantile: number; readonly limitMs: Ms; readonly minimumRequests: number }
  /**
   * The candidate against stable in the same intervals, by the judge (docs/judge.md). `alpha`: chance (0 to 1) that a
   * release no worse than stable is ever rolled back, over the whole deployment.
   */
  | {
      readonly kind: "comparison";
      readonly alpha: number;
      readonly minimumRequests: number;
      readonly requireProof: boolean;
    }
  /** A request to a URL, made by the control plane. Two failures in a row fail the check. */
  | {
      readonly kind: "probe";
      readonly name: string;
      readonly method: string;
      readonly url: string;
      readonly status: number;
      readonly bodyIncludes?: string;
      readonly withinMs: Ms;
    };

/** `pass`: shown healthy, or no harm seen with the minimum sample. Only `fail` rolls back. */
export type Verdict = "pass" | "fail" | "inconclusive" | "errored";

/** One line of evidence for people: what was measured, against what, and what that says. */
export interface Finding {
  readonly check: string;
  readonly verdict: Verdict | "watching";
  /** A plain sentence with its numbers. */
  readonly because: string;
}

export interface Judgement {
  readonly verdict: Verdict | "watching";
  readonly because: string;
  readonly findings: readonly Finding[];
}
