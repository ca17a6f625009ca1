// From cumulative counters, as sources keep them, to the counts of one interval.
import type { Counts } from "../evidence.ts";

/**
 * What one replica counted between two readings. A counter that fell means that the replica started anew: all of its new
 * values are the increment. Replicas are differenced one by one and added up after: a sum hides a restart.
 */
export function increment(before: Counts, after: Counts): Counts {
  const hasRestarted =
    after.requests < before.requests ||
    after.errors < before.errors ||
    before.latency.some((count, b) => (after.latency[b] ?? 0) < count);
  if (hasRestarted) return after;
  return {
    requests: after.requests - before.requests,
    errors: after.errors - before.errors,
    latency: after.latency.map((count, b) => count - (before.latency[b] ?? 0)),
  };
}
