// The weathers and shapes of crash schedules: what happens to a deployment whatever becomes of its workers, as a function
// of virtual time, and how it must end.
import type { Fact, Outcome } from "../domain/event.ts";
import type { Intent } from "../domain/plan.ts";
import type { Strategy } from "../domain/strategy.ts";
import type { Scenario } from "../simulation/simulate.ts";
import { bake, intent, service } from "./intents.ts";

const strategies = {
  recreate: { kind: "recreate" },
  rolling: { kind: "rolling", batchSize: 25, maxUnavailable: 0, pauseMs: 5_000, maxFailureShare: 0 },
  "rolling in place": { kind: "rolling", batchSize: 50, maxUnavailable: 25, pauseMs: 0, maxFailureShare: 0 },
  blueGreen: {
    kind: "blueGreen",
    preview: [{ kind: "job", name: "preview", withinMs: 60_000 }],
    switchShares: [100],
    afterSwitch: [bake(20_000)],
  },
  canary: {
    kind: "canary",
    steps: [{ kind: "setWeight", weight: 10 }, bake(20_000), { kind: "setWeight", weight: 50 }, bake(10_000)],
  },
} as const satisfies Record<string, Strategy>;

export type ShapeName = keyof typeof strategies | "three in waves";
export const shapes: readonly ShapeName[] = [...keysOf(strategies), "three in waves"];

interface Weather {
  readonly scenario: Omit<Partial<Scenario>, "intent">;
  /** A gate before anything moves. */
  readonly isGated?: boolean;
  readonly outcome: Outcome | readonly Outcome[];
}

const approved: Fact = { kind: "approved", node: "admission", step: 0, by: "bo", roles: [] };

/** A good candidate must be promoted and a bad one taken back; where people speak, what they said decides. */
const all = {
  calm: { scenario: {}, outcome: "succeeded" },
  "candidate never ready": { scenario: { behaviours: { "web-2": { neverReady: true } } }, outcome: "rolled back" },
  "candidate crash-loops": { scenario: { behaviours: { "web-2": { crashesAfterMs: 1600 } } }, outcome: "rolled back" },
  "candidate bad at once": {
    scenario: { behaviours: { "web-2": { errors: { share: 0.5, afterMs: 0 } } } },
    outcome: "rolled back",
  },
  "candidate bad later": {
    scenario: { behaviours: { "web-2": { errors: { share: 0.4, afterMs: 6_000 } } } },
    outcome: "rolled back",
  },
  "stable away for a while": {
    scenario: { behaviours: { "web-1": { awayBetween: [2_000, 7_000] } } },
    outcome: "succeeded",
  },
  "stable dies": { scenario: { behaviours: { "web-1": { crashesAfterMs: 62_000 } } }, outcome: "succeeded" },
  "stable dies under a bad candidate": {
    scenario: {
      behaviours: { "web-1": { crashesAfterMs: 61_000 }, "web-2": { errors: { share: 0.5, afterMs: 0 } } },
    },
    // Where the old side was taken down meanwhile, it is started afresh, and stands.
    outcome: ["stuck", "rolled back"],
  },
  "router slow to report": { scenario: { routerLagMs: 900 }, outcome: "succeeded" },
  "metric source down": { scenario: { metricsDownBetween: [5_000, 60_000] }, outcome: "succeeded" },
  aborted: {
    scenario: { said: [{ atMs: 3_000, fact: { kind: "abort asked", by: "bo", reason: "no" } }] },
    outcome: "aborted",
  },
  superseded: { scenario: { said: [{ atMs: 3_000, fact: { kind: "superseded", by: "d2" } }] }, outcome: "superseded" },
  "paused and resumed": {
    scenario: {
      said: [
        { atMs: 2_000, fact: { kind: "paused", by: "bo" } },
        { atMs: 60_000, fact: { kind: "unpaused", by: "bo" } },
      ],
    },
    outcome: "succeeded",
  },
  "gate answered late": {
    isGated: true,
    scenario: { said: [{ atMs: 25_000, fact: approved }] },
    outcome: "succeeded",
  },
  "gate answered too late": {
    isGated: true,
    scenario: { said: [{ atMs: 40_000_000, fact: approved }] },
    outcome: "rolled back",
  },
  "gate refused": {
    isGated: true,
    scenario: {
      said: [{ atMs: 10_000, fact: { kind: "refused", node: "admission", step: 0, by: "bo", because: "not today" } }],
    },
    outcome: "rolled back",
  },
} as const satisfies Record<string, Weather>;

export type WeatherName = keyof typeof all;
export const weathers: readonly WeatherName[] = keysOf(all);

export function scenarioOf(
  shape: ShapeName,
  weather: WeatherName,
  size: number,
): { readonly scenario: Scenario; readonly outcomes: readonly Outcome[] } {
  const { scenario, outcome, ...more }: Weather = all[weather];
  const withinMs = 8_000;
  const gate = { kind: "approve", policy: { roles: [], quorum: 1 }, withinMs: 60_000 } as const;
  const of = (strategy: Strategy, revision: string, dependsOn: readonly string[] = []) =>
    service(strategy, { size, withinMs, revision, dependsOn });
  const services: Intent["services"] =
    shape === "three in waves"
      ? {
          users: of(strategies.rolling, "users-2"),
          orders: of(strategies.canary, "orders-2", ["users"]),
          web: of(strategies.blueGreen, "web-2", ["orders"]),
        }
      : { web: of(strategies[shape], "web-2") };
  return {
    outcomes: typeof outcome === "string" ? [outcome] : outcome,
    scenario: {
      intent: intent(services, {
        verify: [{ kind: "job", name: "smoke", withinMs: 60_000 }, bake(20_000)],
        ...(more.isGated ? { admission: [gate] } : {}),
      }),
      stands: Object.fromEntries(Object.keys(services).map((name) => [name, `${name}-1`])),
      endsWithinMs: 30_000_000,
      ...scenario,
    },
  };
}

function keysOf<T extends object>(record: T): readonly (keyof T)[] {
  return Object.keys(record) as (keyof T)[];
}
