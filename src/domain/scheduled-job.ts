// Jobs that an environment runs at their times, and by hand: what people see of them.
import type { Ms } from "./frame.ts";

/** At most one run at a time, or as many as come. */
export type Overlap = "skip" | "allow";

export interface SeenScheduledJob {
  readonly environment: string;
  readonly name: string;
  readonly service: string;
  /** Release version that it runs from. */
  readonly version: string;
  /** Left out: it runs by hand only. */
  readonly cron?: string;
  readonly zone: string;
  readonly overlap: Overlap;
  readonly nextAt?: Ms;
  /** Newest first. */
  readonly runs: readonly SeenJobRun[];
}

export interface SeenJobRun {
  /** Names the run: "production/cleanup@2026-11-21T03:00:00.000Z" */
  readonly key: string;
  /** The moment it was due, or was asked for. */
  readonly at: Ms;
  readonly by: "schedule" | "hand";
  readonly version: string;
  /** `skipped`: it did not run at all, `because` says why. */
  readonly state: "running" | "succeeded" | "failed" | "skipped";
  readonly because?: string;
  readonly startedAt?: Ms;
  readonly endedAt?: Ms;
  readonly exitCode?: number;
}
