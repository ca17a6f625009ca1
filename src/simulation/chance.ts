// Counts as chance would have them, the same for the same seed: a simulated run is repeatable, and two seeds differ as two
// days do.
import type { Interval, Observation } from "../domain/evidence.ts";

/** Errors by a Poisson number around what is expected; requests stay as they were. */
export function withChance(seed: number): (interval: Interval) => Observation {
  return (interval) => {
    const random = randomBy(seed * 1_000_003 + interval.startMs / 1000);
    return { ...interval, stable: vary(interval.stable, random), candidate: vary(interval.candidate, random) };
  };
}

function vary(side: Interval["candidate"], random: () => number): Interval["candidate"] {
  return Object.fromEntries(
    Object.entries(side).map(([stratum, { requests, errors, latency }]) => {
      const drawn = Math.min(requests, poisson(errors, random));
      const fullest = latency.indexOf(Math.max(0, ...latency));
      const shifted = latency.map((count, b) => (b === fullest ? Math.max(0, count + errors - drawn) : count));
      return [stratum, { requests, errors: drawn, latency: shifted }];
    }),
  );
}

/** Numbers in [0, 1) by mulberry32: the same seed, the same numbers. */
function randomBy(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Knuth's method; above 30 the normal approximation is near enough. */
function poisson(mean: number, random: () => number): number {
  if (mean > 30) {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal));
  }
  const limit = Math.exp(-mean);
  let count = 0;
  for (let product = random(); product > limit; product *= random()) count += 1;
  return count;
}
