// How each kind of task is attempted. Each returns a fact that has become true, or when to look again.
import { type Frame, type Ms, shareOf } from "../domain/frame.ts";
import { minutes } from "../domain/minutes.ts";
import type { Task } from "../domain/next.ts";
import { plan } from "../domain/plan.ts";
import { unfit } from "../domain/powers.ts";
import { activeNodes } from "../domain/progress.ts";
import type { Run } from "../domain/run.ts";
import { type Asked, type Assessment, assess, hasDrifted, isBroken, overloads, type Seen } from "../domain/seen.ts";
import type { Surroundings } from "./advance.ts";
import { type Attempt, tickOf } from "./attempt.ts";
import { attemptBake } from "./bake.ts";
import { attemptGuard } from "./exposure.ts";
import type { Fence, Target } from "./ports.ts";
import { attemptReturn, attemptWatch } from "./watch.ts";

type TaskOf<K extends Task["kind"]> = Extract<Task, { readonly kind: K }>;
type Attempts = { [K in Task["kind"]]: (task: TaskOf<K>, run: Run, around: Surroundings) => Promise<Attempt> };

/** While something is being started or shifted: soon, for this is time that people wait. */
const soonMs: Ms = 40;
/** What is not as it was asked for after so long is asked for again. */
const askAgainMs: Ms = 1000;

export const attempts: Attempts = {
  plan: attemptPlan,
  attempt: async (task, run, around) => {
    switch (task.step.kind) {
      case "set":
        return attemptSet(task, run, around);
      case "job":
        return attemptJob(task, run, around);
      case "bake":
        return attemptBake(task, run, around);
      case "approve":
        return { dueInMs: tickOf(around) };
    }
  },
  guard: attemptGuard,
  watch: attemptWatch,
  return: attemptReturn,
  walk: attemptWalk,
  keep: attemptKeep,
};

async function attemptPlan(_task: TaskOf<"plan">, run: Run, { ports }: Surroundings): Promise<Attempt> {
  const { turn, stands, release, releases } = await ports.environments.standing(run.environment, run.id);
  if (!turn) return { dueInMs: 2000, waiting: `another deployment is under way in ${run.environment}` };
  const frozen = plan(run.intent, stands);
  for (const name of Object.keys(frozen.services)) {
    const intended = run.intent.services[name];
    const problem = intended && unfit(name, intended, (await ports.target(run.environment, name)).powers);
    if (problem !== undefined)
      return { fact: { kind: "ended", outcome: "failed", because: problem, stands }, dueInMs: 0 };
  }
  return {
    fact: {
      kind: "planned",
      plan: frozen,
      stands,
      ...(release === undefined ? {} : { standingRelease: release }),
      ...(releases === undefined ? {} : { standingReleases: releases }),
    },
    dueInMs: 0,
  };
}

async function attemptSet(task: TaskOf<"attempt">, run: Run, around: Surroundings): Promise<Attempt> {
  const { node, index, step, state } = task;
  if (step.kind !== "set" || node.service === undefined) throw new Error(`${node.id} step ${index} sets no frame`);
  const at = { node: node.id, step: index };
  const asked = askedOf(run, node.service, step.frame, step.rely);
  const answer = await ask({ service: node.service, key: `${node.id}/${index}/${state.attempt}`, asked, run, around });
  const { seen } = answer;
  if (answer.kind === "held") return { fact: { kind: "step done", ...at, seen }, dueInMs: 0 };
  if (answer.kind === "broken")
    return { fact: { kind: "step failed", ...at, because: answer.because, seen }, dueInMs: 0 };
  if (around.ports.clock.now() - state.since < step.withinMs) return { dueInMs: soonMs, waiting: answer.because };
  return {
    fact: { kind: "step failed", ...at, because: `${answer.because} after ${minutes(step.withinMs)}`, seen },
    dueInMs: 0,
  };
}

async function attemptWalk(task: TaskOf<"walk">, run: Run, around: Surroundings): Promise<Attempt> {
  const asked = askedOf(run, task.service, task.frame, task.rely);
  const answer = await ask({ service: task.service, key: `back/${task.index}`, asked, run, around });
  if (answer.kind !== "held") return { dueInMs: soonMs, waiting: answer.because };
  const { service, index } = task;
  return { fact: { kind: "walked back", service, index, seen: answer.seen }, dueInMs: 0 };
}

interface Ask {
  readonly service: string;
  /** Names the step: the first time that this worker attempts it, it asks, whatever it sees. */
  readonly key: string;
  readonly asked: Asked;
  readonly run: Run;
  readonly around: Surroundings;
}

function askedOf(run: Run, service: string, frame: Frame, rely: Asked["rely"]): Asked {
  const planned = run.plan?.services[service];
  const { size = 1, unavailable = 0, failureShare = 0 } = planned ?? {};
  return { frame, rely, size, unavailable, failureShare };
}

/** Asks for a frame, unless it would overload what is ready, and assesses an observation that was made after asking. */
async function ask(asking: Ask): Promise<Assessment & { readonly seen: Seen }> {
  const { service, key, asked, run, around } = asking;
  const target = await around.ports.target(run.environment, service);
  const known = around.memory.asked.get(service);
  const isNew = known?.key !== key;
  // Before looking: bringing an artifact may take minutes, and what was ready then may not be so any more.
  if (isNew) await publish(target, asked.frame);
  const seen = await target.observe();
  const answer = { ...assess(seen, asked), seen };
  if (!isNew) {
    const isSlow = around.ports.clock.now() - known.atMs >= askAgainMs;
    if (answer.kind !== "waiting" || !isSlow || !hasDrifted(seen, asked.frame, asked.size)) return answer;
    around.memory.asked.delete(service);
    return ask(asking);
  }
  const overloaded = overloads(seen, asked);
  if (overloaded !== undefined)
    return answer.kind === "broken"
      ? answer
      : { kind: "waiting", because: `${overloaded} is not ready for its traffic`, seen };
  await target.apply(asked.frame, asked.size, fenceOf(run, around));
  around.memory.asked.set(service, { key, atMs: around.ports.clock.now() });
  const after = await target.observe();
  return { ...assess(after, asked), seen: after };
}

async function publish(target: Target, frame: Frame): Promise<void> {
  for (const [revision, share] of Object.entries(frame.revisions)) {
    if (share.capacity > 0) await target.publish(revision);
  }
}

function fenceOf(run: Run, { ports }: Surroundings): Fence {
  return { journal: ports.journal.id, seq: run.seq };
}

async function attemptKeep(task: TaskOf<"keep">, run: Run, around: Surroundings): Promise<Attempt> {
  const planned = run.plan?.services[task.service];
  if (planned === undefined) return { dueInMs: tickOf(around) };
  const target = await around.ports.target(run.environment, task.service);
  const seen = await target.observe();
  const broken = seen.revisions[planned.candidate]?.broken;
  const [where] = activeNodes(run);
  const { size, failureShare = 0 } = planned;
  const matters =
    isBroken(seen, { frame: task.frame, size, failureShare }, planned.candidate) &&
    shareOf(task.frame, planned.candidate).capacity > 0 &&
    run.hold?.cause === undefined;
  if (matters && where !== undefined) {
    const because = `${planned.candidate}: ${broken}`;
    return { fact: { kind: "step failed", node: where.node.id, step: where.index, because, seen }, dueInMs: 0 };
  }
  if (hasDrifted(seen, task.frame, planned.size) && hasDrifted(seen, task.asked, planned.size)) {
    await publish(target, task.frame);
    await target.apply(task.frame, planned.size, fenceOf(run, around));
    around.memory.asked.delete(task.service);
  }
  return { dueInMs: tickOf(around) };
}

async function attemptJob(task: TaskOf<"attempt">, run: Run, { ports }: Surroundings): Promise<Attempt> {
  const { node, index, step, state } = task;
  if (step.kind !== "job") throw new Error(`${node.id} step ${index} is no job`);
  const at = { node: node.id, step: index };
  if (state.attempt === 0) return { fact: { kind: "job started", ...at, attempt: 1 }, dueInMs: 0 };
  const key = `${run.id}/${node.id}/${index}/${state.attempt}`;
  const answer = await ports.jobs.run({ key, name: step.name, environment: run.environment, release: run.release });
  if (answer.state === "succeeded") {
    return {
      fact: { kind: "step done", ...at, ...(answer.note === undefined ? {} : { note: answer.note }) },
      dueInMs: 0,
    };
  }
  if (answer.state === "failed") {
    return { fact: { kind: "step failed", ...at, because: `${step.name}: ${answer.because}` }, dueInMs: 0 };
  }
  if (ports.clock.now() - state.since < step.withinMs) return { dueInMs: 250, waiting: `${step.name} is running` };
  const because = `${step.name} was still running after ${minutes(step.withinMs)}`;
  return { fact: { kind: "step failed", ...at, because }, dueInMs: 0 };
}
