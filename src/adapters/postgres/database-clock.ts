// Moments in the journal are the database's, so an engine lives by its clock: asked now and then, and steady between, so
// that nobody who sets this machine's clock makes a step too old or a bake too short.
import type { Ms } from "../../domain/frame.ts";
import { Temporary } from "../../domain/problem.ts";
import type { Clock } from "../../engine/ports.ts";

export interface AskedClock {
  /** Milliseconds by the database's clock. */
  now(): Promise<Ms>;
  /** Called when it shows an earlier time than it has shown. */
  onPutBack(): Promise<void>;
  readonly everyMs?: Ms;
}

/** How far two clocks may be apart by the time that a question takes. */
const toleranceMs: Ms = 2_000;

export async function databaseClock(
  { now: ask, onPutBack, everyMs = 10_000 }: AskedClock,
  steady: () => Ms = () => performance.now(),
): Promise<Clock & { stop(): void }> {
  let offset = await offsetNow(ask, steady);
  const again = setInterval(() => void adjust().catch(ignoreTemporary), everyMs);
  again.unref();

  async function adjust(): Promise<void> {
    const found = await offsetNow(ask, steady);
    const isPutBack = found < offset - toleranceMs;
    offset = found;
    if (isPutBack) await onPutBack();
  }

  return {
    now: () => Math.round(steady() + offset),
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    stop: () => clearInterval(again),
  };
}

async function offsetNow(ask: () => Promise<Ms>, steady: () => Ms): Promise<Ms> {
  const before = steady();
  const there = await ask();
  return there - (before + steady()) / 2;
}

/** A database that is away for a moment is asked again soon. */
function ignoreTemporary(error: unknown): void {
  if (!(error instanceof Temporary)) throw error;
}
