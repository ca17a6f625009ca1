// Decisions of whole deployments, made again from what they recorded; and that another record makes another decision.
import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { Event } from "../domain/event.ts";
import { isInterval } from "../domain/evidence.ts";
import { same } from "../domain/why.ts";
import type { Behaviour } from "../simulation/sim-target.ts";
import { type Scenario, type Simulated, simulate } from "../simulation/simulate.ts";
import { bake, comparisonCheck, errorsCheck, intent, service, strategies } from "../testing/intents.ts";
import type { EvidenceStore } from "./ports.ts";
import { decisionsOf } from "./why.ts";

const minute = 60_000;
const canary = {
  kind: "canary",
  steps: [
    { kind: "setWeight", weight: 10 },
    bake(3 * minute, [errorsCheck, comparisonCheck]),
    { kind: "setWeight", weight: 50 },
    bake(3 * minute, [errorsCheck, comparisonCheck]),
  ],
} as const;
const bad = (share: number, afterMs = 0) => ({ "web-2": { errors: { share, afterMs } } });

function scenario(more: Partial<Scenario> = {}): Scenario {
  return { intent: intent({ web: service(canary) }, { verify: [bake(minute)] }), stands: { web: "web-1" }, ...more };
}

function why(world: Pick<Simulated, "events" | "evidence">) {
  return decisionsOf(world.events, {
    evidence: world.evidence,
    digest: (text) => createHash("sha256").update(text).digest("hex"),
    among: async () => ({ inputs: [], replay: same }),
  });
}

async function differences(world: Pick<Simulated, "events" | "evidence">) {
  return (await why(world)).filter(({ replay }) => replay.result === "differs");
}

const approval = { kind: "approve", policy: { roles: ["ops"], quorum: 1 }, withinMs: 60 * minute } as const;
const crash: Behaviour = { crashesAfterMs: 90_000 };

const lives: Readonly<Record<string, Scenario>> = {
  "a good release": scenario(),
  "a bad one": scenario({ behaviours: bad(0.3) }),
  "one that is only worse than stable, later": scenario({ behaviours: bad(0.08, 4 * minute) }),
  "one that crash-loops in its bake": scenario({ behaviours: { "web-2": crash } }),
  "one that is never ready": scenario({ behaviours: { "web-2": { neverReady: true } } }),
  "a failed job": scenario({
    intent: intent({ web: service(strategies.blueGreen) }),
    jobs: { smoke: { state: "failed", because: "exited with 1" } },
  }),
  "a metric source that is silent, and a person who goes on": scenario({
    metricsDownBetween: [minute, 8 * minute],
    said: [{ atMs: 5 * minute, fact: { kind: "promoted", by: "bo", full: true } }],
  }),
  "a hold that nobody answers": scenario({
    intent: intent({ web: service(canary) }, { hold: { withinMs: 3 * minute, onDeadline: "rollback" } }),
    requestsPerSecond: 0.2,
  }),
  "an approval": scenario({
    intent: intent({ web: service(strategies.rolling) }, { admission: [approval] }),
    said: [{ atMs: minute, fact: { kind: "approved", node: "admission", step: 0, by: "bo", roles: ["ops"] } }],
  }),
  "a failure that holds and asks": scenario({
    intent: intent({ web: service(canary) }, { onFailure: "hold" }),
    behaviours: bad(0.3),
    said: [{ atMs: 2 * minute, fact: { kind: "abort asked", by: "bo", reason: "enough" } }],
  }),
  "a spent budget": scenario({
    intent: intent({ web: service({ ...canary, exposure: { requestsMax: 400, onSpent: "rollback" } }) }),
  }),
  "a first deployment": { intent: intent({ web: service(canary) }) },
};

describe("each decision comes out the same again", () => {
  for (const [name, life] of Object.entries(lives)) {
    test(name, async () => {
      const world = await simulate(life);
      expect(world.outcome).toBeDefined();
      const decisions = await why(world);
      expect(decisions).toHaveLength(world.events.length);
      expect(decisions.filter(({ replay }) => replay.result === "differs")).toEqual([]);
      const unknown = decisions.flatMap(({ kind, replay }) => (replay.result === "not replayed" ? [kind] : []));
      expect(new Set(unknown)).toEqual(new Set(unknown.filter((kind) => /job|step|resumed/.test(kind))));
    });
  }
});

describe("a record that was changed is told", () => {
  const rolledBack = () => simulate(scenario({ behaviours: bad(0.3) }));

  function altered(events: readonly Event[], kind: string, change: object): readonly Event[] {
    return events.map((event) =>
      event.fact.kind === kind ? { ...event, fact: Object.assign({ ...event.fact }, change) } : event,
    );
  }

  test("evidence of which one count is another", async () => {
    const world = await rolledBack();
    const evidence: EvidenceStore = {
      put: async () => {},
      get: async (at) => {
        const [first, ...rest] = await world.evidence.get(at);
        if (first === undefined || !isInterval(first)) return [];
        const requests = (first.candidate.other?.requests ?? 0) + 1;
        return [
          { ...first, candidate: { other: { latency: [], errors: 0, ...first.candidate.other, requests } } },
          ...rest,
        ];
      },
    };
    const [found] = await differences({ events: world.events, evidence });
    expect(found).toMatchObject({ kind: "judged", replay: { instead: expect.stringContaining("digest") } });
  });

  test("evidence that is gone is not taken for another decision", async () => {
    const world = await rolledBack();
    const none: EvidenceStore = { put: async () => {}, get: async () => [] };
    expect(await differences({ events: world.events, evidence: none })).toEqual([]);
  });

  test("a verdict, a plan, an observation, an outcome", async () => {
    const { events, evidence } = await rolledBack();
    const seen = { revisions: { "web-1": { ready: 4, running: 4, traffic: 100 } } };
    const changes = { judged: { verdict: "pass" }, "step done": { seen }, ended: { outcome: "succeeded" } };
    for (const [kind, change] of Object.entries(changes)) {
      const found = await differences({ events: altered(events, kind, change), evidence });
      expect(found.map((one) => one.kind)).toContain(kind);
    }
    const other = events.map((event) =>
      event.fact.kind === "planned"
        ? { ...event, fact: { ...event.fact, plan: { ...event.fact.plan, onFailure: "hold" as const } } }
        : event,
    );
    expect((await differences({ events: other, evidence })).map(({ kind }) => kind)).toContain("planned");
  });

  test("an approval by somebody who might not", async () => {
    const { events, evidence } = await simulate(lives["an approval"] ?? scenario());
    const found = await differences({ events: altered(events, "approved", { roles: ["dev"] }), evidence });
    expect(found[0]).toMatchObject({ kind: "approved", replay: { instead: expect.stringContaining("no such role") } });
  });
});

test("a verdict is told with its numbers", async () => {
  const world = await simulate(scenario({ behaviours: bad(0.3) }));
  const [verdict] = (await why(world)).filter(({ kind }) => kind === "judged").slice(-1);
  expect(verdict?.inputs).toMatchInlineSnapshot(`
    [
      "after 13.5 s of 3 min; 2 observations of web",
      "fail: errors of web: absolute limit: errors of web 30 % (30 of 100), more than the limit of 5 %",
      "hold: web against stable: suspicion, not advancing: errors: 30 % against 0.22 % on stable; odds 40:1 against this being chance",
    ]
  `);
});
