import { expect, test } from "vitest";
import { hurried } from "./hurry.ts";
import { type IntendedService, type Intent, plan } from "./plan.ts";
import type { Strategy } from "./strategy.ts";

function service(strategy: Strategy): IntendedService {
  return { revision: "1", size: 1, serves: true, strategy, dependsOn: [], withinMs: 1000, preview: [] };
}

const intent: Intent = {
  services: {
    web: service({
      kind: "canary",
      steps: [
        { kind: "setWeight", weight: 5 },
        { kind: "bake", lastsMs: 600_000, checks: [], withinMs: 700_000 },
        { kind: "approve", policy: { roles: ["lead"], quorum: 2 }, withinMs: 60_000 },
      ],
    }),
    jobs: service({ kind: "recreate" }),
  },
  verify: [
    { kind: "job", name: "smoke", withinMs: 60_000 },
    { kind: "bake", lastsMs: 600_000, checks: [], withinMs: 700_000 },
  ],
  onFailure: "rollback",
  hold: { withinMs: 1000, onDeadline: "rollback" },
};

test("a rollback waits for no time, evidence or people, and is verified by the release's own jobs", () => {
  const steps = plan(hurried(intent), { web: "web-2", jobs: "jobs-2" }).nodes.flatMap((node) => node.steps);
  const gates = steps.filter(({ kind }) => kind !== "set");
  expect(gates).toEqual([{ kind: "job", name: "smoke", withinMs: 60_000 }]);
});

test("a service whose two sides may never run together is still stopped before it is started", () => {
  expect(hurried(intent).services.jobs?.strategy).toEqual({ kind: "recreate" });
});
