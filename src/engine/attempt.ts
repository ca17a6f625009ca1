// What an attempt at a task answers, and how often what only waits is attempted.
import type { Fact } from "../domain/event.ts";
import type { Ms } from "../domain/frame.ts";
import type { Surroundings } from "./advance.ts";

export interface Attempt {
  readonly fact?: Fact;
  readonly dueInMs: Ms;
  readonly waiting?: string;
}

const keepEveryMs: Ms = 1000;

/** What only waits is looked at so often: for drift, crash loops, and what people say. */
export function tickOf({ tickMs = keepEveryMs }: Surroundings): Ms {
  return tickMs;
}
