// A bake in the engine, on virtual time: what ends it early, what holds it, what takes it back, and what never may.
import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { Check } from "../domain/check.ts";
import type { Interval, Observation } from "../domain/evidence.ts";
import { replay } from "../domain/judge/replay.ts";
import type { Strategy } from "../domain/strategy.ts";
import { type Scenario, type Simulated, simulate } from "../simulation/simulate.ts";
import { bake, comparisonCheck, errorsCheck, intent, service } from "../testing/intents.ts";
import { recordingAt } from "./comparison.ts";
import { chained, digestOf } from "./reading.ts";

const stands = { web: "web-1" };
const minute = 60_000;
const latencyCheck: Check = { kind: "latency", quantile: 0.99, limitMs: 3000, minimumRequests: 100 };
const cpuCheck: Check = {
  kind: "metric",
  name: "cpu",
  source: "host",
  query: "cpu",
  comparator: ">",
  limit: 80,
  forMs: minute,
};

function canary(lastsMs: number, checks: readonly Check[], more: Partial<Scenario> & { earliestMs?: number } = {}) {
  const { earliestMs, ...scenario } = more;
  const watch = { ...bake(lastsMs, checks), ...(earliestMs === undefined ? {} : { earliestMs }) };
  const strategy: Strategy = { kind: "canary", steps: [{ kind: "setWeight", weight: 25 }, watch] };
  const asked = intent({ web: service(strategy) }, { hold: { withinMs: 30 * minute, onDeadline: "stay" } });
  return simulate({ intent: asked, stands, endsWithinMs: 3 * 60 * minute, ...scenario });
}

function verdicts({ events }: Simulated): readonly string[] {
  return events.flatMap(({ fact }) => (fact.kind === "judged" ? [fact.verdict] : []));
}

function lastWords({ events }: Simulated): string {
  const judged = events.findLast(({ fact }) => fact.kind === "judged");
  return judged?.fact.kind === "judged" ? judged.fact.because : "never judged";
}

describe("a bake between a minimum and a maximum", () => {
  const busy = { requestsPerSecond: 400 };

  test("ends as soon as health is shown, and not before the minimum", async () => {
    const early = await canary(12 * minute, [comparisonCheck, errorsCheck], { ...busy, earliestMs: minute });
    const later = await canary(12 * minute, [comparisonCheck, errorsCheck], { ...busy, earliestMs: 9 * minute });
    const whole = await canary(12 * minute, [comparisonCheck, errorsCheck], busy);
    expect([early, later, whole].map(({ outcome }) => outcome)).toEqual(Array(3).fill("succeeded"));
    expect(early.endedAfterMs).toBeLessThan(6 * minute);
    expect(Math.floor(later.endedAfterMs / minute)).toBe(9);
    expect(Math.floor(whole.endedAfterMs / minute)).toBe(12);
    expect(lastWords(early)).toBe("health is shown");
  });

  test("lasts to its maximum where nothing shows health: no comparison, or too little traffic", async () => {
    const limits = await canary(5 * minute, [errorsCheck], { ...busy, earliestMs: minute });
    const quiet = await canary(30 * minute, [comparisonCheck], { requestsPerSecond: 2, earliestMs: minute });
    expect(Math.floor(limits.endedAfterMs / minute)).toBe(5);
    expect(Math.floor(quiet.endedAfterMs / minute)).toBe(30);
  });
});

describe("absolute limits", () => {
  test("a fault late in a long bake is found in its last minute, far below the limit over the whole", async () => {
    const faults = { "web-2": { errors: { share: 0.1, afterMs: 50 * minute } } };
    const world = await canary(60 * minute, [errorsCheck], { behaviours: faults });
    expect(world.outcome).toBe("rolled back");
    expect(world.endedAfterMs).toBeLessThan(53 * minute);
    expect(lastWords(world)).toMatch(/^absolute limit: errors of web .* in the last 60 s, more than the limit of 5 %$/);
  });

  test("a shared incident takes nothing back, and keeps nobody waiting once it is over", async () => {
    const incident = { share: 0.6, between: [2 * minute, 5 * minute] as const };
    const world = await canary(15 * minute, [comparisonCheck, errorsCheck, latencyCheck], { incident });
    expect(world.outcome).toBe("succeeded");
    expect(verdicts(world)).toEqual(["pass"]);
  });

  test("a shared incident that goes on holds and asks", async () => {
    const incident = { share: 0.6, between: [2 * minute, 500 * minute] as const };
    const world = await canary(15 * minute, [errorsCheck], { incident, endsWithinMs: 20 * minute });
    expect(world.run.hold?.because).toContain("so it is not the release");
  });

  test("a candidate much worse than an ill stable is not excused", async () => {
    const behaviours = {
      "web-1": { errors: { share: 0.07, afterMs: 0 } },
      "web-2": { errors: { share: 0.5, afterMs: 0 } },
    };
    expect((await canary(15 * minute, [errorsCheck], { behaviours })).outcome).toBe("rolled back");
  });
});

describe("numbers of a metric source", () => {
  const hot = { metrics: { cpu: { value: 95, afterMs: 2 * minute } } };

  test("beyond the limit for the duration it goes back", async () => {
    const world = await canary(10 * minute, [cpuCheck], { behaviours: { "web-2": hot } });
    expect(world.outcome).toBe("rolled back");
    expect(lastWords(world)).toMatchInlineSnapshot(`"absolute limit: cpu of web was 95, more than 80 for 60 s"`);
  });

  test("stable beyond it too is not the release's doing: it holds and asks", async () => {
    const behaviours = { "web-1": { metrics: { cpu: { value: 90, afterMs: 0 } } }, "web-2": hot };
    const world = await canary(10 * minute, [cpuCheck], { behaviours, endsWithinMs: 20 * minute });
    expect(world.run.hold?.because).toContain("stable is beyond it too");
  });

  test("a worker without requests is held against its memory and restarts, and says what was not judged", async () => {
    const strategy: Strategy = {
      kind: "canary",
      steps: [{ kind: "setWeight", weight: 25 }, bake(2 * minute, [comparisonCheck, cpuCheck])],
    };
    const world = await simulate({ intent: intent({ web: service(strategy, { serves: false }) }), stands });
    expect(world.outcome).toBe("succeeded");
    expect(lastWords(world)).toBe("no harm seen; comparison with stable of web: not judged, it serves no requests");
  });
});

describe("a hold for want of evidence", () => {
  test("is released when the source answers again, so its deadline does not run on", async () => {
    const world = await canary(60 * minute, [comparisonCheck], { metricsDownBetween: [5 * minute, 6 * minute] });
    expect(verdicts(world)).toEqual(["errored", "watching", "pass"]);
    expect(world.outcome).toBe("succeeded");
  });

  test("goes back at its deadline when that is what is configured, and never forward", async () => {
    const strategy: Strategy = {
      kind: "canary",
      steps: [{ kind: "setWeight", weight: 25 }, bake(2 * minute, [comparisonCheck])],
    };
    const dark = { stands, requestsPerSecond: 0, endsWithinMs: 30 * minute };
    const outcomes = (["rollback", "stay"] as const).map(async (onDeadline) => {
      const hold = { withinMs: 5 * minute, onDeadline };
      return (await simulate({ ...dark, intent: intent({ web: service(strategy) }, { hold }) })).outcome;
    });
    expect(await Promise.all(outcomes)).toEqual(["rolled back", undefined]);
  });
});

describe("bad input is never a pass and never a rollback", () => {
  const buckets = (interval: Interval, latency: readonly number[]): Interval => ({
    ...interval,
    candidate: { other: { requests: 125, errors: 0, latency } },
  });
  const candidate = (interval: Interval, change: { requests?: number; errors?: number }): Interval => ({
    ...interval,
    candidate: { other: { requests: 125, errors: 0, latency: [], ...interval.candidate.other, ...change } },
  });
  const gap = ({ startMs, endMs }: Interval, missing: string): Observation => ({ startMs, endMs, missing });
  const spoilt: readonly (readonly [string, (interval: Interval) => Observation | undefined, string])[] = [
    [
      "a counter that runs backwards",
      (i) => candidate(i, { requests: -5 }),
      "candidate, other: a counter ran backwards",
    ],
    [
      "a count that is not a number",
      (i) => candidate(i, { errors: Number.NaN }),
      "candidate, other: a count is not a number",
    ],
    [
      "buckets that change midway",
      (i) => buckets(i, Array(300).fill(0)),
      "candidate, other: 300 latency buckets where 240 were agreed",
    ],
    [
      "candidate and stable swapped",
      (i) => ({ ...i, stable: i.candidate, candidate: i.stable }),
      "the sides look swapped",
    ],
    [
      "clocks that disagree",
      (i) => ({ ...i, endMs: i.startMs - 1 }),
      "the interval ends before it starts: clocks disagree",
    ],
    [
      "a source that answers 422",
      (i) => gap(i, "Prometheus answered 422: too many samples"),
      "Prometheus answered 422: too many samples",
    ],
    ["a source that answers nothing", () => undefined, "it had no numbers for this time"],
  ];

  test.each(spoilt)("%s: on hold, with the reason", async (_, spoil, because) => {
    const late = (interval: Interval, sinceMs: number) => (sinceMs < 2 * minute ? interval : spoil(interval));
    const bad = { "web-2": { errors: { share: 0.5, afterMs: 3 * minute } } };
    const world = await canary(6 * minute, [comparisonCheck, errorsCheck], {
      spoil: late,
      behaviours: bad,
      endsWithinMs: 9 * minute,
    });
    expect(world.outcome).toBeUndefined();
    expect(verdicts(world)).toEqual(["errored"]);
    expect(world.run.hold?.because).toContain(because);
  });

  test("part of the data missing, here and there: errored at the end", async () => {
    const lossy = (interval: Interval, sinceMs: number) =>
      sinceMs > 0 && Math.round(sinceMs / 5000) % 3 === 0 ? undefined : interval;
    const world = await canary(10 * minute, [comparisonCheck], { spoil: lossy, endsWithinMs: 15 * minute });
    expect(verdicts(world)).toEqual(["errored"]);
    expect(world.run.hold?.because).toMatch(/intervals .*could not be used; the last: it had no numbers for this time/);
  });

  test.each(["stable", "candidate"] as const)("%s silent: inconclusive, and says so", async (side) => {
    const hushed = (interval: Interval, sinceMs: number) =>
      sinceMs < 2 * minute ? interval : { ...interval, [side]: {} };
    const world = await canary(10 * minute, [comparisonCheck], { spoil: hushed, endsWithinMs: 15 * minute });
    expect(verdicts(world)).toEqual(["inconclusive"]);
    expect(world.run.hold?.because).toContain("had traffic and has none any more");
  });

  test("a silent side that nobody compares is inconclusive too", async () => {
    const hushed = (interval: Interval) => ({ ...interval, candidate: {} });
    const world = await canary(10 * minute, [errorsCheck], { spoil: hushed, endsWithinMs: 15 * minute });
    expect(verdicts(world)).toEqual(["inconclusive"]);
  });
});

test("one budget of false alarms runs over all steps of a rollout, and is split over the services that are compared", async () => {
  const step = (weight: number) => [{ kind: "setWeight", weight } as const, bake(3 * minute, [comparisonCheck])];
  const strategy: Strategy = { kind: "canary", steps: [...step(10), ...step(50)] };
  const asked = intent({ web: service(strategy), api: service(strategy) });
  const world = await simulate({ intent: asked, stands: { web: "web-1", api: "api-1" }, requestsPerSecond: 40 });
  expect(world.outcome).toBe("succeeded");
  const recordings = (world.run.plan?.nodes ?? [])
    .filter(({ id, service: name }) => name === id)
    .map((node) => recordingAt({ run: world.run, node, service: node.id }, world.evidence));
  for (const recording of await Promise.all(recordings)) {
    expect(recording?.beginning.parameters).toMatchObject({ alpha: comparisonCheck.alpha / 2, plannedMs: 6 * minute });
    expect(recording?.steps?.map(({ share }) => share)).toEqual([0.1, 0.5]);
  }
  expect(recordings.length).toBe(2);
});

describe("what is kept", () => {
  const lossy = (interval: Interval, sinceMs: number) => (sinceMs > 40_000 && sinceMs < 65_000 ? undefined : interval);
  const worse = { "web-2": { errors: { share: 0.03, afterMs: 90_000 } } };

  test("is what decided: its digest is the journal's, gaps and all", async () => {
    const world = await canary(30 * minute, [comparisonCheck], {
      spoil: lossy,
      behaviours: worse,
      requestsPerSecond: 60,
    });
    expect(world.outcome).toBe("rolled back");
    const judged = world.events.find(({ fact }) => fact.kind === "judged" && fact.verdict === "fail")?.fact;
    const node = world.run.plan?.nodes[0];
    const step = judged?.kind === "judged" ? judged.step : -1;
    const kept = await world.evidence.get({ deployment: world.run.id, node: "web", step, service: "web" });
    expect(kept.filter((one) => "missing" in one).length).toBe(4);
    const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
    const chain = kept.reduce((digest, one) => chained(digest, one, sha256), "");
    expect(judged).toMatchObject({ counted: { web: kept.length }, digest: digestOf({ web: chain }, sha256) });
    const recording = node && (await recordingAt({ run: world.run, node, service: "web" }, world.evidence));
    expect(recording && replay(recording).failedAtMs).toBe(kept.at(-1)?.endMs);
  });

  test("is enough: a source that tells everything once is asked for nothing twice, wherever the worker died", async () => {
    const tellingOnce = () => {
      const told = new Set<number>();
      return (interval: Interval) => {
        if (told.has(interval.startMs)) return undefined;
        told.add(interval.startMs);
        return interval;
      };
    };
    const checks = [errorsCheck, comparisonCheck];
    const calm = await canary(5 * minute, checks, { spoil: tellingOnce() });
    for (const share of [0.3, 0.6, 0.9]) {
      const faults = [{ call: Math.floor(calm.calls * share), when: "before" as const }];
      const crashed = await canary(5 * minute, checks, { spoil: tellingOnce(), faults });
      expect([share, crashed.history]).toEqual([share, calm.history]);
    }
    expect([verdicts(calm), calm.outcome]).toEqual([["pass"], "succeeded"]);
  });

  test("counts in the bakes that come after, also for a worker that was not there before", async () => {
    const steps = [10, 30].flatMap((weight) => [
      { kind: "setWeight", weight } as const,
      bake(3 * minute, [comparisonCheck]),
    ]);
    const scenario: Scenario = {
      intent: intent({ web: service({ kind: "canary", steps }) }),
      stands,
      behaviours: { "web-2": { errors: { share: 0.007, afterMs: 0 } } },
    };
    const calm = await simulate(scenario);
    const node = calm.run.plan?.nodes[0];
    const recording = node && (await recordingAt({ run: calm.run, node, service: "web" }, calm.evidence));
    const last = await calm.evidence.get({ deployment: calm.run.id, node: "web", step: 5, service: "web" });
    expect([verdicts(calm).at(-1), recording && replay(recording).failedAtMs]).toEqual(["fail", last.at(-1)?.endMs]);
    for (const share of [0.85, 0.95]) {
      const faults = [{ call: Math.floor(calm.calls * share), when: "after" as const }];
      const crashed = await simulate({ ...scenario, faults });
      expect([share, lastWords(crashed), crashed.history]).toEqual([share, lastWords(calm), calm.history]);
    }
  });

  test("what a source forgot while Sluice was away holds nothing up: the bake goes on where it was", async () => {
    const calm = await canary(10 * minute, [errorsCheck, comparisonCheck], {});
    const call = Math.floor(calm.calls / 3);
    const downtime = { faults: [{ call, when: "after" as const }], downtimeMs: 60 * minute };
    const remembering = await canary(10 * minute, [errorsCheck, comparisonCheck], downtime);
    const resumed = remembering.events.find(({ fact }) => fact.kind === "resumed");
    const [from, to] = [(resumed?.at ?? 0) - 59 * minute, resumed?.at ?? 0];
    const forgot = (interval: Interval) => (interval.startMs > from && interval.startMs < to ? undefined : interval);
    const world = await canary(10 * minute, [errorsCheck, comparisonCheck], { ...downtime, spoil: forgot });
    expect(resumed).toBeDefined();
    expect([verdicts(world), world.outcome]).toEqual([["pass"], "succeeded"]);
    expect(world.endedAfterMs).toBeGreaterThan(70 * minute);
  });

  test("rebuilds the judge to the same decision, wherever the worker died", async () => {
    const scenario = { spoil: lossy, behaviours: worse, requestsPerSecond: 60 };
    const calm = await canary(30 * minute, [comparisonCheck], scenario);
    const calls = Array.from({ length: 12 }, (_, i) => Math.floor(((i + 1) * calm.calls) / 13));
    for (const call of calls) {
      const faults = [{ call, when: "after" as const }];
      const crashed = await canary(30 * minute, [comparisonCheck], { ...scenario, faults });
      expect([call, crashed.history, lastWords(crashed)]).toEqual([call, calm.history, lastWords(calm)]);
    }
  });
});
