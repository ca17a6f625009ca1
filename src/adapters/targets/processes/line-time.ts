// When a line was printed, by its own word: an ISO moment at its beginning, or the time field of a JSON line (pino, bunyan,
// winston, Sluice's own). A line that says none belongs to the one before it, as the lines of a stack trace do.
import type { Ms } from "../../../domain/frame.ts";

const isoAtStart = /^\[?(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?)/;
const timeField = /"(?:time|timestamp|ts|at|@timestamp)"\s*:\s*(?:"([^"]+)"|(\d+(?:\.\d+)?))/;
/** Seconds since 1970 are smaller than this for the next thousand years, milliseconds are larger since 1971. */
const secondsMax = 32_503_680_000;

export function timeOf(line: string): Ms | undefined {
  const iso = isoAtStart.exec(line)?.[1]?.replace(",", ".");
  const [, text, number] = line.startsWith("{") ? (timeField.exec(line) ?? []) : [];
  if (number !== undefined) return Number(number) < secondsMax ? Number(number) * 1_000 : Number(number);
  const at = Date.parse(iso ?? text ?? "");
  return Number.isNaN(at) ? undefined : at;
}

/** Lines since a moment, oldest first; `beganAt` is the time of those before the first that says one. */
export function linesSince(
  lines: readonly string[],
  { since, beganAt }: { since: Ms; beganAt: Ms },
): readonly string[] {
  let at = beganAt;
  return lines.filter((line) => {
    at = timeOf(line) ?? at;
    return at >= since;
  });
}
