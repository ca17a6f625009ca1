// What a deployment that succeeded was not judged by, said plainly: a pass that nothing could have failed is none.
import type { PlannedService, ServiceName } from "./plan.ts";
import type { Run } from "./run.ts";

/** Undefined when every service was held against something, or is only going back. */
export function unjudged(run: Run): string | undefined {
  if (run.rollbackOf !== undefined || run.plan?.returns !== undefined) return undefined;
  const reasons = Object.entries(run.plan?.services ?? {}).flatMap(([name, service]) => {
    const because = whyNot(run, name, service);
    return because === undefined ? [] : [`${name} (${because})`];
  });
  return reasons.length === 0 ? undefined : `not judged: ${reasons.join(", ")}`;
}

function whyNot(run: Run, name: ServiceName, { stable, retires }: PlannedService): string | undefined {
  if (retires === true) return undefined;
  if (stable === undefined) return "a first deployment, with nothing to compare it with";
  const bakes = (run.plan?.nodes ?? [])
    .filter((node) => node.service === undefined || node.service === name)
    .flatMap(({ steps }) => steps.filter((step) => step.kind === "bake" && step.checks.length > 0));
  return bakes.length === 0 ? "no bake with checks in its way" : undefined;
}
