// One round of a run: which tasks of which projects, within which limits, and what is done when they have ended.
import { availableParallelism, totalmem } from "node:os";
import { Problem } from "../../domain/problem.ts";
import { limitsOf } from "../../workspace/cache/settings.ts";
import { pruneDaily } from "../../workspace/cache/upkeep.ts";
import { defaultBase } from "../../workspace/git/compare.ts";
import type { View } from "../../workspace/git/view.ts";
import { matcher } from "../../workspace/glob.ts";
import { allProjects, type TaskNode, taskGraph } from "../../workspace/tasks/graph.ts";
import type { Result } from "../../workspace/tasks/result.ts";
import { runTasks } from "../../workspace/tasks/run.ts";
import type { RunOptions } from "../../workspace/tasks/run-state.ts";
import { openTrace } from "../../workspace/tasks/trace.ts";
import type { RunVerbOptions } from "../verbs/run.ts";
import { ask } from "./ask-affected.ts";
import type { Session } from "./run-session.ts";
import type { Begun } from "./run-tasks.ts";

export type Round = Readonly<{ begun: Begun; view: View; session: Session }>;

/** `only` leaves tasks out. */
export async function runRound(
  tasks: readonly string[],
  { begun, view, session }: Round,
  only?: (node: TaskNode) => boolean,
): Promise<readonly Result[]> {
  const { looking, request, folder, lookedAtMs, options, isQuick } = begun;
  const whole = taskGraph(view.workspace, view.graph, await wanted(view, tasks, options));
  const graph = only ? new Map([...whole].filter(([, node]) => only(node))) : whole;
  const trace = openTrace(process.env, Date.now);
  session.screen.expects([...graph.values()].filter((node) => node.task.command !== undefined).length);
  const results = await runTasks(view, graph, {
    ...limits(options),
    services: session.services,
    trace,
    cacheFolder: folder,
    remote: session.remote,
    scope: session.scope,
    sandbox: session.sandbox,
    lookedAtMs,
    request,
    stamp: isQuick ? (await looking).stamp : undefined,
    listener: session.screen,
    isStopped: session.isStopped,
  });
  const untold = await trace?.send(results.every((r) => r.outcome !== "failed"));
  if (untold) session.screen.warn(untold);
  if (results.some((r) => r.outcome === "ran"))
    pruneDaily(folder, { ...limitsOf(view.workspace.shape.pipeline?.cache), nowMs: Date.now() });
  return results;
}

export async function wanted(view: View, tasks: readonly string[], options: RunVerbOptions) {
  return { tasks, projects: await choose(view, tasks, options) };
}

function limits(options: RunVerbOptions) {
  const concurrency =
    options.concurrency === undefined ? availableParallelism() : count(options.concurrency, "--concurrency", 1);
  return {
    concurrency,
    keepGoing: options.keepGoing === true,
    isForced: options.force === true,
    retries: count(options.retries ?? "0", "--retries", 0),
    memoryMiB: options.memory === undefined ? memoryHere() : count(options.memory, "--memory", 1),
    timeoutMs: options.timeout === undefined ? undefined : 1000 * count(options.timeout, "--timeout", 1),
  } satisfies Partial<RunOptions>;
}

/** Four fifths of what the machine (or the container) has. */
function memoryHere(): number {
  const limit = process.constrainedMemory();
  return ((limit > 0 && limit < totalmem() ? limit : totalmem()) * 0.8) / 2 ** 20;
}

function count(text: string, option: string, least: number): number {
  const value = Number(text);
  if (Number.isFinite(value) && value >= least) return value;
  throw new Problem(`${option} ${text} is not a number of at least ${least}`, `Write for example ${option} 4`);
}

async function choose(view: View, tasks: readonly string[], options: RunVerbOptions): Promise<readonly number[]> {
  const { workspace } = view;
  const all = allProjects(workspace);
  if (options.affected) {
    const base = options.base ?? (await defaultBase(workspace.root, process.env));
    const found = new Set((await ask(workspace.root, { base, tasks })).map((a) => a.project));
    return all.filter((i) => found.has(workspace.projects[i]?.name ?? ""));
  }
  if (!options.filter) return all;
  const wanted = matcher(options.filter.map((f) => f.replace(/^\.\//, "")));
  const chosen = all.filter((i) => {
    const project = workspace.projects[i];
    return project && (wanted(project.name) || wanted(project.dir || "."));
  });
  if (chosen.length > 0) return chosen;
  throw new Problem(`no project matches ${options.filter.join(", ")}`, "sluice graph lists names and directories");
}
