// What a bake holds a candidate against. Absolute limits and probes here; comparison with stable is the judge's.
import type { Ms } from "./frame.ts";

export type Check =
  /** Share of the candidate's requests that fail, absolute (0.05 = 5 %), and relative to stable's where it has any. */
  | {
      readonly kind: "errors";
      readonly rateMax: number;
      readonly timesStableMax?: number;
      readonly minimumRequests: number;
    }
  /** A quantile of the candidate's latency of successes, absolute, and relative to stable's. */
  | {
      readonly kind: "latency";
      readonly quantile: number;
      readonly limitMs: Ms;
      readonly timesStableMax?: number;
      readonly minimumRequests: number;
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
