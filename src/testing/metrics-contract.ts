// What every source of the judge's intervals must do, the simulated one included: whole requests, on their side, once.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Interval, isInterval, type Observation } from "../domain/evidence.ts";
import type { Ms } from "../domain/frame.ts";
import type { MetricSource } from "../engine/ports.ts";

export interface MetricsBench {
  readonly source: Pick<MetricSource, "read">;
  readonly environment: string;
  readonly service: string;
  readonly stable: string;
  readonly candidate: string;
  readonly intervalMs: Ms;
  now(): Ms;
  sleep(ms: Ms): Promise<void>;
  /** Sends so many requests to each side, and waits until they have been answered. What was really sent. */
  send(): Promise<{ readonly stable: number; readonly candidate: number }>;
  dispose(): Promise<void>;
}

export function metricsContract(name: string, make: () => Promise<MetricsBench>): void {
  describe(`${name} keeps the contract of a metric source`, () => {
    let bench: MetricsBench;
    let sinceMs: Ms;
    let sent: Awaited<ReturnType<MetricsBench["send"]>>;
    beforeAll(async () => {
      bench = await make();
      // Intervals that began before are not read, and what a scrape finds is shared out over the time since the one before.
      sinceMs = Math.ceil(bench.now() / bench.intervalMs) * bench.intervalMs;
      await bench.sleep(sinceMs + bench.intervalMs - bench.now());
      sent = await bench.send();
    }, 90_000);
    afterAll(() => bench?.dispose());

    const read = (since = sinceMs, sides: { stable?: string } = { stable: bench.stable }) => {
      const { environment, service, candidate } = bench;
      return bench.source.read({ environment, service, candidate, since, ...sides });
    };
    const requests = (observations: readonly Observation[], side: "stable" | "candidate") =>
      observations
        .filter(isInterval)
        .flatMap((one) => Object.values(one[side]))
        .reduce((sum, counts) => sum + counts.requests, 0);

    /** Until all that was sent is in whole intervals, or it is clear that it never will. */
    async function all(): Promise<readonly Observation[]> {
      const deadline = bench.now() + 30_000;
      let observations = await read();
      while (requests(observations, "candidate") < sent.candidate && bench.now() < deadline) {
        await bench.sleep(bench.intervalMs / 4);
        observations = await read();
      }
      return observations;
    }

    test("every request is counted once, on the side that answered it", async () => {
      const observations = await all();
      expect([requests(observations, "stable"), requests(observations, "candidate")]).toEqual([
        sent.stable,
        sent.candidate,
      ]);
    }, 90_000);

    test("intervals are whole, follow each other, begin no earlier than asked, and have ended", async () => {
      const observations = await all();
      for (const [i, { startMs, endMs }] of observations.entries()) {
        expect([endMs - startMs, startMs % bench.intervalMs]).toEqual([bench.intervalMs, 0]);
        if (i > 0) expect(startMs).toBe(observations[i - 1]?.endMs);
      }
      expect(observations[0]?.startMs).toBeGreaterThanOrEqual(sinceMs);
      expect(observations.at(-1)?.endMs).toBeLessThanOrEqual(bench.now());
    }, 90_000);

    test("there are as many latencies as successes, in buckets that both sides share", async () => {
      for (const one of (await all()).filter(isInterval)) {
        for (const { requests: n, errors, latency } of sidesOf(one)) {
          expect(latency.reduce((sum, count) => sum + count, 0)).toBe(n - errors);
          if (one.buckets !== undefined) expect(latency.length).toBeLessThan(one.buckets.log2Edges.length);
        }
      }
    }, 90_000);

    test("what was read goes on where it ended: the same again, nothing twice", async () => {
      const observations = await all();
      const [first, ...rest] = observations;
      const again = await read(first?.endMs);
      expect(again.slice(0, rest.length)).toEqual(rest);
    }, 90_000);

    test("without a stable side the candidate is counted alone", async () => {
      await all();
      const alone = await read(sinceMs, {});
      expect([requests(alone, "stable"), requests(alone, "candidate")]).toEqual([0, sent.candidate]);
    }, 90_000);
  });
}

function sidesOf({ stable, candidate }: Interval) {
  return [...Object.values(stable), ...Object.values(candidate)];
}
