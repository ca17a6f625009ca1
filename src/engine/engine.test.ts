import { describe, expect, test } from "vitest";
import type { Strategy } from "../domain/strategy.ts";
import { type Scenario, type Simulated, simulate } from "../simulation/simulate.ts";
import { bake, comparisonCheck, intent, service, strategies } from "../testing/intents.ts";

const stands = { web: "web-1" };

function web(strategy: Strategy, more: Partial<Scenario> = {}): Scenario {
  return { intent: intent({ web: service(strategy) }), stands, ...more };
}

function trafficAtEnd(world: Simulated, name = "web"): Readonly<Record<string, number>> {
  return Object.fromEntries(
    Object.entries(world.targets.get(name)?.weights.at(-1)?.traffic ?? {}).filter(([, w]) => w > 0),
  );
}

describe.each(Object.entries(strategies))("%s", (_name, strategy: Strategy) => {
  test("promotes a good candidate", async () => {
    const world = await simulate(web(strategy));
    expect(world.outcome).toBe("succeeded");
    expect(world.violations).toEqual([]);
    expect(trafficAtEnd(world)).toEqual({ "web-2": 100 });
    expect(world.run.phase).toMatchObject({ stands: { web: "web-2" } });
  });

  test("takes back a candidate that never becomes ready, and nobody was sent to it", async () => {
    const world = await simulate(web(strategy, { behaviours: { "web-2": { neverReady: true } } }));
    expect(world.outcome).toBe("rolled back");
    expect(world.violations).toEqual([]);
    expect(trafficAtEnd(world)).toEqual({ "web-1": 100 });
    const everGiven = world.targets.get("web")?.weights.some((w) => (w.traffic["web-2"] ?? 0) > 0);
    expect(everGiven).toBe(false);
  });

  test("takes back a candidate that crash-loops, though it can never be relied on", async () => {
    const world = await simulate(web(strategy, { behaviours: { "web-2": { crashesAfterMs: 1600 } } }));
    expect(world.outcome === "rolled back" || strategy.kind === "recreate").toBe(true);
    expect(world.violations).toEqual([]);
  });

  test("starts whole when nothing stood before", async () => {
    const world = await simulate({ intent: intent({ web: service(strategy) }) });
    expect(world.outcome).toBe("succeeded");
    expect(world.violations).toEqual([]);
    expect(trafficAtEnd(world)).toEqual({ "web-2": 100 });
  });

  test("ends as failed when the first deployment breaks: there is nothing to return to", async () => {
    const world = await simulate({
      intent: intent({ web: service(strategy) }),
      behaviours: { "web-2": { neverReady: true } },
    });
    expect(world.outcome).toBe("failed");
    expect(world.run.phase).toMatchObject({ stands: {} });
  });

  test("works with a single replica", async () => {
    const world = await simulate({ intent: intent({ web: service(strategy, { size: 1 }) }), stands });
    expect(world.outcome).toBe("succeeded");
    expect(world.violations).toEqual([]);
  });

  test("works for a queue worker, which has no traffic", async () => {
    const world = await simulate({ intent: intent({ web: service(strategy, { serves: false }) }), stands });
    expect(world.outcome === "succeeded" || world.run.hold !== undefined).toBe(true);
    expect(world.violations).toEqual([]);
  });

  test("goes back when a person aborts midway", async () => {
    const calm = await simulate(web(strategy));
    const abort = { kind: "abort asked", by: "bo", reason: "second thoughts" } as const;
    const world = await simulate(web(strategy, { said: [{ atMs: Math.round(calm.endedAfterMs / 2), fact: abort }] }));
    expect(world.outcome).toBe("aborted");
    expect(world.violations).toEqual([]);
    expect(trafficAtEnd(world)).toEqual({ "web-1": 100 });
  });
});

describe("canary", () => {
  test("is rolled back within an interval of the errors that show it is bad", async () => {
    const world = await simulate(
      web(strategies.canary, { behaviours: { "web-2": { errors: { share: 0.3, afterMs: 0 } } } }),
    );
    expect(world.outcome).toBe("rolled back");
    expect(world.run.phase).toMatchObject({ because: expect.stringContaining("more than the limit of 5 %") });
    expect(world.endedAfterMs).toBeLessThan(30_000);
  });

  test("is compared with stable: twice the errors, far below every absolute limit, are found and taken back", async () => {
    const compared: Strategy = {
      kind: "canary",
      steps: [{ kind: "setWeight", weight: 25 }, bake(900_000, [comparisonCheck])],
    };
    const worse = { "web-2": { errors: { share: 0.02, afterMs: 0 } } };
    const bad = await simulate(web(compared, { behaviours: worse, requestsPerSecond: 200 }));
    const good = await simulate(web(compared, { requestsPerSecond: 200 }));
    expect([bad.outcome, good.outcome]).toEqual(["rolled back", "succeeded"]);
    expect(bad.run.phase).toMatchObject({ because: expect.stringContaining("odds") });
  });

  test("keeps the old side running at full size until the whole deployment's bake has ended", async () => {
    const world = await simulate({
      intent: intent({ web: service(strategies.canary) }, { verify: [bake(120_000)] }),
      stands,
    });
    const frames = world.targets.get("web")?.frames ?? [];
    const last = frames.at(-1);
    const before = frames.filter((f) => f !== last && f.at < (last?.at ?? 0));
    expect(before.every((f) => f.frame.revisions["web-1"]?.capacity === 100)).toBe(true);
    expect(last?.frame.revisions).toEqual({ "web-2": { capacity: 100, traffic: 100 } });
  });

  test("is on hold, not rolled back and not promoted, when there is too little traffic to tell", async () => {
    const world = await simulate(web(strategies.canary, { requestsPerSecond: 1, endsWithinMs: 300_000 }));
    expect(world.outcome).toBeUndefined();
    expect(world.run.hold?.because).toContain("too few requests");
  });

  test("is on hold when its metric source is down, and goes on by itself when it answers again", async () => {
    const world = await simulate(web(strategies.canary, { metricsDownBetween: [10_000, 200_000] }));
    expect(world.history.some((h) => h.startsWith("on hold"))).toBe(true);
    expect(world.outcome).toBe("succeeded");
  });

  test("a hold that nobody answers goes back, never forward", async () => {
    const world = await simulate(web(strategies.canary, { requestsPerSecond: 0 }));
    expect(world.outcome).toBe("rolled back");
    expect(world.run.phase).toMatchObject({ because: expect.stringContaining("on hold for 30 min") });
  });

  test("a person's promote ends the hold", async () => {
    const promote = { kind: "promoted", by: "bo", full: true } as const;
    const world = await simulate(
      web(strategies.canary, { requestsPerSecond: 1, said: [{ atMs: 200_000, fact: promote }] }),
    );
    expect(world.outcome).toBe("succeeded");
    expect(world.violations).toEqual([]);
  });

  test("while paused it does not advance, and goes back when the candidate turns bad", async () => {
    const pause = { kind: "paused", by: "bo" } as const;
    const world = await simulate(
      web(strategies.canary, {
        said: [{ atMs: 20_000, fact: pause }],
        behaviours: { "web-2": { errors: { share: 0.5, afterMs: 300_000 } } },
      }),
    );
    expect(world.outcome).toBe("rolled back");
    const highest = Math.max(...(world.targets.get("web")?.weights ?? []).map((w) => w.traffic["web-2"] ?? 0));
    expect(highest).toBe(10);
  });
});

describe("recreate", () => {
  test("starts the new side only when the last replica of the old one is gone", async () => {
    const frames = (await simulate(web(strategies.recreate))).targets.get("web")?.frames ?? [];
    const stopped = frames.find(({ frame }) => frame.revisions["web-1"]?.capacity === 0);
    const started = frames.find(({ frame }) => (frame.revisions["web-2"]?.capacity ?? 0) > 0);
    // The simulated target drains for two seconds.
    expect((started?.at ?? 0) - (stopped?.at ?? 0)).toBeGreaterThanOrEqual(2000);
  });
});

describe("drift", () => {
  const atMs = 30_000;

  test("weights that somebody else has set are put right", async () => {
    const world = await simulate(
      web(strategies.canary, {
        meddled: [{ atMs, does: (targets) => targets.get("web")?.reweigh({ "web-1": 0, "web-2": 100 }) }],
      }),
    );
    const weights = world.targets.get("web")?.weights ?? [];
    const foreign = weights.findIndex(({ traffic }) => traffic["web-1"] === 0 && traffic["web-2"] === 100);
    expect(weights[foreign + 1]?.traffic).toEqual({ "web-1": 90, "web-2": 10 });
    expect((weights[foreign + 1]?.at ?? 0) - (weights[foreign]?.at ?? 0)).toBeLessThanOrEqual(2000);
  });

  test("replicas that somebody else has taken away are started again", async () => {
    const world = await simulate(
      web(strategies.canary, { meddled: [{ atMs, does: (targets) => targets.get("web")?.kill("web-1") }] }),
    );
    const frames = world.targets.get("web")?.frames ?? [];
    const begun = (frames[1]?.at ?? 0) + atMs;
    expect(
      frames.some(({ at, frame }) => at >= begun && at <= begun + 2000 && frame.revisions["web-1"]?.capacity === 100),
    ).toBe(true);
    expect(world.outcome).toBe("succeeded");
  });
});

describe("several services", () => {
  const three = {
    users: service(strategies.rolling, { revision: "users-2" }),
    orders: service(strategies.canary, { revision: "orders-2", dependsOn: ["users"] }),
    web: service(strategies.canary, { dependsOn: ["orders"] }),
  };
  const stood = { users: "users-1", orders: "orders-1", web: "web-1" };

  test("go out in dependency order and come back in reverse, all or none", async () => {
    const world = await simulate({
      intent: intent(three),
      stands: stood,
      behaviours: { "web-2": { errors: { share: 0.5, afterMs: 0 } } },
    });
    expect(world.outcome).toBe("rolled back");
    const back = world.events.flatMap((e) => (e.fact.kind === "walked back" ? [e.fact.service] : []));
    expect([...new Set(back)]).toEqual(["web", "orders", "users"]);
    expect(["users", "orders", "web"].map((name) => trafficAtEnd(world, name))).toEqual([
      { "users-1": 100 },
      { "orders-1": 100 },
      { "web-1": 100 },
    ]);
    expect(world.violations).toEqual([]);
  });

  test("a service that did not change is left alone", async () => {
    const world = await simulate({ intent: intent(three), stands: { ...stood, users: "users-2" } });
    expect(world.outcome).toBe("succeeded");
    expect(world.run.plan?.unchanged).toEqual(["users"]);
    expect(world.targets.get("users")?.frames.length).toBe(1);
  });
});

describe("gates", () => {
  test("a job runs from the release before any traffic moves, and its failure goes back", async () => {
    const world = await simulate(
      web(strategies.blueGreen, { jobs: { smoke: { state: "failed", because: "exit code 1" } } }),
    );
    expect(world.run.phase).toMatchObject({ outcome: "rolled back", because: "smoke: exit code 1" });
    expect(world.targets.get("web")?.weights.some((w) => (w.traffic["web-2"] ?? 0) > 0)).toBe(false);
  });

  test("an approval waits for its quorum of different people", async () => {
    const gated: Strategy = {
      kind: "canary",
      steps: [
        { kind: "setWeight", weight: 20 },
        { kind: "approve", policy: { roles: ["lead"], quorum: 2 }, withinMs: 3_600_000 },
      ],
    };
    const yes = (by: string) => ({ kind: "approved", node: "web", step: 2, by, roles: ["lead"] }) as const;
    const one = await simulate(
      web(gated, {
        said: [
          { atMs: 20_000, fact: yes("ana") },
          { atMs: 30_000, fact: yes("ana") },
        ],
      }),
    );
    const two = await simulate(
      web(gated, {
        said: [
          { atMs: 20_000, fact: yes("ana") },
          { atMs: 30_000, fact: yes("bo") },
        ],
      }),
    );
    expect([one.outcome, two.outcome]).toEqual(["rolled back", "succeeded"]);
  });

  test("nothing moves before the release was let in", async () => {
    const admission = [{ kind: "approve", policy: { roles: [], quorum: 1 }, withinMs: 3_600_000 }] as const;
    const asked = { intent: intent({ web: service(strategies.canary) }, { admission }), stands };
    const waiting = await simulate({ ...asked, endsWithinMs: 600_000 });
    expect(waiting.targets.get("web")?.frames.length).toBe(1);
    const yes = { kind: "approved", node: "admission", step: 0, by: "ana", roles: [] } as const;
    const world = await simulate({ ...asked, said: [{ atMs: 60_000, fact: yes }] });
    expect(world.outcome).toBe("succeeded");
  });

  test("a deployment that is superseded midway ends in the frame that it began in", async () => {
    const superseded = { kind: "superseded", by: "d2" } as const;
    const world = await simulate(web(strategies.canary, { said: [{ atMs: 70_000, fact: superseded }] }));
    expect(world.outcome).toBe("superseded");
    expect(trafficAtEnd(world)).toEqual({ "web-1": 100 });
    expect(world.violations).toEqual([]);
  });

  test("autoRollback off: a failed verdict holds and asks", async () => {
    const world = await simulate({
      intent: intent(
        { web: service(strategies.canary) },
        { onFailure: "hold", hold: { withinMs: 600_000, onDeadline: "stay" } },
      ),
      stands,
      behaviours: { "web-2": { errors: { share: 0.5, afterMs: 0 } } },
      endsWithinMs: 3_600_000,
    });
    expect(world.outcome).toBeUndefined();
    expect(world.run.hold?.cause?.kind).toBe("verdict");
  });
});
