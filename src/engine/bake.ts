// A bake: read what was counted, keep it as evidence, judge it, and write only when the verdict changes.
import type { Check, Judgement } from "../domain/check.ts";
import { type Ms, shareOf } from "../domain/frame.ts";
import { judge, type ProbeCount, type Watched } from "../domain/limits.ts";
import {
  isPerRevision,
  type MetricCheck,
  type MetricWatch,
  type Sample,
  sampleEveryMs,
  seen,
} from "../domain/metric.ts";
import type { Task } from "../domain/next.ts";
import { frameBefore } from "../domain/phrase.ts";
import type { PlanNode, PlannedService } from "../domain/plan.ts";
import type { Run } from "../domain/run.ts";
import { untallied } from "../domain/tally.ts";
import type { Surroundings } from "./advance.ts";
import { type Attempt, tickOf } from "./attempt.ts";
import { comparisonOf } from "./comparison.ts";
import { answerOf, digestOf, read } from "./reading.ts";

type AttemptTask = Extract<Task, { readonly kind: "attempt" }>;

/** An interval that should be complete by now is asked for again after so long; ever more rarely while it does not come. */
const lookAgainMs: Ms = 250;
/** What a source needs to tell of an interval that has just ended. */
const tellingMs: Ms = 20;

export async function attemptBake(task: AttemptTask, run: Run, around: Surroundings): Promise<Attempt> {
  const { node, index, step, state } = task;
  if (step.kind !== "bake") throw new Error(`${node.id} step ${index} is no bake`);
  const elapsedMs = around.ports.clock.now() - state.since;
  const looks = await Promise.all(
    servicesIn(task.node, run).map(([service, planned]) => look({ service, planned, task, run, around })),
  );
  const probes = await probeAll(`${node.id}/${index}`, step.checks, around);
  const sourceDown = looks.find(({ silence }) => silence !== undefined)?.silence;
  const judgement = judge(step.checks, {
    services: looks.map(({ watched }) => watched),
    probes,
    elapsedMs,
    earliestMs: step.earliestMs ?? step.lastsMs,
    lastsMs: step.lastsMs,
    ...(sourceDown === undefined ? {} : { sourceDown }),
  });
  const fact = transition(task, judgement, looks, around);
  return fact === undefined
    ? { dueInMs: untilNews(task, looks, around), waiting: judgement.because }
    : { fact, dueInMs: 0 };
}

/** Until the next interval is complete, the bake is over or may be, or it is time for a look at all else. */
function untilNews({ state, step }: AttemptTask, looks: readonly Look[], around: Surroundings): Ms {
  const now = around.ports.clock.now();
  const news = looks.map(
    ({
      watched: {
        tally: { last },
      },
    }) => {
      const expected =
        last === undefined ? state.since : 2 * last.endMs - last.startMs + tellingMs + (around.spreadMs ?? 0);
      return expected > now ? expected - now : Math.max(lookAgainMs, (now - expected) / 2);
    },
  );
  const ends = step.kind === "bake" ? [step.earliestMs ?? step.lastsMs, step.lastsMs] : [];
  const untilEnds = ends.map((end) => state.since + end - now).filter((ms) => ms > 0);
  return Math.round(Math.min(tickOf(around), ...news, ...untilEnds));
}

function transition(
  task: AttemptTask,
  judged: Judgement,
  looks: readonly Look[],
  { ports }: Surroundings,
): Attempt["fact"] {
  if (judged.verdict === (task.state.judged?.verdict ?? "watching")) return undefined;
  return {
    kind: "judged",
    node: task.node.id,
    step: task.index,
    verdict: judged.verdict,
    because: judged.because,
    findings: judged.findings,
    counted: Object.fromEntries(
      looks.map(({ watched: { service, tally } }) => [service, tally.usable + tally.dropped]),
    ),
    digest: digestOf(Object.fromEntries(looks.map(({ watched, digest }) => [watched.service, digest])), ports.digest),
  };
}

/** The candidate of this node's service; every service that moved when the bake is the whole deployment's. */
export function servicesIn(node: PlanNode, run: Run): readonly (readonly [string, PlannedService])[] {
  return Object.entries(run.plan?.services ?? {}).filter(
    ([name]) => node.service === undefined || node.service === name,
  );
}

interface Looking {
  readonly service: string;
  readonly planned: PlannedService;
  readonly task: AttemptTask;
  readonly run: Run;
  readonly around: Surroundings;
}

interface Look {
  readonly watched: Watched;
  /** Over all that was counted. */
  readonly digest: string;
  readonly silence?: string;
}

async function look(looking: Looking): Promise<Look> {
  const { service, planned, task, run, around } = looking;
  const { stable, candidate, serves } = planned;
  const isFirst = stable === undefined;
  const metrics = await sampleAll(looking);
  const isCounted = serves && checksOf(task).some(({ kind }) => kind !== "probe" && kind !== "metric");
  if (!isCounted) {
    const comparison = { notComparedFor: "it serves no requests" };
    return { watched: { service, isFirst, serves, tally: untallied, comparison, metrics }, digest: "" };
  }
  const at = { deployment: run.id, node: task.node.id, step: task.index, service };
  const traffic = shareOf(frameBefore(run, { node: task.node.id, step: task.index }), candidate).traffic;
  const share = task.node.service === service ? traffic / 100 : null;
  const minimumRequests = minimumOf(checksOf(task));
  const { environment, resumedAt: awayUntil = 0 } = run;
  const asked = { at, environment, candidate, since: task.state.since, awayUntil, share, minimumRequests };
  const { tally, digest, fresh, silence } = await read(isFirst ? asked : { ...asked, stable }, around);
  const compared = { task, service, run, fresh, count: tally.usable + tally.dropped, isOver: isOver(task, around) };
  const comparison = await comparisonOf(compared, around);
  const watched = { service, isFirst, serves, tally, comparison, metrics };
  return { watched, digest, ...(silence === undefined ? {} : { silence }) };
}

function isOver({ state, step }: AttemptTask, { ports }: Surroundings): boolean {
  return step.kind === "bake" && ports.clock.now() - state.since >= step.lastsMs;
}

function checksOf({ step }: AttemptTask): readonly Check[] {
  return step.kind === "bake" ? step.checks : [];
}

export function minimumOf(checks: readonly Check[]): number {
  return Math.max(0, ...checks.map((check) => ("minimumRequests" in check ? check.minimumRequests : 0)));
}

async function sampleAll(looking: Looking): Promise<Readonly<Record<string, MetricWatch>>> {
  const { task, service, around } = looking;
  const key = `${task.node.id}/${task.index}/${service}`;
  const before = around.memory.metrics.get(key) ?? {};
  const checks = checksOf(task).filter((check) => check.kind === "metric");
  const watches = await Promise.all(
    checks.map(async (check) => [check.name, await sampled(check, before[check.name], looking)] as const),
  );
  const after = Object.fromEntries(watches);
  around.memory.metrics.set(key, after);
  return after;
}

async function sampled(check: MetricCheck, before: MetricWatch | undefined, looking: Looking): Promise<MetricWatch> {
  const { stable, candidate } = looking.planned;
  const atMs = looking.around.ports.clock.now();
  if (before !== undefined && atMs - before.atMs < sampleEveryMs(check)) return before;
  const side = (revision: string) => sample(check, revision, looking);
  const [here, there] = await Promise.all([
    side(candidate),
    stable === undefined || !isPerRevision(check) ? undefined : side(stable),
  ]);
  return {
    atMs,
    candidate: seen(before?.candidate, here, check, atMs),
    ...(there === undefined ? {} : { stable: seen(before?.stable, there, check, atMs) }),
  };
}

async function sample({ source, query }: MetricCheck, revision: string, looking: Looking): Promise<Sample> {
  const { service, run, around } = looking;
  const asked = { environment: run.environment, service, revision, source, query };
  const { observations, words = "no answer" } = await answerOf(async () => [await around.ports.metrics.sample(asked)]);
  return observations[0] ?? { missing: words };
}

async function probeAll(
  key: string,
  checks: readonly Check[],
  { ports, memory }: Surroundings,
): Promise<Readonly<Record<string, ProbeCount>>> {
  const before = memory.probes.get(key) ?? {};
  const asked = checks
    .filter((check) => check.kind === "probe")
    .map(async (check): Promise<[string, ProbeCount]> => {
      const { ok, because } = await ports.metrics.probe(check);
      const last = before[check.name];
      return [
        check.name,
        { because, passed: (last?.passed ?? 0) + (ok ? 1 : 0), failedInARow: ok ? 0 : (last?.failedInARow ?? 0) + 1 },
      ];
    });
  const after = Object.fromEntries(await Promise.all(asked));
  memory.probes.set(key, after);
  return after;
}
