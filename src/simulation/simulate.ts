// A whole deployment on virtual time, with the real engine: chosen weather, chosen faults, hours in milliseconds.
import type { Event, Fact, FactOf, Outcome } from "../domain/event.ts";
import type { Ms } from "../domain/frame.ts";
import type { Intent, Standing } from "../domain/plan.ts";
import { Temporary } from "../domain/problem.ts";
import { activeNodes } from "../domain/progress.ts";
import { fold, type Run } from "../domain/run.ts";
import type { EvidenceStore, JobAnswer } from "../engine/ports.ts";
import { Worker } from "../engine/worker.ts";
import { Crash, type Fault, Striker } from "./faults.ts";
import { SimClock } from "./sim-clock.ts";
import { SimJournal } from "./sim-journal.ts";
import type { SimMetricsOptions } from "./sim-metrics.ts";
import type { Behaviour, SimTarget } from "./sim-target.ts";
import { settleStanding, worldOf } from "./sim-world.ts";

export interface Scenario {
  readonly intent: Intent;
  readonly stands?: Standing;
  readonly behaviours?: Readonly<Record<string, Behaviour>>;
  readonly requestsPerSecond?: number;
  readonly routerLagMs?: Ms;
  /** Facts that people write, each at a time since the request. */
  readonly said?: readonly { readonly atMs: Ms; readonly fact: Fact }[];
  readonly jobs?: Readonly<Record<string, JobAnswer>>;
  /** What others do to the targets behind our back, each at a time since the request. */
  readonly meddled?: readonly { readonly atMs: Ms; readonly does: (targets: ReadonlyMap<string, SimTarget>) => void }[];
  /** Since the request. */
  readonly metricsDownBetween?: readonly [Ms, Ms];
  /** What becomes of intervals on their way to the judge. */
  readonly spoil?: SimMetricsOptions["spoil"];
  /** A shared dependency fails: share of all requests that fail, between two times since the request. */
  readonly incident?: SimMetricsOptions["incident"];
  /** Whether a probe fails when it is asked for the n-th time. */
  readonly probeFails?: SimMetricsOptions["probeFails"];
  readonly faults?: readonly Fault[];
  /** How long nobody works after a crash; 0 is a restart at once. */
  readonly downtimeMs?: Ms;
  readonly endsWithinMs?: Ms;
  /** How often a deployment that waits or bakes is looked at; 1 s unless given. */
  readonly tickMs?: Ms;
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
  /** Those that changed something. */
  readonly effects: readonly number[];
  readonly jobsEffective: Readonly<Record<string, number>>;
  readonly targets: ReadonlyMap<string, SimTarget>;
  readonly evidence: EvidenceStore;
  readonly endedAfterMs: Ms;
}

const leaseMs: Ms = 15_000;
/** A worker that finds nothing asks again after so long at most. */
const idleMaxMs: Ms = 10_000;
const id = "d1";

export async function simulate(scenario: Scenario): Promise<Simulated> {
  const clock = new SimClock();
  const journal = new SimJournal(clock);
  const striker = new Striker(scenario.faults ?? [], clock);
  const { ports, claims, newerPorts, targets, jobsEffective } = await worldOf(scenario, { clock, journal, striker });
  await settleStanding(scenario, journal);
  const startedAt = clock.steady.now();
  await journal.append(id, 0, {
    kind: "requested",
    environment: "production",
    release: { id: "r2", version: "2" },
    intent: scenario.intent,
    by: "ana",
  });
  const said = (scenario.said ?? []).toSorted((a, b) => a.atMs - b.atMs);
  const meddled = (scenario.meddled ?? []).toSorted((a, b) => a.atMs - b.atMs);
  const last = startedAt + (scenario.endsWithinMs ?? 86_400_000);
  const tick = scenario.tickMs === undefined ? {} : { tickMs: scenario.tickMs };
  let workers = 0;
  const nextWorker = (): Worker => {
    workers += 1;
    const version = striker.upgrades > 0 ? newerPorts : ports;
    return new Worker({ name: nameOf(workers), ports: version, claims, leaseMs, ...tick });
  };
  const personSpeaksAt = () => {
    const at = said[0] === undefined ? last : startedAt + said[0].atMs;
    return at <= clock.steady.now() ? last : Math.min(last, at);
  };
  const interrupts = () =>
    clock.steady.now() >= last ||
    (said[0] !== undefined && !isAnswer(said[0].fact) && startedAt + said[0].atMs <= clock.steady.now());
  let worker = nextWorker();
  while (clock.steady.now() < last && !(await hasEnded(journal))) {
    const due = said[0];
    if (due !== undefined && startedAt + due.atMs <= clock.steady.now() && isAsked(due.fact, await journal.read(id))) {
      await journal.append(id, (await journal.read(id)).length, due.fact);
      said.shift();
      continue;
    }
    const meddles = meddled[0];
    if (meddles !== undefined && startedAt + meddles.atMs <= clock.steady.now()) {
      meddles.does(targets);
      meddled.shift();
      continue;
    }
    try {
      await striker.catchUp();
      if (await hasEnded(journal)) break;
      const upgrades = striker.upgrades;
      let isIdle = false;
      const hasStopped = await striker.run(async () => {
        isIdle = !(await worker.once(() => interrupts() || striker.upgrades !== upgrades));
      });
      if (hasStopped || striker.upgrades !== upgrades) worker = nextWorker();
      if (isIdle) {
        const others = untilNext([striker.nextAt(), personSpeaksAt()], clock.steady.now());
        await clock.sleep(Math.min(idleMaxMs, others, untilNext([journal.nextAt()], clock.now())));
      }
    } catch (error) {
      if (error instanceof Temporary) {
        await clock.sleep(500);
        continue;
      }
      if (!(error instanceof Crash)) throw error;
      if ((scenario.downtimeMs ?? 0) > 0) await clock.sleep(scenario.downtimeMs ?? 0);
      else journal.endLeases(nameOf(workers));
      worker = nextWorker();
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
    effects: striker.effects,
    jobsEffective,
    targets,
    evidence: ports.evidence,
    endedAfterMs: clock.steady.now() - startedAt,
  };
}

function nameOf(worker: number): string {
  return `w${worker}`;
}

/** Nobody answers a gate before it asks. */
function isAsked(fact: Fact, events: readonly Event[]): boolean {
  if (!isAnswer(fact)) return true;
  const run = fold(events);
  return run !== undefined && activeNodes(run).some(({ node, index }) => node.id === fact.node && index === fact.step);
}

function isAnswer(fact: Fact): fact is FactOf<"approved" | "refused"> {
  return fact.kind === "approved" || fact.kind === "refused";
}

/** Milliseconds until the first of these moments. */
function untilNext(moments: readonly (Ms | undefined)[], now: Ms): Ms {
  return Math.min(...moments.map((at) => (at === undefined ? Number.POSITIVE_INFINITY : at - now)));
}

async function hasEnded(journal: SimJournal): Promise<boolean> {
  return (await journal.read(id)).at(-1)?.fact.kind === "ended";
}

/** `{kind, step, body}` of each fact, without what may differ between two workers who decide the same. */
function canonical(events: readonly Event[]): readonly string[] {
  return events
    .filter((event) => event.fact.kind !== "resumed")
    .map(({ fact }) => {
      const { kind, ...body } = fact;
      const told = Object.entries(body).filter(
        ([key]) => !["because", "findings", "counted", "digest", "note", "seen", "intent"].includes(key),
      );
      return `${kind} ${JSON.stringify(Object.fromEntries(told), (key, value) => (key === "because" ? undefined : value))}`;
    });
}
