// Ready-made intents for tests and simulations.
import type { Check } from "../domain/check.ts";
import type { IntendedService, Intent } from "../domain/plan.ts";
import type { Gate, Strategy } from "../domain/strategy.ts";

export const errorsCheck: Check = { kind: "errors", rateMax: 0.05, minimumRequests: 100 };

export const comparisonCheck = {
  kind: "comparison",
  alpha: 0.01,
  minimumRequests: 100,
  requireProof: false,
} as const satisfies Check;

export function bake(lastsMs: number, checks: readonly Check[] = [errorsCheck]): Gate {
  return { kind: "bake", lastsMs, checks, withinMs: lastsMs + 600_000 };
}

export const strategies = {
  recreate: { kind: "recreate" },
  rolling: { kind: "rolling", batchSize: 25, maxUnavailable: 0, pauseMs: 10_000, maxFailureShare: 0 },
  "rolling in place": { kind: "rolling", batchSize: 25, maxUnavailable: 25, pauseMs: 0, maxFailureShare: 0 },
  blueGreen: {
    kind: "blueGreen",
    preview: [{ kind: "job", name: "smoke", withinMs: 60_000 }],
    switchShares: [100],
    afterSwitch: [bake(60_000)],
  },
  canary: {
    kind: "canary",
    steps: [{ kind: "setWeight", weight: 10 }, bake(60_000), { kind: "setWeight", weight: 50 }, bake(60_000)],
  },
} as const satisfies Record<string, Strategy>;

export function service(strategy: Strategy, more: Partial<IntendedService> = {}): IntendedService {
  return { revision: "web-2", size: 4, serves: true, strategy, dependsOn: [], withinMs: 120_000, preview: [], ...more };
}

export function intent(services: Intent["services"], more: Partial<Intent> = {}): Intent {
  return {
    services,
    verify: [],
    onFailure: "rollback",
    hold: { withinMs: 1_800_000, onDeadline: "rollback" },
    ...more,
  };
}
