// Virtual time: it moves only when somebody sleeps, so hours pass in milliseconds and every run is the same.
import type { Ms } from "../domain/frame.ts";
import type { Clock } from "../engine/ports.ts";

export class SimClock implements Clock {
  #now: Ms;

  constructor(startAt: Ms = Date.UTC(2026, 0, 5, 9)) {
    this.#now = startAt;
  }

  now(): Ms {
    return this.#now;
  }

  async sleep(ms: Ms): Promise<void> {
    this.#now += Math.max(1, ms);
  }
}
