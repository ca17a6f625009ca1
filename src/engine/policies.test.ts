// What an environment decides of its deployments: what a failure does to the services that have moved already, how many broken
// replicas are borne, how many failed checks.
import { describe, expect, test } from "vitest";
import type { Check } from "../domain/check.ts";
import type { Intent } from "../domain/plan.ts";
import { type Scenario, type Simulated, simulate } from "../simulation/simulate.ts";
import { bake, intent, service, strategies } from "../testing/intents.ts";

const minute = 60_000;

describe("ten services of which the seventh fails", () => {
  const names = Array.from({ length: 10 }, (_, i) => `s${i}`);
  const services = Object.fromEntries(
    names.map((name, i) => [
      name,
      service(strategies["rolling in place"], { revision: `${name}-2`, dependsOn: i === 0 ? [] : [`s${i - 1}`] }),
    ]),
  );
  const stands = Object.fromEntries(names.map((name) => [name, `${name}-1`]));
  const behaviours = { "s6-2": { neverReady: true } };

  function walkedBack({ events }: Simulated): readonly string[] {
    const walked = events.flatMap(({ fact }) => (fact.kind === "walked back" ? [fact.service] : []));
    return [...new Set(walked)];
  }

  function moved({ targets }: Simulated): readonly string[] {
    return [...targets].flatMap(([name, target]) =>
      target.weights.some(({ traffic }) => (traffic[`${name}-2`] ?? 0) > 0) ? [name] : [],
    );
  }

  test("go back in the reverse order, and those after it never move", async () => {
    const world = await simulate({ intent: intent(services), stands, behaviours });
    expect(world.outcome).toBe("rolled back");
    expect(world.violations).toEqual([]);
    expect(moved(world)).toEqual(["s0", "s1", "s2", "s3", "s4", "s5"]);
    expect(walkedBack(world)).toEqual(["s6", "s5", "s4", "s3", "s2", "s1", "s0"]);
    expect(world.run.phase).toMatchObject({ stands });
  });

  test("hold and ask where that is configured: six stay where they came, until a person says so", async () => {
    const held: Intent = intent(services, { onFailure: "hold", hold: { withinMs: 60 * minute, onDeadline: "stay" } });
    const asked = await simulate({ intent: held, stands, behaviours, endsWithinMs: 20 * minute });
    expect(asked.outcome).toBeUndefined();
    expect(asked.run.hold?.because).toContain("s6-2 has 0 of");
    expect(walkedBack(asked)).toEqual([]);
    const abort = { kind: "abort asked", by: "bo", reason: "no" } as const;
    const world = await simulate({ intent: held, stands, behaviours, said: [{ atMs: 20 * minute, fact: abort }] });
    expect(world.outcome).toBe("aborted");
    expect(walkedBack(world)).toEqual(["s6", "s5", "s4", "s3", "s2", "s1", "s0"]);
  });
});

describe("a rolling deployment", () => {
  const rolling = (maxFailureShare: number, crashing: number): Promise<Simulated> =>
    simulate({
      intent: intent({ web: service({ ...strategies.rolling, maxFailureShare }, { size: 20 }) }),
      stands: { web: "web-1" },
      behaviours: { "web-2": { crashesAfterMs: 5000, crashing } },
    });

  test("bears as many broken replicas as it may, and goes back with one more", async () => {
    // A batch is five replicas, of which a fifth may break.
    expect((await rolling(20, 1)).outcome).toBe("succeeded");
    expect((await rolling(20, 2)).outcome).toBe("rolled back");
    expect((await rolling(0, 1)).outcome).toBe("rolled back");
  });
});

describe("a canary", () => {
  const probe = (failuresMax?: number): Check => ({
    kind: "probe",
    name: "shop",
    method: "GET",
    url: "https://shop/health",
    status: 200,
    withinMs: 1000,
    ...(failuresMax === undefined ? {} : { failuresMax }),
  });
  const canary = (check: Check, probeFails: Scenario["probeFails"]): Promise<Simulated> =>
    simulate({
      intent: intent({
        web: service({ kind: "canary", steps: [{ kind: "setWeight", weight: 10 }, bake(minute, [check])] }),
      }),
      stands: { web: "web-1" },
      ...(probeFails === undefined ? {} : { probeFails }),
    });

  test("counts its failed checks in a row: two, unless it says", async () => {
    const afterHalfAMinute = (times: number) => (asked: number) => asked > 30 && asked <= 30 + times;
    expect((await canary(probe(), afterHalfAMinute(1))).outcome).toBe("succeeded");
    expect((await canary(probe(), afterHalfAMinute(2))).run.phase).toMatchObject({
      outcome: "rolled back",
      because: expect.stringContaining("failed 2 times in a row"),
    });
    expect((await canary(probe(4), afterHalfAMinute(4))).outcome).toBe("succeeded");
    expect((await canary(probe(4), afterHalfAMinute(5))).outcome).toBe("rolled back");
    expect((await canary(probe(0), afterHalfAMinute(1))).outcome).toBe("rolled back");
  });
});
