// A run that has something to do: chooses what, tells how it goes, ends cleanly on Ctrl-C.
import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { Problem } from "../../domain/problem.ts";
import { openRemote, type RemoteCache } from "../../workspace/cache/remote.ts";
import { type Scope, scopeOfRun } from "../../workspace/cache/scope.ts";
import { cacheFolder, limitsOf, sharingOf } from "../../workspace/cache/settings.ts";
import { openStore } from "../../workspace/cache/store.ts";
import { pruneDaily } from "../../workspace/cache/upkeep.ts";
import { defaultBase } from "../../workspace/git/compare.ts";
import { type View, viewOf } from "../../workspace/git/view.ts";
import { matcher } from "../../workspace/glob.ts";
import { openWorkspace } from "../../workspace/graph/workspace.ts";
import { openServices, type Services } from "../../workspace/services/services.ts";
import { allProjects, checkNames, type TaskGraph, type TaskNode, taskGraph } from "../../workspace/tasks/graph.ts";
import { keysOf } from "../../workspace/tasks/keys.ts";
import { PartsOf } from "../../workspace/tasks/parts.ts";
import { runningCount, stopAll } from "../../workspace/tasks/process.ts";
import type { Result } from "../../workspace/tasks/result.ts";
import { runTasks } from "../../workspace/tasks/run.ts";
import type { RunOptions } from "../../workspace/tasks/run-state.ts";
import { openTrace } from "../../workspace/tasks/trace.ts";
import type { RunVerbOptions } from "../verbs/run.ts";
import { ask } from "./ask-affected.ts";
import { defaultPipeline } from "./default-pipeline.ts";
import { finish } from "./finish-run.ts";
import { keepRunning } from "./keep-running.ts";
import { openRunScreen, type RunScreen } from "./run-screen.ts";
import type { Begun } from "./run-tasks.ts";

export async function runFully(named: readonly string[], begun: Begun): Promise<void> {
  const { root, options } = begun;
  const view = await viewOf(await openWorkspace(root, begun.looking), process.env);
  const tasks = named.length > 0 ? named : await defaultPipeline(view, options);
  checkNames(view.workspace, tasks);
  if (options.dryRun)
    return printPlan(view, taskGraph(view.workspace, view.graph, await wanted(view, tasks, options)), options);
  const session = await openSession(view, options);
  try {
    if (options.watch) await keepRunning(tasks, { begun, view, session });
    else {
      const results = await runRound(tasks, { begun, view, session });
      const { projects } = view.workspace;
      if (session.sandbox) tellUnwatched(results, session.screen);
      finish(results, { ...session, root, options, projects, isStopped: session.isStopped() });
    }
  } finally {
    await closeSession(session);
  }
}

/** What stays open between the rounds of a watched run. */
type Session = Readonly<{
  screen: RunScreen;
  services: Services;
  remote: RemoteCache | undefined;
  scope: Scope;
  sandbox: RunOptions["sandbox"];
  isStopped: () => boolean;
  /** When the run began. */
  beganMs: number;
}>;

async function openSession(view: View, options: RunVerbOptions): Promise<Session> {
  const screen = openRunScreen(process.stdout, { isQuiet: options.quiet === true || options.json === true });
  const { missing, file } = view.installed;
  if (file === undefined) screen.warn("no lock file: keys hold the ranges of dependencies only");
  if (missing.length > 0) screen.warn(`${file} is out of date: it lacks ${missing.slice(0, 3).join(", ")}`);
  const { shape, root } = view.workspace;
  const services = openServices(shape.pipeline?.services ?? {}, root, {
    postgres: async () => (await import("../../compose/task-postgres.ts")).startTaskPostgres(),
  });
  const sharing = await sharingOf(shape.pipeline?.cache, process.env);
  const { isStopped, stopping } = onInterrupt();
  const remote = sharing.remote && openRemote({ ...sharing.remote, stopping, warn: screen.warn });
  const sandbox = await openSandbox(view, options, screen);
  return {
    screen,
    services,
    remote,
    scope: sharing.scope,
    sandbox,
    isStopped,
    beganMs: Date.now(),
  };
}

/** Whoever asked for strict on the command line relies on it; what the configuration asks for is done where it can be. */
async function openSandbox(
  { workspace }: View,
  options: RunVerbOptions,
  screen: RunScreen,
): Promise<Session["sandbox"]> {
  const mode = options.sandbox ?? workspace.shape.pipeline?.sandbox;
  if (mode === undefined) return undefined;
  const { whyUntraceable } = await import("../../workspace/sandbox/strace.ts");
  const trouble = await whyUntraceable();
  if (trouble === undefined)
    return { folder: await mkdtemp(join(tmpdir(), "sluice-sandbox-")), isStrict: mode === "strict" };
  if (options.sandbox === "strict")
    throw new Problem(`--sandbox=strict cannot watch tasks: ${trouble}`, "Run it where it can, or without --sandbox");
  screen.warn(`reads and writes are not watched: ${trouble}`);
  return undefined;
}

function tellUnwatched(results: readonly Result[], screen: RunScreen): void {
  const cached = results.filter((r) => r.outcome === "in place" || r.outcome === "restored" || r.outcome === "fetched");
  if (cached.length > 0) screen.note(`${cached.length} from the cache, not watched: --force runs them`);
}

async function closeSession({ services, remote, sandbox, screen }: Session): Promise<void> {
  screen.close();
  if (sandbox) await rm(sandbox.folder, { recursive: true, force: true });
  await services.stop();
  await remote?.flush(30_000);
}

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

async function wanted(view: View, tasks: readonly string[], options: RunVerbOptions) {
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

/** The first Ctrl-C asks tasks to end, the second or ten seconds make them. */
function onInterrupt(): Readonly<{ isStopped: () => boolean; stopping: AbortSignal }> {
  const stopping = new AbortController();
  const isStopped = () => stopping.signal.aborted;
  const stop = () => {
    stopAll(isStopped() ? "SIGKILL" : "SIGTERM");
    stopping.abort();
    void killLate();
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, stop);
  return { isStopped, stopping: stopping.signal };
}

async function killLate(): Promise<void> {
  for (let i = 0; i < 100 && runningCount() > 0; i++) await wait(100, undefined, { ref: false });
  stopAll("SIGKILL");
}

function printPlan(view: View, graph: TaskGraph, options: RunVerbOptions): void {
  const keys = keysOf(graph, new PartsOf(view));
  const store = openStore(options.cacheDir ?? cacheFolder(view.workspace.root), scopeOfRun(process.env));
  const tasks = [...graph.values()]
    .filter((node) => node.task.command !== undefined)
    .map((node) => {
      const key = keys.get(node.id)?.key ?? "";
      return {
        id: node.id,
        key,
        isCached: node.task.isCached && store.has(key),
        command: node.task.command,
        waitsFor: node.dependencies,
      };
    });
  if (options.json) process.stdout.write(`${JSON.stringify({ tasks })}\n`);
  else
    for (const { id, isCached, command } of tasks)
      process.stdout.write(`${isCached ? "cached" : "run   "}  ${id}  ${command}\n`);
}
