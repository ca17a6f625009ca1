// The simulated world of a scenario: a target for each service, what is counted there, jobs, and what people wrote before.
import { createHash } from "node:crypto";
import type { Event } from "../domain/event.ts";
import type { Ms } from "../domain/frame.ts";
import { plan } from "../domain/plan.ts";
import type { Claims, JobAnswer, JobCall, Ports } from "../engine/ports.ts";
import type { Striker } from "./faults.ts";
import type { SimClock } from "./sim-clock.ts";
import type { SimJournal } from "./sim-journal.ts";
import { SimMetrics } from "./sim-metrics.ts";
import { SimTarget } from "./sim-target.ts";
import type { Scenario } from "./simulate.ts";

export interface Made {
  readonly clock: SimClock;
  readonly journal: SimJournal;
  readonly striker: Striker;
}

export interface World {
  readonly ports: Ports;
  readonly claims: Claims;
  /** The ports as a newer version of Sluice uses them. */
  readonly newerPorts: Ports;
  readonly targets: ReadonlyMap<string, SimTarget>;
  readonly jobsEffective: Readonly<Record<string, number>>;
}

const settlesMs: Ms = 60_000;

export async function worldOf(scenario: Scenario, { clock, journal, striker }: Made): Promise<World> {
  const targets = await targetsOf(scenario, { clock, striker });
  await clock.sleep(settlesMs);
  const { metricsDownBetween: down, incident } = scenario;
  const sinceNow = ([from, to]: readonly [Ms, Ms]) => [clock.steady.now() + from, clock.steady.now() + to] as const;
  const metrics = new SimMetrics({
    clock,
    targets,
    behaviours: scenario.behaviours ?? {},
    requestsPerSecond: scenario.requestsPerSecond ?? 100,
    ...(scenario.spoil === undefined ? {} : { spoil: scenario.spoil }),
    ...(scenario.probeFails === undefined ? {} : { probeFails: scenario.probeFails }),
    ...(incident === undefined ? {} : { incident: { ...incident, between: sinceNow(incident.between) } }),
    ...(down === undefined ? {} : { downBetween: sinceNow(down) }),
  });
  const struckTargets = new Map(
    [...targets].map(([name, target]) => [
      name,
      striker.around(target, { publish: "changes", apply: "changes", observe: "asks" }),
    ]),
  );
  const struckMetrics = striker.around(metrics, {
    read: "asks",
    sample: "asks",
    probe: "asks",
    put: "changes",
    get: "asks",
  });
  const struckJournal = striker.around(journal, { read: "asks", append: "changes", standing: "asks" });
  const claims = striker.around<Claims>(journal, { claim: "changes", renew: "changes", release: "changes" });
  const jobsEffective: Record<string, number> = {};
  const ports: Ports = {
    clock,
    journal: struckJournal,
    environments: struckJournal,
    metrics: struckMetrics,
    evidence: struckMetrics,
    jobs: striker.around(jobsOf(scenario, jobsEffective), { run: "changes" }),
    target: async (_environment, service) => {
      const target = struckTargets.get(service);
      if (target === undefined) throw new Error(`no simulated target for ${service}`);
      return target;
    },
    digest: (text) => createHash("sha256").update(text).digest("hex"),
  };
  return { ports, claims, newerPorts: { ...ports, journal: asNewer(struckJournal) }, targets, jobsEffective };
}

async function targetsOf(scenario: Scenario, { clock, striker }: Pick<Made, "clock" | "striker">) {
  const targets = new Map<string, SimTarget>();
  for (const [name, service] of Object.entries({ ...scenario.intent.services, ...scenario.intent.retire })) {
    const target = new SimTarget({
      clock: clock.steady,
      behaviours: scenario.behaviours ?? {},
      unavailable: "strategy" in service && service.strategy.kind === "rolling" ? service.strategy.maxUnavailable : 0,
      routerLagMs: scenario.routerLagMs ?? 0,
      drainMs: 2000,
      requestedAt: clock.steady.now() + settlesMs,
      isChosen: () => !striker.isDelivering,
    });
    targets.set(name, target);
    const stable = scenario.stands?.[name];
    if (stable !== undefined) await startStable(target, stable, service.size);
  }
  return targets;
}

async function startStable(target: SimTarget, stable: string, size: number): Promise<void> {
  await target.publish(stable);
  await target.apply({ revisions: { [stable]: { capacity: 100, traffic: 100 } }, routes: [] }, size, {
    journal: "simulated",
    seq: 0,
  });
  target.violations.length = 0;
}

/** A job is effective once under its key, however often it is asked for. */
function jobsOf(scenario: Scenario, effective: Record<string, number>) {
  const started = new Set<string>();
  return {
    run: async ({ key, name }: JobCall): Promise<JobAnswer> => {
      if (!started.has(key)) {
        started.add(key);
        effective[name] = (effective[name] ?? 0) + 1;
      }
      return scenario.jobs?.[name] ?? { state: "succeeded" };
    },
  };
}

/** A newer Sluice understands every intent otherwise, and facts hold what the older did not know: only the frozen plan counts. */
function asNewer(journal: Ports["journal"]): Ports["journal"] {
  const newer = (event: Event): Event => {
    if (event.fact.kind !== "requested") return { ...event, fact: { ...event.fact, ...{ addedLater: true } } };
    const services = Object.entries(event.fact.intent.services).map(([name, service]) => [
      name,
      { ...service, strategy: { kind: "recreate" } as const, size: service.size + 3 },
    ]);
    const intent = { ...event.fact.intent, services: Object.fromEntries(services), verify: [] };
    return { ...event, fact: { ...event.fact, intent } };
  };
  return {
    id: journal.id,
    append: (deployment, position, fact) => journal.append(deployment, position, fact),
    read: async (deployment, from) => {
      const events = await journal.read(deployment, from);
      const isPlanned = from !== 0 && from !== undefined ? true : events.some(({ fact }) => fact.kind === "planned");
      return isPlanned ? events.map(newer) : events;
    },
  };
}

/** The stable side got there by an earlier deployment, which has ended. */
export async function settleStanding(scenario: Scenario, journal: SimJournal): Promise<void> {
  if (scenario.stands === undefined) return;
  const release = { id: "r1", version: "1" };
  const requested = { kind: "requested", environment: "production", release, by: "ana" } as const;
  await journal.append("d0", 0, { ...requested, intent: scenario.intent });
  await journal.append("d0", 1, { kind: "planned", plan: plan(scenario.intent, {}), stands: {} });
  await journal.append("d0", 2, { kind: "ended", outcome: "succeeded", stands: scenario.stands });
}
