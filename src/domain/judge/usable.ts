// Which intervals may be judged. One that may not is dropped whole, with the reason in plain words; it is never filled in.
import type { Buckets, Counts, Interval, Stratum } from "../evidence.ts";
import { service, total } from "./counts.ts";
import type { JudgeState, StepSoFar } from "./state.ts";
import { percent } from "./wording.ts";

/** What must be known to tell: where time has come to, and how the requests were to be shared. */
type Known = Pick<JudgeState, "untilMs" | "buckets"> & { readonly step: Pick<StepSoFar, "share" | "requests"> };

/** Why this interval cannot be judged; null if it can. */
export function whyUnusable(state: Known, interval: Interval): string | null {
  return (
    wrongTime(state, interval) ??
    wrongCounts("stable", interval.stable, interval.buckets ?? state.buckets) ??
    wrongCounts("candidate", interval.candidate, interval.buckets ?? state.buckets) ??
    wrongSides(state, interval)
  );
}

function wrongTime({ untilMs }: Known, { startMs, endMs }: Interval): string | null {
  if (!Number.isFinite(startMs) || !Number.isFinite(endMs)) return "the interval has no time";
  if (endMs <= startMs) return "the interval ends before it starts: clocks disagree";
  if (untilMs !== null && startMs < untilMs)
    return "the interval overlaps the one before: clocks disagree, or it came twice";
  return null;
}

export function wrongCounts(
  side: string,
  strata: Readonly<Record<Stratum, Counts>>,
  { log2Edges }: Buckets,
): string | null {
  const buckets = log2Edges.length - 1;
  for (const [stratum, { requests, errors, latency }] of Object.entries(strata)) {
    const where = `${side}, ${stratum}`;
    if (![requests, errors, ...latency].every(Number.isFinite)) return `${where}: a count is not a number`;
    if (requests < 0 || errors < 0 || latency.some((count) => count < 0)) return `${where}: a counter ran backwards`;
    if (errors > requests) return `${where}: more errors than requests`;
    if (latency.length > buckets) return `${where}: ${latency.length} latency buckets where ${buckets} were agreed`;
    // Counters of one scrape may differ by requests that were just ending, not by more.
    if (total(latency) > 2 * requests + 10) return `${where}: more latencies than requests`;
  }
  return null;
}

/** ln of the odds beyond which a swap is certain, at any traffic pattern that keeps the planned share within a factor. */
const certain = 50;

/**
 * Sides swapped by a relabelling: the candidate has the share that was planned for stable, in this interval or over the
 * step so far. It is told only where the planned share is known and not near one half.
 */
function wrongSides({ step }: Known, { stable, candidate }: Interval): string | null {
  const { share } = step;
  if (share === null || share <= 0 || share >= 1) return null;
  const now = { stable: service(stable).requests, candidate: service(candidate).requests };
  const soFar = {
    stable: step.requests.stable + now.stable,
    candidate: step.requests.candidate + now.candidate,
  };
  // A side that fell silent is told as that: what it had until then is no sign of a swap.
  const isSilent = now.stable === 0 || now.candidate === 0;
  const swapped = (isSilent ? [now] : [now, soFar]).find((requests) => isSwapped(requests, share));
  if (swapped === undefined) return null;
  const seen = swapped.candidate / (swapped.candidate + swapped.stable);
  return `the new version had ${percent(seen)} of the requests where ${percent(share)} were planned: the sides look swapped`;
}

function isSwapped({ stable, candidate }: { stable: number; candidate: number }, share: number): boolean {
  const planned = Math.log(share / (1 - share));
  const seen = Math.log((candidate + 1) / (stable + 1));
  return (stable - candidate) * planned > certain && Math.abs(seen + planned) < Math.abs(planned) / 4;
}
