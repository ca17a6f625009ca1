// When a replica that keeps ending is started again, and from when on it counts as broken.
import type { Ms } from "../../domain/frame.ts";

/** Exits in a row that came soon after the start. */
export type QuickExits = number;

const quickExitsUntilBroken = 3;
const pauseMinMs = 100;
const pauseMaxMs = 30_000;

export function countExit(before: QuickExits, life: { livedMs: Ms; startWithinMs: Ms }): QuickExits {
  return life.livedMs < settledAfterMs(life.startWithinMs) ? before + 1 : 1;
}

/** A replica that lived this long is forgiven its past. */
export function settledAfterMs(startWithinMs: Ms): Ms {
  return Math.max(startWithinMs, 10_000);
}

export function isCrashLoop(exits: QuickExits): boolean {
  return exits >= quickExitsUntilBroken;
}

/** 0.1 s, 0.2 s, 0.4 s … 30 s. */
export function pauseBeforeRestartMs(exits: QuickExits): Ms {
  return Math.min(pauseMaxMs, pauseMinMs * 2 ** Math.max(0, exits - 1));
}
