// A/A on replicas: alike ones pass, however many; one that differs is named.
import { expect, test } from "vitest";
import type { ReplicaInterval } from "../evidence.ts";
import { oldAgainstOld } from "./old-against-old.ts";

const buckets = { log2Edges: Array.from({ length: 81 }, (_, b) => 1 + b / 8) };

/** A small generator of its own: the same numbers on every machine. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
}

/** 20 minutes of replicas that answer around 50 ms, each slower by its factor. */
function counted(factors: readonly number[], seed = 1): readonly ReplicaInterval[] {
  const draw = random(seed);
  const normal = () => Math.sqrt(-2 * Math.log(draw() + 1e-12)) * Math.cos(2 * Math.PI * draw());
  return Array.from({ length: 240 }, (_, i) => ({
    startMs: i * 5_000,
    endMs: (i + 1) * 5_000,
    buckets,
    replicas: Object.fromEntries(
      factors.map((factor, r) => {
        const latency = new Array<number>(80).fill(0);
        for (let n = 0; n < 50; n++) {
          const b = Math.floor((Math.log2(50 * factor * Math.exp(0.5 * normal())) - 1) * 8);
          latency[Math.max(0, Math.min(79, b))] = (latency[Math.max(0, Math.min(79, b))] ?? 0) + 1;
        }
        return [`r${r}`, { "all routes": { requests: 50, errors: 0, latency } }];
      }),
    ),
  }));
}

test("replicas that are alike are told from the others by nothing, and no spread is seen", () => {
  const found = oldAgainstOld(counted([1, 1, 1, 1, 1]));
  expect([found.isExchangeable, found.replicas.length]).toEqual([true, 5]);
  expect(found.podLogSd).toBeLessThan(0.01);
  expect(found.tolerance).toBe(1.03);
});

test("a replica that is slower than its fellows is named, and the others are not", () => {
  const found = oldAgainstOld(counted([1, 1, 1, 1, 1.6]), { latencyToleranceMax: 1.03 });
  expect(found.isExchangeable).toBe(false);
  expect(found.odd).toEqual(["r4"]);
});

test("the spread between replicas becomes the tolerance of a canary of one", () => {
  const found = oldAgainstOld(counted([0.94, 0.98, 1, 1.03, 1.06, 0.96, 1.04, 1]));
  expect(found.podLogSd).toBeGreaterThan(0.01);
  expect(found.tolerance).toBeGreaterThan(1.05);
  expect(found.isExchangeable).toBe(true);
});

test("a replica that came midway is left out: it is cold", () => {
  const all = counted([1, 1, 1]);
  const late = all.map((one, i) => {
    const { r2, ...others } = one.replicas;
    return i < 60 || r2 === undefined ? { ...one, replicas: others } : one;
  });
  expect(oldAgainstOld(late).replicas.map(({ replica }) => replica)).toEqual(["r0", "r1"]);
});

test("replicas with little traffic are told apart too: idle for an interval is not gone", () => {
  const all = counted([1, 1, 1]);
  const sparse = all.map((one, i) => ({
    ...one,
    replicas: Object.fromEntries(Object.entries(one.replicas).filter(([name]) => name === `r${i % 3}`)),
  }));
  expect(oldAgainstOld(sparse).replicas.map(({ replica }) => replica)).toEqual(["r0", "r1", "r2"]);
});
