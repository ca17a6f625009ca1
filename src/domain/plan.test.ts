import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { intent as anIntent, service } from "../testing/intents.ts";
import { type Frame, replicasFor, sameFrame, shareOf, trafficSum } from "./frame.ts";
import { bears, moves, wayBack } from "./moves.ts";
import { type Plan, plan } from "./plan.ts";
import type { Strategy } from "./strategy.ts";

const percent = fc.integer({ min: 1, max: 100 });

const anyStrategy: fc.Arbitrary<Strategy> = fc.oneof(
  fc.constant<Strategy>({ kind: "recreate" }),
  fc.record({
    kind: fc.constant("rolling" as const),
    batchSize: percent,
    maxUnavailable: fc.constantFrom(0, 10, 25, 50),
    pauseMs: fc.constantFrom(0, 1000),
    maxFailureShare: fc.constant(0),
  }),
  fc.record({
    kind: fc.constant("blueGreen" as const),
    preview: fc.constant([]),
    switchShares: fc.uniqueArray(percent, { maxLength: 3 }).map((shares) => shares.sort((a, b) => a - b)),
    afterSwitch: fc.constant([]),
  }),
  fc.record({
    kind: fc.constant("canary" as const),
    steps: fc
      .uniqueArray(percent, { minLength: 1, maxLength: 5 })
      .map((weights) => weights.sort((a, b) => a - b).map((weight) => ({ kind: "setWeight" as const, weight }))),
  }),
);

function planFor(strategy: Strategy, stable: string | undefined, size = 4): Plan {
  return plan(anIntent({ web: service(strategy, { size }) }), stable === undefined ? {} : { web: stable });
}

function framesOf(frozen: Plan): readonly Frame[] {
  const from = frozen.services.web?.from;
  const sets = frozen.nodes.flatMap((node) => node.steps.flatMap((step) => (step.kind === "set" ? [step.frame] : [])));
  return from === undefined ? sets : [from, ...sets];
}

/** Each frame against what surely stands when it is asked for: the lesser of it and the one before. */
function overloaded(frames: readonly Frame[], unavailable: number): readonly Frame[] {
  return frames.filter((frame, i) => {
    const before = frames[i - 1];
    if (before === undefined) return false;
    const grows = Object.keys(frame.revisions).filter((r) => shareOf(frame, r).traffic > shareOf(before, r).traffic);
    return grows.some((r) => shareOf(before, r).capacity < shareOf(frame, r).traffic * (1 - unavailable / 100) - 0.01);
  });
}

describe("a plan, for any strategy", () => {
  test("moves traffic only onto capacity that already stands, and every frame's traffic sums to 100 or 0", () => {
    fc.assert(
      fc.property(anyStrategy, fc.boolean(), (strategy, isFirst) => {
        const frozen = planFor(strategy, isFirst ? undefined : "web-1");
        const frames = framesOf(frozen);
        expect(overloaded(frames, frozen.services.web?.unavailable ?? 0)).toEqual([]);
        for (const frame of frames) expect([0, 100]).toContain(Math.round(trafficSum(frame) * 100) / 100);
      }),
    );
  });

  test("ends with the candidate as the whole service", () => {
    fc.assert(
      fc.property(anyStrategy, fc.boolean(), (strategy, isFirst) => {
        const last = framesOf(planFor(strategy, isFirst ? undefined : "web-1")).at(-1);
        expect(last?.revisions).toEqual({ "web-2": { capacity: 100, traffic: 100 } });
      }),
    );
  });

  test("never has less capacity in all than the declared unavailability allows", () => {
    fc.assert(
      fc.property(anyStrategy, (strategy) => {
        fc.pre(strategy.kind !== "recreate");
        const frozen = planFor(strategy, "web-1");
        for (const frame of framesOf(frozen)) expect(bears(frame, frame, frozen.services.web?.unavailable)).toBe(true);
      }),
    );
  });

  test("keeps the old side whole in a canary and a blue-green until the settling step", () => {
    fc.assert(
      fc.property(anyStrategy, (strategy) => {
        fc.pre(strategy.kind === "canary" || strategy.kind === "blueGreen");
        const steps = planFor(strategy, "web-1").nodes.find((node) => node.id === "web")?.steps ?? [];
        const old = steps.flatMap((step) => (step.kind === "set" ? [shareOf(step.frame, "web-1").capacity] : []));
        expect(new Set(old)).toEqual(new Set([100]));
      }),
    );
  });

  test("has a way back from every point, over capacity that stands, to exactly where it began", () => {
    fc.assert(
      fc.property(anyStrategy, fc.nat(), (strategy, at) => {
        const frozen = planFor(strategy, "web-1");
        const frames = framesOf(frozen);
        const point = at % frames.length;
        const held = frames.slice(0, point + 1);
        const asked = frames[point + 1] ?? frames[point] ?? frames[0];
        if (asked === undefined) return;
        const back = wayBack(held, asked);
        expect(back.at(-1)).toEqual(frames[0]);
        const stands = held.at(-1);
        const surely = stands === undefined ? asked : lesserOf(stands, asked);
        const unavailable = frozen.services.web?.unavailable ?? 0;
        expect(overloaded([surely, ...back], unavailable)).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  test("is the same JSON after a round trip: what is frozen is all of it", () => {
    fc.assert(
      fc.property(anyStrategy, (strategy) => {
        const frozen = planFor(strategy, "web-1");
        expect(JSON.parse(JSON.stringify(frozen))).toEqual(frozen);
      }),
    );
  });
});

function lesserOf(a: Frame, b: Frame): Frame {
  const names = Object.keys({ ...a.revisions, ...b.revisions });
  const least = names.map((r) => [
    r,
    { capacity: Math.min(shareOf(a, r).capacity, shareOf(b, r).capacity), traffic: shareOf(b, r).traffic },
  ]);
  return { revisions: Object.fromEntries(least), routes: [] };
}

describe("waves", () => {
  test("follow dependencies, also through services that do not change", () => {
    const services = {
      a: service({ kind: "recreate" }, { revision: "a-2" }),
      b: service({ kind: "recreate" }, { revision: "b-1", dependsOn: ["a"] }),
      c: service({ kind: "recreate" }, { revision: "c-2", dependsOn: ["b"] }),
    };
    const frozen = plan(anIntent(services), { a: "a-1", b: "b-1", c: "c-1" });
    expect(frozen.nodes.map((node) => [node.id, node.after])).toEqual([
      ["a", []],
      ["c", ["a"]],
    ]);
  });
});

describe("moves", () => {
  test("between the same frames are none", () => {
    const frame = { revisions: { a: { capacity: 100, traffic: 100 } }, routes: [] };
    expect(moves(frame, frame)).toEqual([]);
    expect(sameFrame(frame, { ...frame, revisions: { ...frame.revisions, b: { capacity: 0, traffic: 0 } } })).toBe(
      true,
    );
  });

  test("a share rounds up to whole replicas", () => {
    expect([
      replicasFor(1, 2),
      replicasFor(50, 3),
      replicasFor(100, 3),
      replicasFor(0, 3),
      replicasFor(33.34, 3),
    ]).toEqual([1, 2, 3, 0, 2]);
  });
});
