// A bake: read what was counted, keep it as evidence, judge it, and write only when the verdict changes.
import type { Check, Judgement } from "../domain/check.ts";
import type { Interval } from "../domain/evidence.ts";
import type { Ms } from "../domain/frame.ts";
import { judge, type ProbeCount, type Watched } from "../domain/limits.ts";
import { minutes, type Task } from "../domain/next.ts";
import { Temporary } from "../domain/problem.ts";
import type { Run } from "../domain/run.ts";
import type { Surroundings } from "./advance.ts";
import { type Attempt, tickOf } from "./attempts.ts";
import { comparisonOf } from "./comparison.ts";

type AttemptTask = Extract<Task, { readonly kind: "attempt" }>;

/** An interval that should be complete by now is asked for again after so long. */
const lookAgainMs: Ms = 250;
/** What a source needs to tell of an interval that has just ended. */
const tellingMs: Ms = 20;
/** A source that has been silent for so long is errored, not slow. */
const silenceMaxMs: Ms = 30_000;

export async function attemptBake(task: AttemptTask, run: Run, around: Surroundings): Promise<Attempt> {
  const { node, index, step, state } = task;
  if (step.kind !== "bake") throw new Error(`${node.id} step ${index} is no bake`);
  const key = `${node.id}/${index}`;
  const counted = step.checks.some((check) => check.kind !== "probe");
  const read = counted ? await readAll(task, run, around) : { services: [] };
  const probes = await probeAll(key, step.checks, around);
  const judgement = judge(step.checks, {
    ...read,
    probes,
    elapsedMs: around.ports.clock.now() - state.since,
    lastsMs: step.lastsMs,
  });
  const fact = transition(task, judgement, read.services, around);
  return fact === undefined
    ? { dueInMs: untilNews(task, read.services, around), waiting: judgement.because }
    : { fact, dueInMs: 0 };
}

/** Until the next interval is complete, the bake is over, or it is time for a look at all else. */
function untilNews({ state, step }: AttemptTask, services: readonly Watched[], around: Surroundings): Ms {
  const now = around.ports.clock.now();
  const moments = services.map(({ intervals }) => {
    const last = intervals.at(-1);
    return last === undefined ? now : 2 * last.endMs - last.startMs + tellingMs;
  });
  if (step.kind === "bake") moments.push(state.since + step.lastsMs);
  const next = Math.min(...moments) - now;
  return Math.min(tickOf(around), next > 0 ? next : lookAgainMs);
}

function transition(
  task: AttemptTask,
  judged: Judgement,
  services: readonly Watched[],
  { ports }: Surroundings,
): Attempt["fact"] {
  if (judged.verdict === "watching" || judged.verdict === task.state.judged?.verdict) return undefined;
  return {
    kind: "judged",
    node: task.node.id,
    step: task.index,
    verdict: judged.verdict,
    because: judged.because,
    findings: judged.findings,
    digest: ports.digest(JSON.stringify(services)),
  };
}

interface Read {
  readonly services: readonly Watched[];
  readonly sourceDown?: string;
}

/** The candidate of this node's service; of every service that serves when the bake is the whole deployment's. */
async function readAll(task: AttemptTask, run: Run, around: Surroundings): Promise<Read> {
  const key = `${task.node.id}/${task.index}`;
  const names = Object.keys(run.plan?.services ?? {}).filter(
    (name) => (task.node.service === undefined || task.node.service === name) && run.plan?.services[name]?.serves,
  );
  const now = around.ports.clock.now();
  if (!around.memory.answered.has(key)) around.memory.answered.set(key, now);
  try {
    const services: Watched[] = [];
    for (const service of names) {
      const intervals = await readOne(service, task, run, around);
      const comparison = await comparisonOf({ task, service, run, intervals, isOver: isOver(task, now) }, around);
      services.push({ ...watched(service, run, intervals), ...(comparison === undefined ? {} : { comparison }) });
    }
    around.memory.answered.set(key, now);
    return { services };
  } catch (error) {
    if (!(error instanceof Temporary)) throw error;
    const silentMs = now - (around.memory.answered.get(key) ?? now);
    const services = names.map((service) =>
      watched(service, run, around.memory.intervals.get(`${key}/${service}`) ?? []),
    );
    const sourceDown = `the metric source has not answered for ${minutes(silentMs)}: ${error.message}`;
    return { services, ...(silentMs >= silenceMaxMs ? { sourceDown } : {}) };
  }
}

function isOver({ state, step }: AttemptTask, now: Ms): boolean {
  return step.kind === "bake" && now - state.since >= step.lastsMs;
}

function watched(service: string, run: Run, intervals: readonly Interval[]): Watched {
  return { service, isFirst: run.plan?.services[service]?.stable === undefined, intervals };
}

async function readOne(
  service: string,
  task: AttemptTask,
  run: Run,
  { ports, memory }: Surroundings,
): Promise<readonly Interval[]> {
  const planned = run.plan?.services[service];
  if (planned === undefined) return [];
  const at = { deployment: run.id, node: task.node.id, step: task.index, service };
  const key = `${task.node.id}/${task.index}/${service}`;
  const known = memory.intervals.get(key) ?? (await ports.evidence.get(at));
  const fresh = await ports.metrics.read({
    environment: run.environment,
    service,
    ...(planned.stable === undefined ? {} : { stable: planned.stable }),
    candidate: planned.candidate,
    since: known.at(-1)?.endMs ?? task.state.since,
  });
  if (fresh.length > 0) await ports.evidence.put(at, fresh);
  const all = [...known, ...fresh];
  memory.intervals.set(key, all);
  return all;
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
