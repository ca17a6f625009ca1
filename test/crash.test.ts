// Crash at every point: for each strategy and weather the worker dies before or after the effect of every port call.
// Restarted at once, it must decide what the calm run decided; after a pause, the outcome and the invariants must hold.
import { describe, expect, test } from "vitest";
import { Temporary } from "../src/domain/problem.ts";
import type { Strategy } from "../src/domain/strategy.ts";
import { intent, service, strategies } from "../src/testing/intents.ts";
import { type Scenario, type Simulated, simulate } from "../src/testing/simulation.ts";

const weathers: Record<string, Partial<Scenario>> = {
  calm: {},
  "never ready": { behaviours: { "web-2": { neverReady: true } } },
  "crash loop": { behaviours: { "web-2": { crashesAfterMs: 8000 } } },
  "bad after a while": { behaviours: { "web-2": { errors: { share: 0.4, afterMs: 20_000 } } } },
  "router slow to report": { routerLagMs: 700 },
  aborted: { said: [{ atMs: 4000, fact: { kind: "abort asked", by: "bo", reason: "no" } }] },
};

const every = Object.entries(strategies).flatMap(([name, strategy]) =>
  Object.entries(weathers).map(([weather, scenario]) => ({ name, weather, strategy, scenario })),
);

function scenarioOf(strategy: Strategy, weather: Partial<Scenario>): Scenario {
  return {
    intent: intent(
      { web: service(strategy, { withinMs: 20_000 }) },
      { verify: [{ kind: "job", name: "smoke", withinMs: 60_000 }] },
    ),
    stands: { web: "web-1" },
    ...weather,
  };
}

/** A slower run gives a bad candidate, or an abort, the time to be noticed before the end. Nothing else may change. */
function allowed(calm: Simulated, weather: Partial<Scenario>): readonly unknown[] {
  const noticed =
    weather.behaviours !== undefined ? ["rolled back"] : weather.said !== undefined ? ["aborted", "succeeded"] : [];
  return [calm.outcome, ...noticed];
}

/** Every call in short runs; in long ones, a spread of them that covers each kind. */
function calls(calm: Simulated): readonly number[] {
  const step = Math.max(1, Math.floor(calm.calls / 120));
  return Array.from({ length: Math.ceil(calm.calls / step) }, (_, i) => 1 + i * step);
}

describe.each(every)("$name, $weather", ({ strategy, scenario }) => {
  const base = scenarioOf(strategy, scenario);

  test("restarted at once after a crash at any port call, it decides what the calm run decided", async () => {
    const calm = await simulate(base);
    expect(calm.violations).toEqual([]);
    for (const call of calls(calm)) {
      for (const when of ["before", "after"] as const) {
        const crashed = await simulate({ ...base, faults: [{ call, when }] });
        expect(crashed.history, `crash ${when} call ${call}`).toEqual(calm.history);
        expect(crashed.violations, `crash ${when} call ${call}`).toEqual([]);
        expect(crashed.jobsEffective).toEqual(calm.jobsEffective);
      }
    }
  });

  test("after a pause of minutes the outcome and the invariants still hold", async () => {
    const calm = await simulate(base);
    for (const call of calls(calm).filter((_, i) => i % 7 === 0)) {
      const crashed = await simulate({ ...base, faults: [{ call, when: "after" }], downtimeMs: 180_000 });
      expect(crashed.violations, `pause after call ${call}`).toEqual([]);
      expect(allowed(calm, scenario), `pause after call ${call}`).toContain(crashed.outcome);
    }
  });

  test("an answer that does not come now and then changes nothing", async () => {
    const calm = await simulate(base);
    const faults = calls(calm)
      .filter((_, i) => i % 5 === 0)
      .map((call) => ({ call, when: "before" as const, error: () => new Temporary("timed out") }));
    const flaky = await simulate({ ...base, faults });
    expect(flaky.violations).toEqual([]);
    expect(allowed(calm, scenario)).toContain(flaky.outcome);
  });
});
