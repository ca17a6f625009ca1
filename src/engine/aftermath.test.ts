// What follows on the end of a deployment, and how many may see a candidate before: both with the real engine.
import { describe, expect, test } from "vitest";
import { Problem } from "../domain/problem.ts";
import { fold, type Run } from "../domain/run.ts";
import type { Exposure } from "../domain/strategy.ts";
import type { Condition, Watch } from "../domain/watch.ts";
import { same } from "../domain/why.ts";
import { Striker } from "../simulation/faults.ts";
import { SimClock } from "../simulation/sim-clock.ts";
import { SimJournal } from "../simulation/sim-journal.ts";
import { settleStanding, worldOf } from "../simulation/sim-world.ts";
import { type Scenario, type Simulated, simulate } from "../simulation/simulate.ts";
import { bake, intent, service, strategies } from "../testing/intents.ts";
import type { After } from "./ports.ts";
import { decisionsOf } from "./why.ts";
import { Worker } from "./worker.ts";

const minute = 60_000;

interface Watched {
  readonly conditions: readonly Condition[];
  readonly manualApprovalRequired?: boolean;
  readonly behaviours?: Scenario["behaviours"];
  readonly after?: Partial<After>;
  /** Workers die, and their memory with them, every so often. */
  readonly diesEveryMs?: number;
}

/** Deploys, then lets the watch run to its end; answers the run and what was asked. */
async function watched({ conditions, manualApprovalRequired = false, after, diesEveryMs, behaviours = {} }: Watched) {
  const watch: Watch = { lastsMs: 30 * minute, manualApprovalRequired, conditions };
  const scenario: Scenario = {
    intent: intent({ web: service(strategies.blueGreen) }, { watch }),
    stands: { web: "web-1" },
    behaviours,
  };
  const clock = new SimClock();
  const journal = new SimJournal(clock);
  const { ports, claims } = await worldOf(scenario, { clock, journal, striker: new Striker([], clock) });
  await settleStanding({ ...scenario, intent: intent({ web: service(strategies.blueGreen) }) }, journal);
  const release = { id: "r2", version: "2" };
  const requested = { kind: "requested", environment: "production", release, by: "ana" } as const;
  await journal.append("d1", 0, { ...requested, intent: scenario.intent });
  const asked: { readonly because: string; readonly asks: boolean }[] = [];
  const port: After = {
    standing: async () => "here",
    health: async () => ({}),
    goBack: async (_run, why) => {
      asked.push(why);
      return "d1-back";
    },
    ...after,
  };
  const newWorker = () => new Worker({ name: "w", ports: { ...ports, after: port }, claims, leaseMs: 15_000 });
  let worker = newWorker();
  let diesAt = clock.now() + (diesEveryMs ?? Number.POSITIVE_INFINITY);
  for (const until = clock.now() + 60 * minute; clock.now() < until; ) {
    if (clock.now() >= diesAt) {
      worker = newWorker();
      diesAt = clock.now() + (diesEveryMs ?? 0);
    }
    if (!(await worker.once())) await clock.sleep(1000);
  }
  const events = await journal.read("d1");
  const run = fold(events) as Run;
  const among = async () => ({ inputs: [], replay: same });
  const decisions = await decisionsOf(events, { evidence: ports.evidence, digest: ports.digest, among });
  expect(decisions.filter(({ replay }) => replay.result === "differs")).toEqual([]);
  return { run, asked, why: decisions.find(({ kind }) => kind === "triggered") };
}

const errors: Condition = { kind: "errors", rateMax: 0.05, minimumRequests: 100, forMs: 2 * minute };

describe("a watch after the end", () => {
  test("takes back a release that went bad later, by the share of errors over its time", async () => {
    const behaviours = { "web-2": { errors: { share: 0.3, afterMs: 10 * minute } } };
    const { run, asked, why } = await watched({ conditions: [errors], behaviours });
    expect(why).toMatchObject({
      replay: same,
      inputs: [
        expect.stringContaining("errors above 5 % for 2 min"),
        expect.stringContaining("limit 5 %"),
        "it had held for 2 min of 2 min",
        "nobody is asked first",
      ],
    });
    expect(run.phase).toMatchObject({ kind: "ended", outcome: "succeeded" });
    expect(asked).toHaveLength(1);
    expect(asked[0]).toMatchObject({
      asks: false,
      because: expect.stringMatching(/error share of web: .*limit 5 %, for 2 min/),
    });
    expect(run.aftermath).toMatchObject({ condition: "error share of web", deployment: "d1-back" });
  });

  test("leaves a good release alone", async () => {
    const latency: Condition = { kind: "latency", quantile: 0.99, limitMs: 3000, minimumRequests: 100, forMs: minute };
    const { run, asked } = await watched({ conditions: [errors, latency] });
    expect([asked, run.aftermath]).toEqual([[], undefined]);
  });

  test("asks a person first where the environment says so", async () => {
    const behaviours = { "web-2": { errors: { share: 0.3, afterMs: 10 * minute } } };
    const { asked } = await watched({ conditions: [errors], behaviours, manualApprovalRequired: true });
    expect(asked.map(({ asks }) => asks)).toEqual([true]);
  });

  test("sees slow answers, ill health, a lost database and any number of a metric source", async () => {
    const slow: Condition = { kind: "latency", quantile: 0.95, limitMs: 500, minimumRequests: 100, forMs: minute };
    const behaviours = { "web-2": { latencyMs: 2000, metrics: { queue: { value: 9, afterMs: 5 * minute } } } };
    const queue: Condition = { kind: "metric", source: "x", query: "queue", comparator: ">", limit: 5, forMs: minute };
    const health = async () => ({ health: "degraded", parts: { database: "unhealthy" } }) as const;
    const ill: Condition = { kind: "health", atLeast: "degraded", forMs: minute };
    const database: Condition = { kind: "part", part: "database", forMs: minute };
    for (const condition of [slow, queue])
      expect((await watched({ conditions: [condition], behaviours })).asked).toHaveLength(1);
    for (const condition of [ill, database])
      expect((await watched({ conditions: [condition], after: { health } })).asked).toHaveLength(1);
  });

  test("takes nothing back for a condition that never held for its time", async () => {
    let looks = 0;
    const health = async () => ({ health: ++looks % 3 === 0 ? "healthy" : "unhealthy" }) as const;
    const ill: Condition = { kind: "health", atLeast: "unhealthy", forMs: minute };
    expect((await watched({ conditions: [ill], after: { health } })).asked).toEqual([]);
  });

  test("is over for a release that was replaced, and for services that it does not name", async () => {
    const behaviours = { "web-2": { errors: { share: 0.3, afterMs: 0 } } };
    const gone = await watched({ conditions: [errors], behaviours, after: { standing: async () => "gone" } });
    const other = await watched({ conditions: [{ ...errors, services: ["api"] }], behaviours });
    expect([gone.asked, other.asked]).toEqual([[], []]);
  });

  test("asks once however often its worker dies, and says so when there is nothing to return to", async () => {
    const behaviours = { "web-2": { errors: { share: 0.3, afterMs: 10 * minute } } };
    expect((await watched({ conditions: [errors], behaviours, diesEveryMs: 7000 })).asked).toHaveLength(1);
    const goBack = () => Promise.reject(new Problem("nothing stood there before", "Deploy"));
    const { run } = await watched({ conditions: [errors], behaviours, after: { goBack } });
    expect(run.aftermath?.refused).toContain("nothing stood there before");
  });
});

describe("an exposure budget", () => {
  const exposed = (exposure: Exposure, rest: Partial<Scenario> = {}): Scenario => ({
    intent: intent({ web: service({ ...strategies.canary, exposure }) }),
    stands: { web: "web-1" },
    ...rest,
  });

  /** Requests that the candidate really was sent, by the weights over time. */
  function seenBy(world: Simulated, perSecond = 100): number {
    const weights = world.targets.get("web")?.weights ?? [];
    return weights.reduce((sum, { at, traffic }, i) => {
      const until = weights[i + 1]?.at ?? world.events.at(-1)?.at ?? at;
      return sum + (((traffic["web-2"] ?? 0) / 100) * perSecond * (until - at)) / 1000;
    }, 0);
  }

  test("takes the candidate back before more requests have seen it than may", async () => {
    const world = await simulate(exposed({ requestsMax: 400, onSpent: "rollback" }));
    expect(world.outcome).toBe("rolled back");
    expect(world.violations).toEqual([]);
    expect(seenBy(world)).toBeLessThanOrEqual(400);
    expect(seenBy(world)).toBeGreaterThan(200);
  });

  test("gives its traffic back and asks, and goes on when a person says so", async () => {
    const said = [{ atMs: 10 * minute, fact: { kind: "promoted", by: "bo", full: false } as const }];
    const world = await simulate(exposed({ requestsMax: 400, onSpent: "hold" }, { said }));
    const before = { ...world, events: world.events.filter(({ fact }) => fact.kind !== "ended") };
    const spentAt = world.events.find(({ fact }) => fact.kind === "budget spent")?.at ?? 0;
    const weights = before.targets.get("web")?.weights ?? [];
    expect(weights.find(({ at }) => at >= spentAt)?.traffic).toEqual({ "web-1": 100, "web-2": 0 });
    expect(world.run.isUnbounded).toBe(true);
    expect(world.outcome).toBe("succeeded");
    expect(world.violations).toEqual([]);
  });

  test("that is large enough changes nothing; it ends with the last gate of the rollout", async () => {
    const world = await simulate({
      ...exposed({ requestsMax: 6000, onSpent: "rollback" }),
      intent: intent(
        { web: service({ ...strategies.canary, exposure: { requestsMax: 6000, onSpent: "rollback" } }) },
        { verify: [bake(600_000)] },
      ),
    });
    expect(world.outcome).toBe("succeeded");
    expect(seenBy(world)).toBeGreaterThan(6000);
  });

  test("counts users where a metric source can", async () => {
    const users = { max: 50, source: "prometheus", query: "users" };
    const behaviours = { "web-2": { metrics: { users: { value: 60, afterMs: 30_000 } } } };
    const world = await simulate(exposed({ users, onSpent: "rollback" }, { behaviours }));
    expect(world.run.phase).toMatchObject({ outcome: "rolled back", because: expect.stringContaining("60 users") });
  });
});
