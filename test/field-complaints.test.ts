// What cost users of Argo Rollouts (AR), Flagger (FL), Spinnaker (SP), Kargo (KG), PipeCD (PC), ECS, SST and others an outage
// or a night, by the number of their issue; and what Sluice does instead, in the simulated world.
import { describe, expect, test } from "vitest";
import { shareOf } from "../src/domain/frame.ts";
import type { IntendedService, Intent } from "../src/domain/plan.ts";
import type { Strategy } from "../src/domain/strategy.ts";
import type { Behaviour } from "../src/simulation/sim-target.ts";
import { type Scenario, type Simulated, simulate } from "../src/simulation/simulate.ts";
import { bake, intent, service, strategies } from "../src/testing/intents.ts";

const bad: Behaviour = { errors: { share: 0.5, afterMs: 0 } };
const abort = { kind: "abort asked", by: "bo", reason: "no" } as const;

interface Web extends Omit<Partial<Scenario>, "intent"> {
  readonly service?: Partial<IntendedService>;
  readonly intends?: Partial<Intent>;
}

function web(strategy: Strategy, { service: more, intends, ...scenario }: Web = {}): Promise<Simulated> {
  return simulate({ intent: intent({ web: service(strategy, more) }, intends), stands: { web: "web-1" }, ...scenario });
}

function framesOf(world: Simulated, name = "web") {
  return (world.targets.get(name)?.frames ?? []).map(({ at, frame }) => ({ at, of: (r: string) => shareOf(frame, r) }));
}

function trafficAtEnd(world: Simulated, name = "web"): Readonly<Record<string, number>> {
  const last = world.targets.get(name)?.weights.at(-1)?.traffic ?? {};
  return Object.fromEntries(Object.entries(last).filter(([, share]) => share > 0));
}

function most(world: Simulated, revision: string): number {
  return Math.max(...framesOf(world).map(({ of }) => of(revision).traffic));
}

function at(world: Simulated, kind: string): number | undefined {
  const [first] = world.events;
  const found = world.events.find(({ fact }) => fact.kind === kind);
  return first === undefined || found === undefined ? undefined : found.at - first.at;
}

describe("going back", () => {
  test.each(Object.entries(strategies))(
    "an abort leaves no traffic on the candidate of %s, at whatever moment it comes (AR #4841)",
    async (_, strategy: Strategy) => {
      const calm = await web(strategy);
      for (let atMs = 500; atMs < calm.endedAfterMs - 500; atMs += Math.ceil(calm.endedAfterMs / 25)) {
        const world = await web(strategy, { said: [{ atMs, fact: abort }] });
        expect([world.outcome, trafficAtEnd(world)], `after ${atMs} ms`).toEqual(["aborted", { "web-1": 100 }]);
        expect(framesOf(world).at(-1)?.of("web-2").capacity).toBe(0);
        expect(world.violations).toEqual([]);
      }
    },
  );

  test("a rollback never sends most of the traffic to a canary that was sized for a tenth (AR #4612)", async () => {
    const world = await web(strategies.canary, { behaviours: { "web-2": bad }, service: { size: 10 } });
    expect(world.outcome).toBe("rolled back");
    expect(most(world, "web-2")).toBe(10);
    for (const { of } of framesOf(world)) expect(of("web-2").capacity).toBeGreaterThanOrEqual(of("web-2").traffic);
  });

  test("it is one shift and one farewell, and does not walk back the steps that led there (AR #574, #537, #2168)", async () => {
    const many: Strategy = {
      kind: "canary",
      steps: [5, 10, 20, 40, 60, 80].map((weight) => ({ kind: "setWeight" as const, weight })),
    };
    const world = await web(many, { intends: { verify: [bake(60_000)] }, behaviours: { "web-2": bad } });
    const back = world.events.filter(({ fact }) => fact.kind === "walked back");
    expect([world.outcome, back.length]).toEqual(["rolled back", 2]);
    expect((at(world, "ended") ?? 0) - (at(world, "retreat") ?? 0)).toBeLessThan(1000);
  });

  test("the candidate goes only after its traffic has left, as the router reports it (PC #4710, #1600; AR #4973)", async () => {
    const world = await web(strategies.canary, { behaviours: { "web-2": bad }, routerLagMs: 5000 });
    const weights = world.targets.get("web")?.weights ?? [];
    const left = weights.find(
      ({ traffic }, i) => traffic["web-2"] === 0 && (weights[i - 1]?.traffic["web-2"] ?? 0) > 0,
    );
    const gone = framesOf(world).find((frame) => frame.at > (left?.at ?? 0) && frame.of("web-2").capacity === 0);
    expect([left, gone]).not.toContain(undefined);
    expect((gone?.at ?? 0) - (left?.at ?? 0)).toBeGreaterThanOrEqual(5000);
  });

  test("a cancelled rollout leaves no replica of the candidate behind (PC #4329)", async () => {
    const world = await web(strategies.blueGreen, { said: [{ atMs: 20_000, fact: abort }] });
    expect((await world.targets.get("web")?.observe())?.revisions["web-2"]?.ready ?? 0).toBe(0);
    expect(framesOf(world).at(-1)?.of("web-2").capacity).toBe(0);
  });

  test("what was taken back does not come again by itself (AR #2929, #4926; KG #3016)", async () => {
    const world = await web(strategies.canary, { behaviours: { "web-2": bad } });
    expect(world.run.phase).toMatchObject({ kind: "ended", outcome: "rolled back", stands: { web: "web-1" } });
    const after = framesOf(world).slice(
      framesOf(world).findIndex(
        ({ at: when }) => when >= (world.events.find(({ fact }) => fact.kind === "retreat")?.at ?? 0),
      ),
    );
    expect(after.every(({ of }) => of("web-2").traffic === 0)).toBe(true);
  });

  test("a revision is artifact, config and secrets together, so going back restores all of them (AR #1297, #2669, #958)", async () => {
    // A release that changes only config has another revision, and is rolled out and taken back like any other.
    const world = await web(strategies.canary, {
      service: { revision: "web-1+config" },
      behaviours: { "web-1+config": bad },
    });
    expect([world.outcome, trafficAtEnd(world)]).toEqual(["rolled back", { "web-1": 100 }]);
  });
});

describe("stuck for ever", () => {
  test.each(Object.entries(strategies))(
    "replicas that never become ready end the rollout of %s by its deadline (AR #4128; ECS #1206)",
    async (_, strategy: Strategy) => {
      const world = await web(strategy, {
        behaviours: { "web-2": { neverReady: true } },
        service: { withinMs: 120_000 },
      });
      expect(world.outcome).toBe("rolled back");
      expect(world.endedAfterMs).toBeLessThan(2 * 120_000 + 10_000);
    },
  );

  test("a crash loop is seen at once, not after hours or at the deadline (ECS #1488, #328; copilot #5296)", async () => {
    const world = await web(strategies.canary, { behaviours: { "web-2": { crashesAfterMs: 1600 } } });
    expect(world.outcome).toBe("rolled back");
    expect(world.endedAfterMs).toBeLessThan(5_000);
  });

  test("a rolling deployment counts broken replicas against the share that it may lose (ECS #1573)", async () => {
    const world = await web(
      { ...strategies.rolling, maxFailureShare: 0 },
      { behaviours: { "web-2": { crashesAfterMs: 1600 } } },
    );
    expect(world.outcome).toBe("rolled back");
    expect(framesOf(world).every(({ of }) => of("web-2").traffic <= 25)).toBe(true);
  });

  test("a stable side that is itself broken does not keep a good release out (AR #1774)", async () => {
    const world = await web(strategies.canary, { behaviours: { "web-1": { crashesAfterMs: 61_000 } } });
    expect([world.outcome, trafficAtEnd(world)]).toEqual(["succeeded", { "web-2": 100 }]);
  });

  test("a rollback that cannot be finished ends as stuck and tells a person, by its deadline (PC #3468)", async () => {
    const dead: Behaviour = { crashesAfterMs: 61_000 };
    const world = await web(strategies.canary, {
      behaviours: { "web-1": dead, "web-2": bad },
      service: { withinMs: 60_000 },
    });
    expect(world.outcome).toBe("stuck");
    expect(world.run.phase).toMatchObject({ because: expect.stringContaining("could not be taken back within 60 s") });
  });

  test("a promotion that is under way ends, also when its router reports late (FL #1588)", async () => {
    const world = await web(strategies.canary, { routerLagMs: 20_000 });
    expect(world.outcome).toBe("succeeded");
  });

  test("nobody has to mend the record by hand: a failed rollout has ended, and the next may begin (FL #1152; KG #2795)", async () => {
    const world = await web(strategies.canary, { behaviours: { "web-2": bad } });
    expect(world.run.phase.kind).toBe("ended");
  });

  test("whoever drove it and died leaves no lock: another takes over when the lease ends (SST #5096, #4011; SP #6224)", async () => {
    const crash = { call: 40, when: "after" } as const;
    const world = await web(strategies.canary, { faults: [crash], downtimeMs: 1 });
    expect(world.outcome).toBe("succeeded");
    expect(world.events.find(({ fact }) => fact.kind === "resumed")?.fact).toMatchObject({ worker: "w2" });
  });

  test("a restart in the middle of a bake does not begin the bake again (PipeCD loses the elapsed time)", async () => {
    const calm = await web(strategies.canary);
    const world = await web(strategies.canary, { faults: [{ call: Math.floor(calm.calls / 3), when: "after" }] });
    expect(Math.abs(world.endedAfterMs - calm.endedAfterMs)).toBeLessThan(1000);
  });
});

describe("checks", () => {
  test("a check that was cut short is never a pass: skipped by a person, it says so (AR #2931)", async () => {
    const promoted = { kind: "promoted", by: "bo", full: true } as const;
    const world = await web(strategies.canary, { said: [{ atMs: 10_000, fact: promoted }] });
    expect(world.outcome).toBe("succeeded");
    expect(world.history.filter((line) => line.startsWith("judged"))).toEqual([]);
    const aborted = await web(strategies.canary, { said: [{ atMs: 10_000, fact: abort }] });
    expect(aborted.history.filter((line) => line.includes('"verdict":"pass"'))).toEqual([]);
  });

  test("no data is no verdict: it holds and asks, neither passes nor rolls back (AR #1905, #179; FL #1353, #1035; Harness passes)", async () => {
    const world = await web(strategies.canary, { requestsPerSecond: 0, endsWithinMs: 600_000 });
    expect([world.outcome, world.run.hold?.cause]).toEqual([undefined, undefined]);
    expect(world.run.hold?.because).toContain("too few requests");
    expect(most(world, "web-2")).toBe(10);
  });

  test("a handful of requests proves nothing, however few of them failed (AR #1945; FL #1689)", async () => {
    const few = await web(strategies.canary, {
      requestsPerSecond: 2,
      behaviours: { "web-2": bad },
      endsWithinMs: 120_000,
    });
    expect(few.outcome).toBeUndefined();
    expect(few.run.hold?.because).toContain("too few requests");
  });

  test("a metric source that is down is not a bad release: it holds, and goes on when it answers (FL rolls back, AR aborts after four)", async () => {
    const world = await web(strategies.canary, { metricsDownBetween: [5_000, 300_000] });
    expect(world.outcome).toBe("succeeded");
    expect(world.history.some((line) => line.includes('"verdict":"errored"'))).toBe(true);
    expect(world.history.some((line) => line.startsWith("retreat"))).toBe(false);
  });

  test("a release that is bad all along is found though the source was down when it started (ECS ignores an alarm that was red before)", async () => {
    const world = await web(strategies.canary, { metricsDownBetween: [0, 300_000], behaviours: { "web-2": bad } });
    expect(world.outcome).toBe("rolled back");
    expect(most(world, "web-2")).toBe(10);
  });

  test("each decision is written with the numbers that decided it (AR #2087, #935)", async () => {
    const world = await web(strategies.canary, { behaviours: { "web-2": bad } });
    const judged = world.events.find(({ fact }) => fact.kind === "judged")?.fact;
    expect(judged).toMatchObject({
      verdict: "fail",
      because: expect.stringMatching(/50 % \(\d+ of \d+\).*limit of 5 %/),
    });
  });
});

describe("capacity", () => {
  test.each(Object.entries(strategies))(
    "%s shifts at promotion and at abort only onto what is ready (FL #1600, #381; AR #1453, #4433, #2864)",
    async (_, strategy: Strategy) => {
      const slow: Behaviour = { readyAfterMs: 20_000 };
      const behaviours = { "web-1": slow, "web-2": slow };
      for (const said of [[], [{ atMs: 15_000, fact: abort }]]) {
        const world = await web(strategy, { behaviours, said, service: { size: 7 } });
        expect(world.violations).toEqual([]);
        expect(world.outcome).toBe(said.length === 0 ? "succeeded" : "aborted");
      }
    },
  );

  test("the stable side is never scaled away while it may be needed (AR #1415, #2050)", async () => {
    for (const strategy of [strategies.canary, strategies.blueGreen]) {
      const world = await web(strategy, { intends: { verify: [bake(120_000)] } });
      const settled = world.events.findLast(({ fact }) => fact.kind === "judged")?.at ?? 0;
      expect(
        framesOf(world)
          .filter((frame) => frame.at < settled)
          .every(({ of }) => of("web-1").capacity === 100),
      ).toBe(true);
    }
  });

  test("replicas that flap for a moment do not end a healthy rollout (kamal-proxy #71, #60)", async () => {
    const world = await web(strategies.canary, { behaviours: { "web-1": { awayBetween: [20_000, 26_000] } } });
    expect(world.outcome).toBe("succeeded");
  });
});

describe("several at once", () => {
  const three = {
    users: service(strategies.rolling, { revision: "users-2" }),
    orders: service(strategies.canary, { revision: "orders-2", dependsOn: ["users"] }),
    web: service(strategies.canary, { dependsOn: ["orders"] }),
  };
  const stands = { users: "users-1", orders: "orders-1", web: "web-1" };

  test("services of one release go out together or not at all, and back in reverse order (AR #2088, #451; KG #907)", async () => {
    const world = await simulate({ intent: intent(three), stands, behaviours: { "web-2": bad } });
    expect(world.outcome).toBe("rolled back");
    expect(Object.keys(stands).map((name) => trafficAtEnd(world, name))).toEqual([
      { "users-1": 100 },
      { "orders-1": 100 },
      { "web-1": 100 },
    ]);
    const walked = world.events.flatMap(({ fact }) => (fact.kind === "walked back" ? [fact.service] : []));
    expect([...new Set(walked)]).toEqual(["web", "orders", "users"]);
  });

  test("a newer release takes the place of one that is under way, which ends where it began (KG #3108)", async () => {
    const superseded = { kind: "superseded", by: "d2" } as const;
    const world = await web(strategies.canary, { said: [{ atMs: 90_000, fact: superseded }] });
    expect([world.outcome, trafficAtEnd(world)]).toEqual(["superseded", { "web-1": 100 }]);
  });

  test("a message that is delivered twice, or late, never reopens what has ended (SP #7921, #5952)", async () => {
    const calm = await web(strategies.canary);
    for (const share of [0.2, 0.5, 0.8, 0.99]) {
      const call = Math.floor(calm.calls * share);
      const twice = { call, when: "after", does: { kind: "arrives twice", byMs: 120_000 } } as const;
      const stopped = { call: call + 3, when: "before", does: { kind: "stopped", forMs: 300_000 } } as const;
      const world = await web(strategies.canary, { faults: [twice, stopped] });
      expect(world.events.filter(({ fact }) => fact.kind === "ended").length).toBe(1);
      expect(world.events.at(-1)?.fact).toMatchObject({ kind: "ended", outcome: "succeeded" });
    }
  });
});

describe("people", () => {
  test("a failed rollout that holds can be tried again from where it failed (AR #3120)", async () => {
    const world = await simulate({
      intent: intent({ web: service(strategies.blueGreen) }, { onFailure: "hold" }),
      stands: { web: "web-1" },
      // The answer that the first attempt was waiting for comes, and a person asks again.
      behaviours: { "web-2": { readyAfterMs: 200_000 } },
      said: [{ atMs: 210_000, fact: { kind: "retried", by: "bo" } }],
    });
    expect(world.history.some((line) => line.startsWith("on hold"))).toBe(true);
    expect(world.outcome).toBe("succeeded");
  });

  test("smoke tests are a phase of their own, before any traffic moves, and their failure goes back (AR #4471; FL #555)", async () => {
    const world = await web(strategies.blueGreen, { jobs: { smoke: { state: "failed", because: "exit code 1" } } });
    expect([world.outcome, most(world, "web-2")]).toEqual(["rolled back", 0]);
  });

  test("a pause stops everything where it is, and a person can fail it by hand from there (Octopus #3703; FL #724)", async () => {
    const paused = { kind: "paused", by: "bo" } as const;
    const world = await web(strategies.canary, {
      said: [
        { atMs: 20_000, fact: paused },
        { atMs: 900_000, fact: abort },
      ],
    });
    expect([world.outcome, most(world, "web-2"), trafficAtEnd(world)]).toEqual(["aborted", 10, { "web-1": 100 }]);
  });

  test("gates of a first deployment are not skipped (AR skips every step)", async () => {
    const gated: Strategy = { ...strategies.blueGreen };
    const world = await simulate({
      intent: intent({ web: service(gated) }),
      jobs: { smoke: { state: "failed", because: "no" } },
    });
    expect(world.outcome).toBe("failed");
    expect(most(world, "web-2")).toBe(0);
  });
});
