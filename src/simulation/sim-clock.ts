// Virtual time: it moves only when somebody sleeps, so hours pass in milliseconds and every run is the same. Its hands may
// be set, as those of a real clock; what happens in the world goes on in steady time.
import type { Ms } from "../domain/frame.ts";
import type { Clock } from "../engine/ports.ts";

export class SimClock implements Clock {
  /** Time as it really passes; equal to the hands until they are set. */
  readonly steady: Clock;
  #steadyNow: Ms;
  /** How far the hands are from steady time, and since when. */
  #offsets: readonly { readonly since: Ms; readonly by: Ms }[];

  constructor(startAt: Ms = Date.UTC(2026, 0, 5, 9)) {
    this.#steadyNow = startAt;
    this.#offsets = [{ since: startAt, by: 0 }];
    this.steady = { now: () => this.#steadyNow, sleep: (ms) => this.sleep(ms) };
  }

  now(): Ms {
    return this.#steadyNow + (this.#offsets.at(-1)?.by ?? 0);
  }

  async sleep(ms: Ms): Promise<void> {
    this.#steadyNow += Math.max(1, ms);
  }

  /** Sets the hands, forward or back. */
  set(byMs: Ms): void {
    this.#offsets = [...this.#offsets, { since: this.#steadyNow, by: (this.#offsets.at(-1)?.by ?? 0) + byMs }];
  }

  /** When the hands last showed this moment; undefined when they jumped over it, or have not come to it. */
  whenShown(at: Ms): Ms | undefined {
    return this.#offsets
      .map(({ since, by }, i) => ({ steady: at - by, since, until: this.#offsets[i + 1]?.since ?? this.#steadyNow }))
      .findLast(({ steady, since, until }) => steady >= since && steady <= until)?.steady;
  }
}
