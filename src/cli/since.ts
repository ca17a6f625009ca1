// A moment as people name it: so long ago, or a date.
import { duration } from "../domain/config/units.ts";
import { Problem } from "../domain/problem.ts";

/** "10m", "1h30m", "2026-11-21T09:00:00Z" → milliseconds since 1970. */
export function sinceMs(when: string, nowMs: number): number {
  const ago = duration.read(when);
  const at = ago === undefined ? Date.parse(when) : nowMs - ago;
  if (!Number.isNaN(at)) return Math.max(0, at);
  throw new Problem(`"${when}" is no moment`, 'Write how long ago ("10m", "2h") or a date ("2026-11-21T09:00:00Z")');
}
