// What a target can do, as data, and what follows for a strategy: an inability is told while planning, never midway.
import type { IntendedService } from "./plan.ts";
import type { Strategy } from "./strategy.ts";

export interface Powers {
  /** `weighted`: any share of traffic; `by capacity`: a side's traffic is its share of replicas; `all at once`: one switch. */
  readonly traffic: "weighted" | "by capacity" | "all at once";
}

/** Why this target cannot carry out the strategy, in one sentence, or nothing. */
export function unfit(name: string, service: IntendedService, powers: Powers): string | undefined {
  const shares = sharesOf(service.strategy);
  if (powers.traffic === "weighted" || !service.serves) return undefined;
  if (powers.traffic === "all at once" && shares.some((share) => share > 0 && share < 100)) {
    return `${name} cannot use strategy ${service.strategy.kind} here: its target moves all its traffic at once`;
  }
  if (
    powers.traffic === "by capacity" &&
    service.strategy.kind === "blueGreen" &&
    shares.some((share) => share < 100)
  ) {
    return `${name} cannot switch a part of its traffic here: its target splits traffic by replicas`;
  }
  return undefined;
}

function sharesOf(strategy: Strategy): readonly number[] {
  if (strategy.kind === "canary")
    return strategy.steps.flatMap((step) => (step.kind === "setWeight" ? [step.weight] : []));
  if (strategy.kind === "blueGreen") return strategy.switchShares;
  return strategy.kind === "rolling" && strategy.batchSize < 100 ? [strategy.batchSize] : [];
}
