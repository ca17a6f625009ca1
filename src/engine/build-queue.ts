// The queue of builds, as whoever asks for them and whoever hands them to runners needs it.
import type { Build, BuildOrder, BuildState, Repository } from "../domain/build.ts";
import type { Ms } from "../domain/frame.ts";

/** A build as a runner holds it: one that went to another runner is another attempt. */
export interface HeldBuild {
  readonly id: string;
  readonly runner: string;
  readonly attempt: number;
}

export interface BuildQueue {
  putRepository(repository: Repository): Promise<void>;
  repositories(): Promise<readonly Repository[]>;
  /** The same delivery is one build, however often it is told. */
  request(order: BuildOrder, delivery?: string): Promise<Build>;
  /** The commit with which the same was last built well on the order's ref. */
  lastGood(order: BuildOrder): Promise<string | undefined>;
  list(rowsMax: number): Promise<readonly Build[]>;
  get(id: string): Promise<Build | undefined>;
  /** A queued one ends at once, as one does whose runner was lost; a running one when its runner hears of it. */
  cancel(id: string, by: string): Promise<Build | undefined>;
  /** The oldest that wants no more labels than these, or one whose runner was lost. */
  claim(runner: string, labels: readonly string[], leaseMs: Ms): Promise<Build | undefined>;
  /** Undefined when it is no longer this runner's. */
  beat(held: HeldBuild, leaseMs: Ms): Promise<{ readonly isCancelled: boolean } | undefined>;
  end(held: HeldBuild, state: Exclude<BuildState, "queued" | "running">, because?: string): Promise<boolean>;
  /** How many bytes have arrived, with these or without them when they leave a hole; undefined when it is no longer this runner's. */
  log(held: HeldBuild, at: number, bytes: Uint8Array): Promise<number | undefined>;
  readLog(id: string, from: number): Promise<Uint8Array>;
}
