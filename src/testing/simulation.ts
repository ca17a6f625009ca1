// A whole deployment on virtual time, with the real engine: chosen weather, chosen faults, hours in milliseconds.
import type { Event, Fact, Outcome } from "../domain/event.ts";
import type { Ms } from "../domain/frame.ts";
import { type Intent, plan, type Standing } from "../domain/plan.ts";
import { fold, type Run } from "../domain/run.ts";
import type { JobAnswer, JobCall, Ports } from "../engine/ports.ts";
import { Worker } from "../engine/worker.ts";
import { Crash, type Fault, Striker } from "./faults.ts";
import { SimClock } from "./sim-clock.ts";
import { SimJournal } from "./sim-journal.ts";
import { SimMetrics } from "./sim-metrics.ts";
import { type Behaviour, SimTarget } from "./sim-target.ts";

export interface Scenario {
  readonly intent: Intent;
  readonly stands?: Standing;
  readonly behaviours?: Readonly<Record<string, Behaviour>>;
  readonly requestsPerSecond?: number;
  readonly routerLagMs?: Ms;
  /** Facts that people write, each at a time since the request. */
  readonly said?: readonly { readonly atMs: Ms; readonly fact: Fact }[];
  readonly jobs?: Readonly<Record<string, JobAnswer>>;
  /** Since the request. */
  readonly metricsDownBetween?: readonly [Ms, Ms];
  readonly faults?: readonly Fault[];
  /** How long nobody works after a crash; 0 is a restart at once. */
  readonly downtimeMs?: Ms;
  readonly endsWithinMs?: Ms;
}

export interface Simulated {
  readonly run: Run;
  readonly outcome: Outcome | undefined;
  readonly events: readonly Event[];
  /** What was decided, without positions, clock times, workers and observed numbers. */
  readonly history: readonly string[];
  readonly violations: readonly string[];
  /** Calls of ports, for choosing where to crash. */
  readonly calls: number;
  readonly jobsEffective: Readonly<Record<string, number>>;
  readonly targets: ReadonlyMap<string, SimTarget>;
  readonly endedAfterMs: Ms;
}

const leaseMs: Ms = 15_000;
const id = "d1";

export async function simulate(scenario: Scenario): Promise<Simulated> {
  const clock = new SimClock();
  const journal = new SimJournal(clock);
  const striker = new Striker(scenario.faults ?? []);
  const { ports, targets, jobsEffective } = await worldOf(scenario, { clock, journal, striker });
  await settleStanding(scenario, journal);
  const startedAt = clock.now();
  await journal.append(id, 0, {
    kind: "requested",
    environment: "production",
    release: { id: "r2", version: "2" },
    intent: scenario.intent,
    by: "ana",
  });
  const said = [...(scenario.said ?? [])].sort((a, b) => a.atMs - b.atMs);
  let worker = newWorker(ports, journal);
  const last = startedAt + (scenario.endsWithinMs ?? 86_400_000);
  while (clock.now() < last && !(await hasEnded(journal))) {
    const due = said[0];
    if (due !== undefined && startedAt + due.atMs <= clock.now()) {
      await journal.append(id, (await journal.read(id)).length, due.fact);
      said.shift();
      continue;
    }
    try {
      const until = said[0] === undefined ? last : Math.min(last, startedAt + said[0].atMs);
      if (!(await worker.once(() => clock.now() >= until))) {
        await clock.sleep(Math.min(journal.nextAt() ?? last, until) - clock.now());
      }
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
      worker = newWorker(ports, journal);
      if ((scenario.downtimeMs ?? 0) > 0) await clock.sleep(scenario.downtimeMs ?? 0);
      else journal.forgetLeases();
    }
  }
  const events = await journal.read(id);
  const run = fold(events);
  if (run === undefined) throw new Error("the simulated journal is empty");
  return {
    run,
    outcome: run.phase.kind === "ended" ? run.phase.outcome : undefined,
    events,
    history: canonical(events),
    violations: [...targets].flatMap(([name, target]) => target.violations.map((v) => `${name}: ${v}`)),
    calls: striker.calls,
    jobsEffective,
    targets,
    endedAfterMs: clock.now() - startedAt,
  };
}

function newWorker(ports: Ports, journal: SimJournal): Worker {
  return new Worker({ name: "w", ports, claims: journal, leaseMs });
}

async function hasEnded(journal: SimJournal): Promise<boolean> {
  return (await journal.read(id)).at(-1)?.fact.kind === "ended";
}

interface Made {
  readonly clock: SimClock;
  readonly journal: SimJournal;
  readonly striker: Striker;
}

async function worldOf(scenario: Scenario, { clock, journal, striker }: Made) {
  const behaviours = scenario.behaviours ?? {};
  const targets = new Map<string, SimTarget>();
  for (const [name, service] of Object.entries({ ...scenario.intent.services, ...scenario.intent.retire })) {
    const unavailable =
      "strategy" in service && service.strategy.kind === "rolling" ? service.strategy.maxUnavailable : 0;
    const target = new SimTarget({
      clock,
      behaviours,
      unavailable,
      routerLagMs: scenario.routerLagMs ?? 0,
      drainMs: 2000,
    });
    targets.set(name, target);
    const stable = scenario.stands?.[name];
    if (stable !== undefined) await startStable(target, stable, service.size);
  }
  await clock.sleep(60_000);
  const down = scenario.metricsDownBetween;
  const metrics = new SimMetrics({
    clock,
    targets,
    behaviours,
    requestsPerSecond: scenario.requestsPerSecond ?? 100,
    ...(down === undefined ? {} : { downBetween: [clock.now() + down[0], clock.now() + down[1]] as const }),
  });
  const jobsEffective: Record<string, number> = {};
  const started = new Set<string>();
  const jobs = {
    run: async ({ key, name }: JobCall): Promise<JobAnswer> => {
      if (!started.has(key)) {
        started.add(key);
        jobsEffective[name] = (jobsEffective[name] ?? 0) + 1;
      }
      return scenario.jobs?.[name] ?? { state: "succeeded" };
    },
  };
  const struckTargets = new Map(
    [...targets].map(([name, t]) => [name, striker.around(t, ["publish", "apply", "observe"])]),
  );
  const struckMetrics = striker.around(metrics, ["read", "probe", "put", "get"]);
  const struckJournal = striker.around(journal, ["read", "append", "standing"]);
  const ports: Ports = {
    clock,
    journal: struckJournal,
    environments: struckJournal,
    metrics: struckMetrics,
    evidence: struckMetrics,
    jobs: striker.around(jobs, ["run"]),
    target: async (_environment, service) => {
      const target = struckTargets.get(service);
      if (target === undefined) throw new Error(`no simulated target for ${service}`);
      return target;
    },
    digest: (text) => String(text.length),
  };
  return { ports, targets, jobsEffective };
}

async function startStable(target: SimTarget, stable: string, size: number): Promise<void> {
  await target.publish(stable);
  await target.apply({ revisions: { [stable]: { capacity: 100, traffic: 100 } }, routes: [] }, size, {
    journal: "simulated",
    seq: 0,
  });
  target.violations.length = 0;
}

/** The stable side got there by an earlier deployment, which has ended. */
async function settleStanding(scenario: Scenario, journal: SimJournal): Promise<void> {
  if (scenario.stands === undefined) return;
  const release = { id: "r1", version: "1" };
  await journal.append("d0", 0, {
    kind: "requested",
    environment: "production",
    release,
    intent: scenario.intent,
    by: "ana",
  });
  await journal.append("d0", 1, { kind: "planned", plan: plan(scenario.intent, {}), stands: {} });
  await journal.append("d0", 2, { kind: "ended", outcome: "succeeded", stands: scenario.stands });
}

/** `{kind, step, body}` of each fact, without what may differ between two workers who decide the same. */
export function canonical(events: readonly Event[]): readonly string[] {
  return events
    .filter((event) => event.fact.kind !== "resumed")
    .map(({ fact }) => {
      const { kind, ...body } = fact;
      const told = Object.entries(body).filter(
        ([key]) => !["because", "findings", "digest", "note", "intent"].includes(key),
      );
      return `${kind} ${JSON.stringify(Object.fromEntries(told), (key, value) => (key === "because" ? undefined : value))}`;
    });
}
