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
  /** A request to a URL, made by the control plane. More failures in a row than `failuresMax` (1 unless said) fail the check. */
  | {
      readonly kind: "probe";
      readonly name: string;
      readonly method: string;
      readonly url: string;
      readonly status: number;
      readonly bodyIncludes?: string;
      readonly withinMs: Ms;
      readonly failuresMax?: number;
    }
  /**
   * A number of a metric source against a limit: it fails the check when it stood beyond it for `forMs` without a break.
   * `comparator` is what is bad: ">" fails above the limit.
   */
  | {
      readonly kind: "metric";
      readonly name: string;
      /** "host", or a metric source of the configuration. */
      readonly source: string;
      /** One of `HostQuery` for the host; else what the source understands. */
      readonly query: string;
      readonly comparator: Comparator;
      readonly limit: number;
      readonly forMs: Ms;
      /** Where the source has no such number the check says so and does not hold: what every bake asks by itself. */
      readonly isOptional?: boolean;
    };

export type Comparator = ">" | ">=" | "<" | "<=";

/**
 * What the host knows of a revision's replicas. cpu: percent of one core, of the busiest; memory: MiB, of the largest;
 * memoryShare: percent of what a replica may use, of the fullest; restarts: of all of them, since each was first started.
 */
export const hostQueries = ["cpu", "memory", "memoryShare", "restarts"] as const;
export type HostQuery = (typeof hostQueries)[number];

/** `pass`: shown healthy, or no harm seen with the minimum sample. Only `fail` rolls back. */
type Verdict = "pass" | "fail" | "inconclusive" | "errored";

/** Where a bake stands. `hold`: suspicion, it does not advance until that is gone; `watching`: nothing is shown yet. */
export type Stance = Verdict | "hold" | "watching";

/** One line of evidence for people: what was measured, against what, and what that says. */
export interface Finding {
  readonly check: string;
  readonly verdict: Stance;
  /** A plain sentence with its numbers. */
  readonly because: string;
  /** It passes because there was nothing to hold it against, which the sentence says. */
  readonly isUnjudged?: boolean;
}

export interface Judgement {
  readonly verdict: Stance;
  readonly because: string;
  readonly findings: readonly Finding[];
}
