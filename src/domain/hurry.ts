// The intent of a rollback: what is returned to was shown healthy before, so nothing waits for time, evidence or people.
import type { Intent } from "./plan.ts";
import type { Strategy } from "./strategy.ts";

/** Everything new at full size beside the old, then all traffic at once, then the jobs that verify it. */
export function hurried(intent: Intent): Intent {
  const services = Object.entries(intent.services).map(([name, service]) => [
    name,
    { ...service, strategy: service.strategy.kind === "recreate" ? service.strategy : atOnce },
  ]);
  const { admission: _, ...rest } = intent;
  return {
    ...rest,
    // Going back waits for nobody: what is in progress goes back first.
    queue: "cancelInProgress",
    services: Object.fromEntries(services),
    verify: intent.verify.filter((gate) => gate.kind === "job"),
  };
}

const atOnce: Strategy = { kind: "blueGreen", preview: [], switchShares: [100], afterSwitch: [] };
