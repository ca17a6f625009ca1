// A run that has something to do: planned, watched or run once.
import { scopeOfRun } from "../../workspace/cache/scope.ts";
import { cacheFolder } from "../../workspace/cache/settings.ts";
import { openStore } from "../../workspace/cache/store.ts";
import { type View, viewOf } from "../../workspace/git/view.ts";
import { openWorkspace } from "../../workspace/graph/workspace.ts";
import { checkNames, type TaskGraph, taskGraph } from "../../workspace/tasks/graph.ts";
import { keysOf } from "../../workspace/tasks/keys.ts";
import { PartsOf } from "../../workspace/tasks/parts.ts";
import type { Result } from "../../workspace/tasks/result.ts";
import type { RunVerbOptions } from "../verbs/run.ts";
import { defaultPipeline } from "./default-pipeline.ts";
import { finish } from "./finish-run.ts";
import { keepRunning } from "./keep-running.ts";
import { runRound, wanted } from "./run-round.ts";
import type { RunScreen } from "./run-screen.ts";
import { closeSession, openSession } from "./run-session.ts";
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

function tellUnwatched(results: readonly Result[], screen: RunScreen): void {
  const cached = results.filter((r) => r.outcome === "in place" || r.outcome === "restored" || r.outcome === "fetched");
  if (cached.length > 0) screen.note(`${cached.length} from the cache, not watched: --force runs them`);
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
