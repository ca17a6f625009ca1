// Plays a deployment on paper: the domain decides, a script answers for the world, and the events that a journal would
// hold come out. For pages, sentences and tests that need a history without an engine.
import type { DeploymentId, Event, Fact, ReleaseRef } from "../domain/event.ts";
import type { Ms } from "../domain/frame.ts";
import { follows, type Task, tasks } from "../domain/next.ts";
import { type Intent, plan, type Standing } from "../domain/plan.ts";
import { activeNodes } from "../domain/progress.ts";
import { fold, type Run } from "../domain/run.ts";

export interface Script {
  readonly id: DeploymentId;
  readonly environment: string;
  readonly release: ReleaseRef;
  readonly intent: Intent;
  readonly by: string;
  readonly reason?: string;
  readonly rollbackOf?: DeploymentId;
  readonly stands: Standing;
  readonly standingRelease?: ReleaseRef;
  readonly startMs: Ms;
  /** Sequence number of the first event. */
  readonly seq: number;
  /** Facts that the world or a person answers instead of "it went well"; undefined leaves it to go well. */
  readonly answer?: (task: Task, run: Run) => Fact | undefined;
  /** Stops early, so that a deployment is left in the middle. */
  readonly until?: (run: Run) => boolean;
}

export function record(script: Script): readonly Event[] {
  const { environment, release, intent, by, reason, rollbackOf } = script;
  const events: Event[] = [];
  let now = script.startMs;
  let run: Run | undefined;
  const write = (fact: Fact): Run => {
    const event = chained(events.at(-1), { script, fact, at: now });
    events.push(event);
    run = fold([event], run);
    if (run === undefined) throw new Error("a recording begins with a request");
    return run;
  };
  let state = write({
    kind: "requested",
    environment,
    release,
    intent,
    by,
    ...(reason === undefined ? {} : { reason }),
    ...(rollbackOf === undefined ? {} : { rollbackOf }),
  });
  while (state.phase.kind !== "ended" && !(script.until?.(state) ?? false)) {
    const following = follows(state, now);
    if (following !== undefined) {
      state = write(following);
      continue;
    }
    const task = nextTask(state);
    const step = answered(script, state, task);
    now = Math.max(now + step.tookMs, step.notBeforeMs);
    if (step.fact !== undefined) state = write(step.fact);
    if (events.length > 10_000) throw new Error("this script never ends");
  }
  return events;
}

function chained(last: Event | undefined, { script, fact, at }: { script: Script; fact: Fact; at: Ms }): Event {
  const position = (last?.position ?? -1) + 1;
  const seq = script.seq + position;
  const link = { previous: last?.hash ?? "", hash: `hash-${seq}` };
  return { schema: 1, workspace: "example", deployment: script.id, position, seq, at, ...link, fact };
}

/** Nodes of one wave take turns, as they would side by side. */
function nextTask(run: Run): Task | undefined {
  const [first, ...others] = tasks(run).filter((task) => task.kind !== "keep" && task.kind !== "guard");
  return others.reduce<Task | undefined>(
    (least, task) => (least?.kind === "attempt" && task.kind === "attempt" && task.index < least.index ? task : least),
    first,
  );
}

interface Answer {
  readonly fact: Fact | undefined;
  readonly tookMs: Ms;
  readonly notBeforeMs: Ms;
}

function answered(script: Script, run: Run, task: Task | undefined): Answer {
  // Nothing to look at: an approval or a timed pause; the clock moves on until something follows.
  if (task === undefined) return { fact: waitedFor(run), tookMs: 1000, notBeforeMs: 0 };
  const fact = script.answer?.(task, run) ?? goesWell(script, task);
  const bake = task.kind === "attempt" && task.step.kind === "bake" ? task.state.since + task.step.lastsMs : 0;
  const isVerdict = fact.kind === "judged" && fact.verdict === "pass";
  return { fact, tookMs: 400, notBeforeMs: isVerdict ? bake : 0 };
}

function waitedFor(run: Run): Fact | undefined {
  const asked = activeNodes(run).find(({ step }) => step.kind === "approve");
  if (asked?.step.kind !== "approve") return undefined;
  return { kind: "approved", by: "grace", roles: asked.step.policy.roles, node: asked.node.id, step: asked.index };
}

function goesWell(script: Script, task: Task): Fact {
  switch (task.kind) {
    case "plan":
      return {
        kind: "planned",
        plan: plan(script.intent, script.stands),
        stands: script.stands,
        ...(script.standingRelease === undefined ? {} : { standingRelease: script.standingRelease }),
      };
    case "walk":
      return { kind: "walked back", service: task.service, index: task.index };
    case "keep":
    case "guard":
    case "watch":
    case "return":
      throw new Error("keeping writes nothing");
    case "attempt": {
      const at = { node: task.node.id, step: task.index };
      if (task.step.kind === "bake") return healthy(at);
      if (task.step.kind === "job" && task.state.attempt === 0) return { kind: "job started", ...at, attempt: 1 };
      return { kind: "step done", ...at };
    }
  }
}

function healthy(at: { readonly node: string; readonly step: number }): Fact {
  return {
    kind: "judged",
    ...at,
    verdict: "pass",
    because: "errors 0.1 % of 2,431 requests, limit 5 %; p99 38 ms, limit 3 s",
    findings: [
      { check: "errors", verdict: "pass", because: "0.1 % of 2,431 requests failed, limit 5 %; stable 0.1 %" },
      { check: "latency p99", verdict: "pass", because: "38 ms, limit 3 s; stable 36 ms" },
    ],
    digest: "d41d8cd98f00b204",
  };
}
