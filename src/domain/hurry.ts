// The intent of a rollback: what is returned to was shown healthy before, so nothing waits for time, evidence or people.
import type { Ms } from "./frame.ts";
import type { Intent, Returns } from "./plan.ts";
import type { Gate, Strategy } from "./strategy.ts";

/** From its turn to verified, unless the environment says otherwise. */
export const backWithinMs: Ms = 300_000;
const probedMs: Ms = 2000;

/** Everything new at full size beside the old, then all traffic at once, then the probes and jobs that verify it. */
export function hurried(
  intent: Intent,
  returns: Returns = { withinMs: intent.backWithinMs ?? backWithinMs, services: "together" },
): Intent {
  const services = Object.entries(intent.services).map(([name, service]) => [
    name,
    { ...service, strategy: service.strategy.kind === "recreate" ? service.strategy : atOnce },
  ]);
  const { admission: _, watch: __, ...rest } = intent;
  return {
    ...rest,
    returns,
    // Going back waits for nobody: what is in progress goes back first.
    queue: "cancelInProgress",
    services: Object.fromEntries(services),
    verify: [...probes(intent.verify), ...intent.verify.filter((gate) => gate.kind === "job")],
  };
}

/** The requests that Sluice makes itself need no traffic and no time. */
function probes(gates: readonly Gate[]): readonly Gate[] {
  const checks = gates.flatMap((gate) => (gate.kind === "bake" ? gate.checks : []));
  const asked = checks.filter((check) => check.kind === "probe");
  return asked.length === 0 ? [] : [{ kind: "bake", lastsMs: probedMs, checks: asked, withinMs: 60_000 }];
}

const atOnce: Strategy = { kind: "blueGreen", preview: [], switchShares: [100], afterSwitch: [] };
