// A task that has to run: its outputs emptied, its command started, and what it made kept.
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Problem } from "../../domain/problem.ts";
import type { Entry } from "../cache/entry.ts";
import { leadsOut } from "../cache/restore.ts";
import { type Shelf, trusted } from "../cache/scope.ts";
import type { View } from "../git/view.ts";
import { counted, type Findings } from "../sandbox/findings.ts";
import { readTrace, traced } from "../sandbox/strace.ts";
import { passedEnv } from "./environment.ts";
import { openFailures } from "./failures.ts";
import type { TaskNode } from "./graph.ts";
import type { Held } from "./lock.ts";
import { describe, digestOf, emptyOutputs, type Output, outputPaths } from "./outputs.ts";
import { type Ended, start } from "./process.ts";
import type { Result } from "./result.ts";
import { claim, inferred, isTracked, keyOf, type Run, remember } from "./run-state.ts";

export async function execute(run: Run, node: TaskNode, held: Held): Promise<Result> {
  const { options } = run;
  const { root } = run.view.workspace;
  if (run.record.delete(node.id)) run.changed.record = true;
  const shelf = shelfFor(run, node);
  claim(run, node, shelf);
  const begun = performance.now();
  let ended: Ended | undefined;
  let tries = 0;
  const retries = node.task.more?.retries ?? options.retries;
  while (tries <= retries && ended?.status !== 0 && !options.isStopped()) {
    tries++;
    if (node.task.isCached) emptyOutputs(root, node.task.outputs, isTracked(run));
    if (tries === 1) options.listener.begins(node.id, node.task.command ?? "");
    ended = await launch(run, node, held);
  }
  const durationMs = performance.now() - begun;
  const failures = openFailures(root);
  const { key } = keyOf(run, node);
  if (options.isStopped()) return { id: node.id, outcome: "stopped", durationMs };
  if (run.servers.over.has(node.id)) return { id: node.id, outcome: "ran", durationMs };
  if (ended?.status !== 0) {
    failures.add(key);
    const note = ended?.isTimedOut ? `killed after ${timeoutOf(run, node)} ms` : `exit ${ended?.status}`;
    return { id: node.id, outcome: "failed", durationMs, note };
  }
  const hasFailedBefore = failures.has(key);
  if (hasFailedBefore) failures.forget(key);
  const isFlaky = tries > 1 || hasFailedBefore ? { isFlaky: true } : {};
  const undeclared = await touchedBy(run, node, Date.now() - durationMs);
  const more = { durationMs, ...isFlaky, ...(undeclared && { undeclared }) };
  if (undeclared && options.sandbox?.isStrict) {
    run.store.drop(key); // an earlier result under this key is no better
    return { id: node.id, outcome: "failed", note: `undeclared: ${counted(undeclared)}`, ...more };
  }
  if (shelf === "trusted") run.marks.remove(node.id);
  const late = await run.lateEdits.of(node); // what waits for it must know, too
  if (!node.task.isCached) return { id: node.id, outcome: "ran", ...more };
  const why = late ?? keep(run, node, { log: ended.log, durationMs, shelf });
  return { id: node.id, outcome: "ran", ...(why === undefined ? {} : { note: `not cached: ${why}` }), ...more };
}

/** Of a task that has a key: nothing else promises to say what it reads. */
function traceFile({ options }: Run, { id, task }: TaskNode): string | undefined {
  return options.sandbox && task.isCached ? join(options.sandbox.folder, encodeURIComponent(id)) : undefined;
}

async function touchedBy(run: Run, node: TaskNode, atMs: number): Promise<Findings | undefined> {
  const file = traceFile(run, node);
  if (file === undefined) return undefined;
  const findings = await run.check(
    node,
    await readTrace(file, { cwd: join(run.view.workspace.root, node.task.cwd), atMs }),
  );
  rmSync(file, { force: true });
  return findings.reads.length + findings.writes.length > 0 ? findings : undefined;
}

function timeoutOf({ options }: Run, { task }: TaskNode): number | undefined {
  return task.isPersistent ? undefined : (task.more?.timeoutMs ?? options.timeoutMs);
}

async function launch(run: Run, node: TaskNode, held: Held): Promise<Ended> {
  const { view, options } = run;
  const { project, task } = node;
  const own = view.workspace.projects[project];
  const env = passedEnv(task, inferred(view, project), view.env);
  const services = await servicesFor(run, node);
  if (services instanceof Problem) return { status: 1, log: Buffer.from(`${services.message}\n`), isTimedOut: false };
  const trace = options.trace && { TRACEPARENT: options.trace.parentFor(node.id) };
  const named = {
    ...task.more?.variant,
    ...services,
    ...trace,
    SLUICE_TASK: node.id,
    npm_lifecycle_event: task.name,
    npm_package_name: own?.name ?? "",
  };
  const file = traceFile(run, node);
  const running = start({
    command: task.command ?? "",
    cwd: task.cwd,
    root: view.workspace.root,
    env: { ...env, ...named, ...(own?.version ? { npm_package_version: own.version } : {}) },
    isPersistent: task.isPersistent,
    onOutput: (chunk) => options.listener.says(node.id, chunk),
    timeoutMs: timeoutOf(run, node),
    ...(file === undefined ? {} : { watcher: traced(file) }),
  });
  if (running.pid !== undefined) held.isFor(running.pid);
  if (task.isPersistent) run.servers.stops.set(node.id, () => running.stop("SIGTERM"));
  if (run.servers.over.has(node.id)) running.stop("SIGTERM");
  return await running.ended;
}

/** A server that does not start fails the task that needs it, not the run. */
async function servicesFor(
  { options }: Run,
  { id, task }: TaskNode,
): Promise<Readonly<Record<string, string>> | Problem> {
  try {
    return (await options.services?.envFor(id, task.more?.services ?? [])) ?? {};
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    options.listener.says(id, Buffer.from(`${error.message}\n→ ${error.mend}\n`));
    return error;
  }
}

function lockIn({ installed: { file }, workspace }: View): Pick<Entry, "lock"> {
  return file === undefined ? {} : { lock: `${file} ${workspace.contentOf(file)}` };
}

type Fresh = Readonly<{ log: Buffer; durationMs: number; shelf: Shelf }>;

/** Stores a result, or says why not. */
function keep(run: Run, node: TaskNode, made: Fresh): string | undefined {
  const { view, partsOf, options, store } = run;
  const { root } = view.workspace;
  const paths = outputPaths(root, node.task.outputs).filter((path) => !isTracked(run)(path));
  const outputs = described(root, paths);
  if (!Array.isArray(outputs)) return outputs.trouble;
  const astray = outputs.find((output) => leadsOut(output));
  if (astray) return `${astray.path} is a link that leads out of the workspace`;
  const { key, parts, upstream } = keyOf(run, node);
  const entry: Entry = {
    key,
    task: node.id,
    durationMs: Math.round(made.durationMs),
    outputs,
    log: { size: made.log.length, digest: digestOf(made.log) },
    parts,
    upstream,
    inputs: partsOf.filesOf(node).map((f) => `${f.path} ${f.content}`),
    ...lockIn(view),
  };
  const read = (output: Output) => readFileSync(join(root, output.path));
  const isKept = store.write(made.shelf, { entry, log: made.log, read });
  if (!isKept) return "the cache could not be written";
  remember(run, node, paths);
  run.lateEdits.whenLooked(node, () => options.remote?.send(key, store, made.durationMs));
  return undefined;
}

/** What is too large to be read, or cannot be, cannot be kept. */
function described(root: string, paths: readonly string[]): Output[] | Readonly<{ trouble: string }> {
  const outputs: Output[] = [];
  for (const path of paths) {
    try {
      const output = describe(root, path);
      if (output) outputs.push(output);
    } catch (error) {
      return { trouble: `${path} could not be read (${error instanceof Error ? error.message : error})` };
    }
  }
  return outputs;
}

/** No more trusted than the run itself and what the task waits for. */
function shelfFor({ marks, options: { scope = trusted } }: Run, { dependencies }: TaskNode): Shelf {
  return dependencies.map((id) => marks.of(id)?.shelf).find((shelf) => shelf !== undefined) ?? scope.makes;
}
