// Crash at every point, in short: a spread of what `npm run crash` does at scale (bench/crash), with the faults that it found.
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Trouble } from "../src/simulation/faults.ts";
import { type Scenario, simulate } from "../src/simulation/simulate.ts";
import { intent, service, strategies } from "../src/testing/intents.ts";
import { anySchedule, calmOf, check, checkExactly, crash, type Schedule, told } from "../src/testing/schedules.ts";
import { shapes, weathers } from "../src/testing/weathers.ts";

/** Shares of a run at which to strike: `count` of them, at other places for each run. */
function spread(count: number, shift: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => ((i + ((shift * 0.618) % 1)) % count) / count);
}

describe.each(shapes)("%s", (shape) => {
  test("in a calm world each weather ends as it should: bad taken back, good promoted", async () => {
    const ends = await Promise.all(
      weathers.map(async (weather) => `${weather}: ${(await calmOf({ shape, weather, size: 4 })).world.outcome}`),
    );
    const checked = await Promise.all(
      weathers.map((weather) => check({ shape, weather, size: 4, downtimeMs: 0, faults: [] })),
    );
    expect(checked.flatMap(({ violations }) => violations)).toEqual([]);
    expect(ends.filter((end) => end.endsWith("undefined"))).toEqual([]);
  });

  test.each(weathers)(
    "%s: restarted at once after a crash at any port call, it decides what the calm run decided",
    async (weather) => {
      const of = { shape, weather, size: 2 };
      for (const at of spread(8, weather.length)) {
        for (const when of ["before", "after"] as const) {
          const schedule = crash(of, at, when);
          expect((await checkExactly(schedule)).violations, told(schedule)).toEqual([]);
        }
      }
    },
  );

  test.each(weathers)(
    "%s: a newer control plane goes on where the older one stopped, and decides the same",
    async (weather) => {
      const { world: calm } = await calmOf({ shape, weather, size: 2 });
      for (const at of spread(4, weather.length)) {
        const schedule: Schedule = {
          ...crash({ shape, weather, size: 2 }, at, "after"),
          faults: [{ among: "calls", at, when: "after", does: { kind: "upgrade" } }],
        };
        const checked = await check(schedule);
        expect(checked.violations, told(schedule)).toEqual([]);
        expect(checked.history, told(schedule)).toEqual(calm.history);
      }
    },
  );
});

test("random histories: stopped workers that wake late, lost, late and doubled answers, set clocks, upgrades", async () => {
  await fc.assert(
    fc.asyncProperty(anySchedule, async (schedule) => {
      expect((await check(schedule)).violations).toEqual([]);
    }),
    { numRuns: 400, seed: 4 },
  );
});

describe("faults that the schedules found", () => {
  const web = (strategy: keyof typeof strategies, more: Partial<Scenario> = {}): Scenario => ({
    intent: intent({ web: service(strategies[strategy], { withinMs: 20_000 }) }),
    stands: { web: "web-1" },
    ...more,
  });

  /** The scenario again and again, with the trouble at one call after another. */
  async function striking(scenario: Scenario, does: Trouble, when: "before" | "after" = "after") {
    const calm = await simulate(scenario);
    const calls = spread(60, 1).map((at) => 1 + Math.floor(at * calm.calls));
    return Promise.all(calls.map((call) => simulate({ ...scenario, faults: [{ call, when, does }] })));
  }

  test("a machine that sleeps for an hour in the middle of a step wakes up with the patience it had", async () => {
    const worlds = await striking(web("blueGreen"), { kind: "slow", byMs: 3_600_000 });
    expect(new Set(worlds.map(({ outcome }) => outcome))).toEqual(new Set(["succeeded"]));
  });

  test("a clock that is put forward by an hour ends no step and no bake early", async () => {
    const worlds = await striking(web("canary"), { kind: "clock set", byMs: 3_600_000 });
    const calm = await simulate(web("canary"));
    expect(new Set(worlds.map(({ outcome }) => outcome))).toEqual(new Set(["succeeded"]));
    expect(Math.min(...worlds.map(({ endedAfterMs }) => endedAfterMs))).toBeGreaterThan(calm.endedAfterMs - 20_000);
  });

  test("a retreat from a shift that never arrived asks a broken candidate for nothing more, and comes home", async () => {
    const crashing = web("rolling in place", { behaviours: { "web-2": { crashesAfterMs: 1600 } } });
    const worlds = await striking(crashing, { kind: "arrives late", byMs: 50 }, "before");
    expect(new Set(worlds.map(({ outcome }) => outcome))).toEqual(new Set(["rolled back"]));
    expect(worlds.flatMap(({ violations }) => violations)).toEqual([]);
  });

  test("traffic is given on what is ready now, not on what was ready before an artifact took minutes to arrive", async () => {
    const dying = web("rolling", { behaviours: { "web-2": { crashesAfterMs: 5000 } } });
    const worlds = await striking(dying, { kind: "slow", byMs: 10_000 }, "before");
    expect(worlds.flatMap(({ violations }) => violations)).toEqual([]);
  });

  test("a pause leaves alone what is on its way: nothing is stopped and started again", async () => {
    for (let atMs = 0; atMs < 5000; atMs += 100) {
      const said = [
        { atMs, fact: { kind: "paused", by: "bo" } as const },
        { atMs: 60_000, fact: { kind: "unpaused", by: "bo" } as const },
      ];
      const frames = (await simulate(web("recreate", { said }))).targets.get("web")?.frames ?? [];
      const asked = frames.map(({ frame }) => JSON.stringify(frame.revisions));
      const starts = asked.filter((frame, i) => frame !== asked[i - 1] && frame.includes('"web-1":{"capacity":100'));
      expect(starts.length, `paused after ${atMs} ms`).toBeLessThanOrEqual(2);
    }
  });
});
