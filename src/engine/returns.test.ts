// Returns, drills, restarts, retirements and second tries, played with the real engine in the simulated world.
import { describe, expect, test } from "vitest";
import { drillTimes } from "../domain/drill.ts";
import { hurried } from "../domain/hurry.ts";
import { passedBy } from "../domain/passed.ts";
import type { IntendedService, Intent } from "../domain/plan.ts";
import { restarted } from "../domain/restart.ts";
import { type Scenario, type Simulated, simulate } from "../simulation/simulate.ts";
import { intent, service, strategies } from "../testing/intents.ts";

const smoke = { kind: "job", name: "smoke", withinMs: 60_000 } as const;
const two: Intent = intent(
  {
    api: service(strategies.canary, { revision: "api-2", size: 2 }),
    web: service(strategies.canary, { revision: "web-2", dependsOn: ["api"] }),
  },
  { verify: [smoke] },
);
const stands = { api: "api-1", web: "web-1" };

function trafficOf(world: Simulated, name: string): Readonly<Record<string, number>> {
  const last = world.targets.get(name)?.weights.at(-1)?.traffic ?? {};
  return Object.fromEntries(Object.entries(last).filter(([, share]) => share > 0));
}

function only(more: Partial<IntendedService>, rest: Partial<Scenario> = {}): Scenario {
  return { intent: intent({ web: service(strategies.canary, more) }), stands: { web: "web-1" }, ...rest };
}

describe("a return to an earlier release", () => {
  test("moves what depends on others before them, at once, and is verified by its jobs", async () => {
    const world = await simulate({ intent: hurried(two), stands });
    expect(world.outcome).toBe("succeeded");
    expect(world.violations).toEqual([]);
    expect(world.jobsEffective).toEqual({ smoke: 1 });
    const order = world.history
      .filter((line) => line.startsWith("step done"))
      .map((line) => /"node":"(\w+)"/.exec(line)?.[1]);
    expect(order.indexOf("web")).toBeLessThan(order.indexOf("api"));
  });

  test("leaves everything as it was when the earlier release cannot be started", async () => {
    const world = await simulate({ intent: hurried(two), stands, behaviours: { "api-2": { neverReady: true } } });
    expect(world.outcome).toBe("rolled back");
    expect(trafficOf(world, "web")).toEqual({ "web-1": 100 });
  });

  test("of each service by itself goes on with the others when one fails, and reports it", async () => {
    const each = hurried(two, { withinMs: 300_000, services: "each" });
    const world = await simulate({ intent: each, stands, behaviours: { "web-2": { neverReady: true } } });
    expect(world.outcome).toBe("stuck");
    expect(world.violations).toEqual([]);
    expect([trafficOf(world, "api"), trafficOf(world, "web")]).toEqual([{ "api-2": 100 }, { "web-1": 100 }]);
    expect(world.run.phase).toMatchObject({
      because: expect.stringContaining("web could not be taken back"),
      stands: { api: "api-2", web: "web-1" },
    });
  });

  test("that is not verified keeps the earlier release's traffic and calls a person: what it left was worse", async () => {
    const jobs = { smoke: { state: "failed", because: "exit 1" } } as const;
    const world = await simulate({ intent: hurried(two), stands, jobs });
    expect(world.outcome).toBe("stuck");
    expect(world.run.phase).toMatchObject({
      because: expect.stringContaining("not verified"),
      stands: { web: "web-2" },
    });
    expect(trafficOf(world, "web")).toEqual({ "web-2": 100 });
  });

  test("has a deadline, five minutes by default", async () => {
    const jobs = { smoke: { state: "running" } } as const;
    const long = { ...two, verify: [{ ...smoke, withinMs: 86_400_000 }] };
    const world = await simulate({ intent: hurried(long), stands, jobs });
    expect(world.run.phase).toMatchObject({
      outcome: "stuck",
      because: expect.stringContaining("not back and verified within 5 min"),
    });
  });
});

describe("a drill", () => {
  const drill: Intent = { ...hurried(two), drill: true };

  test("goes back, is verified, returns, and says how long each took", async () => {
    const world = await simulate({ intent: drill, stands, routerLagMs: 500 });
    expect(world.outcome).toBe("succeeded");
    expect(world.violations).toEqual([]);
    expect(world.run.phase).toMatchObject({ stands });
    expect(trafficOf(world, "web")).toEqual({ "web-1": 100 });
    const given = world.targets.get("web")?.weights.map(({ traffic }) => traffic["web-2"] ?? 0);
    expect(Math.max(...(given ?? []))).toBe(100);
    const { backMs = 0, returnMs = 0 } = drillTimes(world.run);
    expect(backMs).toBeGreaterThan(0);
    expect(returnMs).toBeGreaterThan(0);
  });

  test("never lets the side that stood go below full size", async () => {
    const world = await simulate({ intent: drill, stands });
    const sizes = world.targets.get("web")?.frames.map(({ frame }) => frame.revisions["web-1"]?.capacity);
    expect(new Set(sizes)).toEqual(new Set([100]));
  });

  test("of a release that does not come up any more changes nothing, and fails", async () => {
    const world = await simulate({ intent: drill, stands, behaviours: { "web-2": { neverReady: true } } });
    expect(world.outcome).toBe("rolled back");
    expect(trafficOf(world, "web")).toEqual({ "web-1": 100 });
  });
});

describe("a restart", () => {
  const standing = "web-0123456789ab";

  test("moves the unchanged release by its strategy", async () => {
    const world = await simulate(only({ revision: restarted(standing, "7") }, { stands: { web: standing } }));
    expect(world.outcome).toBe("succeeded");
    expect(world.violations).toEqual([]);
    expect(world.run.phase).toMatchObject({ stands: { web: `${standing}-r7` } });
  });

  test("does nothing when something else has come to stand meanwhile", async () => {
    const world = await simulate(only({ revision: restarted(standing, "7") }, { stands: { web: "web-ffffffffffff" } }));
    expect(world.run.phase).toMatchObject({ outcome: "succeeded", stands: { web: "web-ffffffffffff" } });
  });

  test("is no change to the deployment that comes after it", async () => {
    const world = await simulate(only({ revision: standing }, { stands: { web: restarted(standing, "7") } }));
    expect(world.run.plan?.unchanged).toEqual(["web"]);
  });
});

describe("a service that the configuration has no more", () => {
  test("stays, and the plan says so", async () => {
    const world = await simulate(only({}, { stands: { web: "web-1", mailer: "mailer-1" } }));
    expect(world.run.plan?.orphans).toEqual(["mailer"]);
    expect(world.run.phase).toMatchObject({ stands: { web: "web-2", mailer: "mailer-1" } });
  });

  test("is drained and gone once a person agreed", async () => {
    const retire = { mailer: { size: 2, serves: true, withinMs: 60_000 } };
    const world = await simulate({ intent: intent({}, { retire, isPart: true }), stands: { mailer: "mailer-1" } });
    expect(world.outcome).toBe("succeeded");
    expect(world.run.phase).toMatchObject({ stands: {} });
    const frames = world.targets.get("mailer")?.frames.map(({ frame }) => frame.revisions["mailer-1"]);
    expect(frames?.slice(-2)).toEqual([
      { capacity: 100, traffic: 0 },
      { capacity: 0, traffic: 0 },
    ]);
  });
});

describe("a deployment that failed, tried again", () => {
  test("starts at the step that failed and asks for nothing that was passed", async () => {
    const failed = await simulate(only({}, { behaviours: { "web-2": { errors: { share: 0.5, afterMs: 70_000 } } } }));
    expect(failed.outcome).toBe("rolled back");
    const again = await simulate({
      ...only({}),
      intent: { ...intent({ web: service(strategies.canary) }), passed: passedBy(failed.run) },
    });
    expect(again.outcome).toBe("succeeded");
    expect(again.violations).toEqual([]);
    const bakes = (world: Simulated) => world.run.plan?.nodes[0]?.steps.filter(({ kind }) => kind === "bake").length;
    expect([bakes(failed), bakes(again)]).toEqual([2, 1]);
    expect(again.endedAfterMs).toBeLessThan(100_000);
  });

  test("is planned whole where something else stands now", async () => {
    const passed = { stands: { web: "web-0" }, steps: { web: 5 } };
    const world = await simulate({ ...only({}), intent: { ...intent({ web: service(strategies.canary) }), passed } });
    expect(world.run.plan?.nodes[0]?.steps.filter(({ kind }) => kind === "bake").length).toBe(2);
  });
});

test("a deployment of a part leaves the environment its name, and says which release brought the part", async () => {
  const world = await simulate({
    intent: { ...intent({ web: service(strategies.blueGreen) }), isPart: true },
    stands: { api: "api-1", web: "web-1" },
  });
  expect(world.events.at(-1)?.fact).toMatchObject({
    kind: "ended",
    stands: { api: "api-1", web: "web-2" },
    release: { version: "1" },
    releases: { web: { version: "2" } },
  });
});
