// What a forecast counts, held against what the simulated world really did.
import { expect, test } from "vitest";
import { bake, comparisonCheck, errorsCheck, intent, service, strategies } from "../testing/intents.ts";
import { forecast } from "./forecast.ts";
import type { Behaviour } from "./sim-target.ts";
import type { Scenario } from "./simulate.ts";

const minute = 60_000;
const canary = {
  ...strategies.canary,
  steps: [{ kind: "setWeight", weight: 10 }, bake(10 * minute, [errorsCheck, comparisonCheck])],
} as const;

function scenario(candidate: Behaviour, more: Partial<Scenario> = {}): Scenario {
  return {
    intent: intent({ web: service(canary) }),
    stands: { web: "web-1" },
    behaviours: { "web-2": candidate },
    ...more,
  };
}

test("a good release: nothing bad, never less than its full size", async () => {
  const found = await forecast({ scenario: scenario({}) });
  expect(found).toMatchObject({ outcome: "succeeded", lowestCapacity: 100, violations: [] });
  expect(found.exposure).toMatchObject({ sawBad: 0, failed: 0, worstShare: 0 });
  expect(found).not.toHaveProperty("timeToSafeMs");
  expect(found.exposure.requests).toBeGreaterThan(0.1 * 100 * 590);
});

test("a release that turns bad later: who saw it is its share of the requests, from then until it had none", async () => {
  const found = await forecast({ scenario: scenario({ errors: { share: 0.4, afterMs: 5 * minute } }) });
  expect(found.outcome).toBe("rolled back");
  const safe = found.timeToSafeMs;
  if (typeof safe !== "number") throw new Error("it was taken back");
  expect(safe).toBeLessThan(minute);
  expect(found.exposure.worstShare).toBe(10);
  expect(found.exposure.sawBad).toBe(Math.round((safe / 1000) * 100 * 0.1));
  expect(found.exposure.failed).toBe(Math.round((safe / 1000) * 100 * 0.1 * 0.4));
});

test("a bad release that no check sees is told as never safe", async () => {
  const blind = intent({ web: service(strategies.rolling) });
  const found = await forecast({ scenario: scenario({ slows: { latencyMs: 9000, afterMs: 0 } }, { intent: blind }) });
  expect(found).toMatchObject({ outcome: "succeeded", timeToSafeMs: "never", exposure: { worstShare: 100 } });
});

test("a recreate has moments without capacity, and they are named", async () => {
  const found = await forecast({ scenario: scenario({}, { intent: intent({ web: service(strategies.recreate) }) }) });
  expect(found.lowestCapacity).toBe(0);
  expect(found.moments.map(({ stable, candidate }) => [stable?.replicas, candidate.replicas])).toContainEqual([0, 0]);
});

test("the same seed is the same run, another seed is another", async () => {
  const weak = { errors: { share: 0.012, afterMs: 0 } };
  const [first, again, other] = await Promise.all(
    [1, 1, 2].map((seed) => forecast({ scenario: scenario(weak), seed })),
  );
  expect(again).toEqual(first);
  expect(other?.timeline).not.toEqual(first?.timeline);
});
