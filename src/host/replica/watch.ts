// The three probes of one run in their order: startup first, alone; then readiness, which decides about traffic, and
// liveness, which decides about life. Without a startup probe, liveness waits until the replica was ready.
import type { ReplicaSpec } from "../api.ts";
import type { ProbeAnswer, ProbeTarget } from "./probes.ts";
import { Probing } from "./probing.ts";

export interface WatchOptions {
  readonly spec: Pick<ReplicaSpec, "readiness" | "startup" | "liveness">;
  readonly target: ProbeTarget;
  readonly onVerdict: (isReady: boolean, because: string | undefined) => void;
  /** Every answer but liveness's, for those who want to look. */
  readonly onAnswer: (answer: ProbeAnswer) => void;
  /** It is to be restarted. */
  readonly onDead: (because: string) => void;
}

const silently = () => {};

export class Watch {
  readonly #options: WatchOptions;
  #asking: Probing | undefined;
  #liveness: Probing | undefined;

  constructor(options: WatchOptions, { isStarting }: { isStarting: boolean }) {
    this.#options = options;
    if (isStarting && options.spec.startup !== undefined) this.#awaitStart(options.spec.startup);
    else this.#begin({ isStarting, isAlive: !isStarting });
  }

  stop(): void {
    this.#asking?.stop();
    this.#liveness?.stop();
  }

  #awaitStart(startup: NonNullable<ReplicaSpec["startup"]>): void {
    const { target, onAnswer } = this.#options;
    const onVerdict = (hasStarted: boolean) => {
      if (!hasStarted) return;
      this.#asking?.stop();
      this.#begin({ isStarting: true, isAlive: true });
    };
    this.#asking = new Probing(
      { probe: startup, target, onVerdict, onAnswer, onSilence: silently },
      { isStarting: true },
    );
  }

  #begin({ isStarting, isAlive }: { isStarting: boolean; isAlive: boolean }): void {
    const { spec, target, onVerdict, onAnswer, onDead } = this.#options;
    if (isAlive) this.#watchLife();
    this.#asking = new Probing(
      {
        probe: spec.readiness,
        target,
        onAnswer,
        onVerdict: (isReady, because) => {
          if (isReady) this.#watchLife();
          onVerdict(isReady, because);
        },
        // Where nobody says what a dead replica is, one that answers nothing at all, again and again, is one.
        onSilence: (because) => spec.liveness === undefined && onDead(`hung (${because}, again and again)`),
      },
      { isStarting },
    );
  }

  #watchLife(): void {
    const { spec, target, onDead } = this.#options;
    const { liveness } = spec;
    if (liveness === undefined || this.#liveness !== undefined) return;
    const onVerdict = (isAlive: boolean, because: string | undefined) => {
      if (!isAlive) onDead(`not alive (${because}, ${liveness.unhealthyThreshold} times in a row)`);
    };
    this.#liveness = new Probing(
      { probe: liveness, target, onVerdict, onAnswer: silently, onSilence: silently },
      { isStarting: false },
    );
  }
}
