// Asks one probe of a replica again and again, and says so after enough answers in a row.
import type { Ms } from "../../domain/frame.ts";
import type { Probe } from "../api.ts";
import { Timers } from "../timers.ts";
import { ask, type ProbeAnswer, type ProbeTarget } from "./probes.ts";

export interface ProbingOptions {
  readonly probe: Probe;
  readonly target: ProbeTarget;
  /** Well or not, after as many answers in a row as the thresholds ask; and every answer, for those who want to look. */
  readonly onVerdict: (isWell: boolean, because: string | undefined) => void;
  readonly onAnswer: (answer: ProbeAnswer) => void;
  /** One that was well answers nothing at all any more. To say "not now" is an answer: only silence costs it its life. */
  readonly onSilence: (because: string) => void;
}

/** So many times more silence than makes it unready. */
const silencesPerUnready = 5;

/** Until it is well for the first time we ask more often, so that a quick start is not paid with a whole interval. */
const startingIntervalMs = 100;

export class Probing {
  readonly #options: ProbingOptions;
  readonly #timers = new Timers();
  #isStarting: boolean;
  #successes = 0;
  #failures = 0;
  #silences = 0;
  #isOver = false;

  constructor(options: ProbingOptions, { isStarting }: { isStarting: boolean }) {
    this.#options = options;
    this.#isStarting = isStarting;
    this.#askIn(isStarting ? 20 : options.probe.intervalMs * Math.random()); // adopted ones do not all answer at once
  }

  stop(): void {
    this.#isOver = true;
    this.#timers.clear();
  }

  #askIn(ms: Ms): void {
    this.#timers.after("ask", ms, async () => {
      const { probe, target } = this.#options;
      const answer = await ask(probe, target);
      if (this.#isOver) return;
      this.#count(answer);
      if (!this.#isOver)
        this.#askIn(this.#isStarting ? Math.min(startingIntervalMs, probe.intervalMs) : probe.intervalMs);
    });
  }

  #count(answer: ProbeAnswer): void {
    const { probe, onVerdict, onAnswer, onSilence } = this.#options;
    this.#successes = answer.ok ? this.#successes + 1 : 0;
    this.#failures = answer.ok ? 0 : this.#failures + 1;
    this.#silences = answer.ok || !answer.isSilent ? 0 : this.#silences + 1;
    onAnswer(answer);
    if (this.#isOver) return;
    if (this.#successes >= probe.healthyThreshold) {
      this.#isStarting = false;
      onVerdict(true, undefined);
    } else if (!answer.ok && this.#failures >= probe.unhealthyThreshold) onVerdict(false, answer.because);
    if (!answer.ok && !this.#isStarting && this.#silences >= probe.unhealthyThreshold * silencesPerUnready)
      onSilence(answer.because);
  }
}
