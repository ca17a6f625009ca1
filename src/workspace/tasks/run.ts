// Runs tasks: what is cached is put in place, the rest runs in order and side by side, and results are remembered.
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Problem } from "../../domain/problem.ts";
import type { Entry } from "../cache/entry.ts";
import type { RemoteCache } from "../cache/remote.ts";
import { leadsOut, restore } from "../cache/restore.ts";
import { type Scope, type Shelf, trusted } from "../cache/scope.ts";
import { type Found, openStore, type Store } from "../cache/store.ts";
import type { View } from "../git/view.ts";
import { type Check, counted, type Findings, openCheck } from "../sandbox/findings.ts";
import { readTrace, traced } from "../sandbox/strace.ts";
import type { Services } from "../services/services.ts";
import { inferredEnv, passedEnv } from "./environment.ts";
import { openFailures } from "./failures.ts";
import type { TaskGraph, TaskNode } from "./graph.ts";
import { type Key, keysOf } from "./keys.ts";
import { lateEdit } from "./late-edits.ts";
import { type Held, lock } from "./lock.ts";
import { isUntouched, look, type Made, readRecord, type World, writeRecord } from "./output-record.ts";
import { describe, digestOf, emptyOutputs, type Output, outputPaths, ownOutputs } from "./outputs.ts";
import { PartsOf } from "./parts.ts";
import { type Ended, start } from "./process.ts";
import { worldKey } from "./quick-run.ts";
import type { Trace } from "./trace.ts";
import { type Marks, openMarks } from "./untrusted-outputs.ts";

export type Outcome = "in place" | "restored" | "fetched" | "ran" | "failed" | "skipped" | "stopped";

export type Result = Readonly<{
  id: string;
  outcome: Outcome;
  durationMs: number;
  /** Why a result was not kept, or how a try went. */
  note?: string;
  /** Needed more than one try. */
  isFlaky?: boolean;
  /** Where the run was watched: what the task touched beside its inputs and outputs. */
  undeclared?: Findings;
}>;

/** What a screen is told, as it happens. */
export type Listener = Readonly<{
  begins: (id: string, command: string) => void;
  says: (id: string, chunk: Buffer) => void;
  /** `log` is there for what did not just run: to be replayed. */
  ends: (id: string, result: Result, log: () => Buffer | undefined) => void;
}>;

export type RunOptions = Readonly<{
  concurrency: number;
  keepGoing: boolean;
  isForced: boolean;
  retries: number;
  timeoutMs: number | undefined;
  cacheFolder: string;
  remote: RemoteCache | undefined;
  /** Whose results it may use, and whose its own are; trusted unless given. */
  scope?: Scope;
  lookedAtMs: number;
  /** What was asked for, in short; with the stamp of git's index it makes the next run quick. */
  request: string;
  stamp: string | undefined;
  listener: Listener;
  isStopped: () => boolean;
  services?: Services;
  trace?: Trace | undefined;
  /** Tasks that say what memory they need start only while it fits. */
  memoryMiB?: number;
  /** Where tasks are watched as they read and write: what is undeclared is told, and if strict a failure. */
  sandbox?: Readonly<{ folder: string; isStrict: boolean }> | undefined;
}>;

export async function runTasks(view: View, asked: TaskGraph, options: RunOptions): Promise<readonly Result[]> {
  const tasks = ownOutputs(asked);
  const partsOf = new PartsOf(view);
  const keys = keysOf(asked, partsOf); // which other tasks run beside it does not count
  const { root } = view.workspace;
  const recordFile = join(root, ".sluice", "outputs", "record");
  const { record, world } = readRecord(recordFile);
  const run: Run = {
    view,
    tasks,
    options,
    partsOf,
    keys,
    record,
    store: openStore(options.cacheFolder, options.scope),
    marks: openMarks(root),
    changed: { record: false },
    check: openCheck({ view, tasks, partsOf }),
  };
  const results = new Map<string, Result>();
  const open: TaskNode[] = [];
  const prefix = process.cwd() === root ? "" : `${root}/`;
  for (const node of tasks.values()) {
    const result = node.task.command === undefined ? nothing(node) : inPlace(run, node, prefix);
    if (!result) open.push(node);
    else if (node.task.command !== undefined) settle(run, node, result, results);
  }
  await work(run, open, results);
  const now = worldOf(run, results);
  if (run.changed.record || now?.key !== world?.key) writeRecord(recordFile, record, now);
  return [...results.values()];
}

/** Undefined where a next run must look closer: something failed, is never cached, or was read past git. */
function worldOf(run: Run, results: ReadonlyMap<string, Result>): World | undefined {
  const { view, tasks, options, partsOf } = run;
  const { root, projects, dirty, hidden } = view.workspace;
  const nodes = [...tasks.values()].filter((node) => node.task.command !== undefined);
  const isKept = (node: TaskNode) => {
    const result = results.get(node.id);
    return node.task.isCached && result !== undefined && !hasEndedBadly(result) && run.record.has(node.id);
  };
  if (options.stamp === undefined || options.isForced || hidden.length > 0 || partsOf.isOpen || !nodes.every(isKept))
    return undefined;
  const dirs = projects.map((p) => p.dir);
  const patterns = [...new Set(nodes.flatMap(({ project, task }) => [...task.env, ...inferred(view, project)]))].sort();
  if (patterns.some((p) => p.startsWith("!"))) return undefined; // one task's exclusion is not another's
  const { stamp, request } = options;
  const key = worldKey({ root, look: { stamp, dirty }, request, env: view.env }, { dirs, patterns });
  return { key, ids: nodes.map((node) => node.id), dirs, patterns };
}

function inferred(view: View, project: number): readonly string[] {
  const own = view.workspace.projects[project];
  return own ? inferredEnv(own) : [];
}

type Run = Readonly<{
  view: View;
  tasks: TaskGraph;
  options: RunOptions;
  partsOf: PartsOf;
  keys: ReadonlyMap<string, Key>;
  record: Map<string, Made>;
  store: Store;
  /** Outputs in the tree that are not trusted. */
  marks: Marks;
  changed: { record: boolean };
  check: Check;
}>;

function nothing({ id }: TaskNode): Result {
  return { id, outcome: "in place", durationMs: 0 };
}

function inPlace(run: Run, node: TaskNode, prefix: string): Result | undefined {
  const { task, id } = node;
  if (!task.isCached || run.options.isForced) return undefined;
  const made = run.record.get(id);
  if (made?.key !== run.keys.get(id)?.key || !made || !isUntouched(made, prefix)) return undefined;
  if (!reads(run).includes(run.marks.of(id)?.shelf ?? "trusted")) return undefined;
  return { id, outcome: "in place", durationMs: 0 };
}

function settle(run: Run, node: TaskNode, result: Result, results: Map<string, Result>): void {
  results.set(node.id, result);
  run.options.trace?.ends(result);
  const isFresh = result.outcome === "ran" || result.outcome === "failed";
  run.options.listener.ends(node.id, result, () => (isFresh ? undefined : run.store.logOf(keyOf(run, node).key)));
}

/** Each open task starts when all it waits for have ended well; a hit waits for nobody. */
async function work(run: Run, open: readonly TaskNode[], results: Map<string, Result>): Promise<void> {
  const { concurrency, keepGoing, isStopped } = run.options;
  const missing = new Map(open.map((node) => [node.id, 0]));
  const dependents = new Map<string, TaskNode[]>();
  for (const node of open)
    for (const id of node.dependencies) {
      if (!missing.has(id)) continue;
      missing.set(node.id, (missing.get(node.id) ?? 0) + 1);
      dependents.set(id, [...(dependents.get(id) ?? []), node]);
    }
  const ready = open.filter((node) => missing.get(node.id) === 0);
  let hasFailed = false;
  let next = 0;
  const end = (node: TaskNode, result: Result) => {
    if (result.outcome === "failed") hasFailed = true;
    settle(run, node, result, results);
    for (const waiting of dependents.get(node.id) ?? []) {
      const left = (missing.get(waiting.id) ?? 0) - 1;
      missing.set(waiting.id, left);
      if (left === 0) ready.push(waiting);
    }
  };
  const isBarred = (node: TaskNode) =>
    isStopped() || (hasFailed && !keepGoing) || node.dependencies.some((id) => hasEndedBadly(results.get(id)));
  const active = new Set<Promise<void>>();
  const memoryMiB = run.options.memoryMiB ?? Number.POSITIVE_INFINITY;
  let usedMiB = 0;
  for (;;) {
    while (next < ready.length && active.size < concurrency) {
      const needsMiB = ready[next]?.task.more?.memoryMiB ?? 0;
      if (active.size > 0 && usedMiB + needsMiB > memoryMiB) break;
      const node = ready[next++];
      if (!node) continue;
      if (isBarred(node)) {
        end(node, { id: node.id, outcome: isStopped() ? "stopped" : "skipped", durationMs: 0 });
        continue;
      }
      usedMiB += needsMiB;
      const one: Promise<void> = perform(run, node)
        .then((result) => end(node, result))
        .finally(() => {
          usedMiB -= needsMiB;
          active.delete(one);
        });
      active.add(one);
    }
    if (active.size === 0) return;
    await Promise.race(active);
  }
}

function hasEndedBadly(result: Result | undefined): boolean {
  return result?.outcome === "failed" || result?.outcome === "skipped" || result?.outcome === "stopped";
}

async function perform(run: Run, node: TaskNode): Promise<Result> {
  const { root } = run.view.workspace;
  const held = await lock(join(root, ".sluice", "locks"), node.id);
  try {
    return (await hit(run, node)) ?? (await execute(run, node, held));
  } finally {
    held.release();
  }
}

async function hit(run: Run, node: TaskNode): Promise<Result | undefined> {
  const { store, options } = run;
  if (!node.task.isCached || options.isForced) return undefined;
  const { key } = keyOf(run, node);
  const begun = performance.now();
  const local = store.open(key);
  if (local && putBack(run, node, local))
    return { id: node.id, outcome: "restored", durationMs: performance.now() - begun };
  if (options.remote && (await options.remote.fetch(key, store))) {
    const fetched = store.open(key);
    if (fetched && putBack(run, node, fetched))
      return { id: node.id, outcome: "fetched", durationMs: performance.now() - begun };
    options.remote.refuse(key);
  }
  return undefined;
}

function reads({ options: { scope = trusted } }: Run): readonly Shelf[] {
  return scope.reads;
}

/** No more trusted than the run itself and what the task waits for. */
function shelfFor({ marks, options: { scope = trusted } }: Run, { dependencies }: TaskNode): Shelf {
  return dependencies.map((id) => marks.of(id)?.shelf).find((shelf) => shelf !== undefined) ?? scope.makes;
}

/** Before anything is written; false where an untrusted result could not be told from a trusted one. */
function claim(run: Run, { id, task }: TaskNode, shelf: Shelf): boolean {
  const { root } = run.view.workspace;
  const before = run.marks.of(id);
  if (before && before.shelf !== shelf) emptyOutputs(root, before.globs, isTracked(run));
  return shelf === "trusted" || run.marks.set({ task: id, shelf, globs: task.outputs });
}

function putBack(run: Run, node: TaskNode, found: Found): boolean {
  const { root } = run.view.workspace;
  try {
    if (!claim(run, node, found.shelf)) return false;
    if (!restore(found, { root, globs: node.task.outputs, keep: isTracked(run) })) {
      run.store.drop(found.entry.key);
      return false;
    }
    if (found.shelf === "trusted") run.marks.remove(node.id);
    remember(
      run,
      node,
      found.entry.outputs.map((o) => o.path),
    );
    return true;
  } finally {
    found.close();
  }
}

function remember(run: Run, node: TaskNode, paths: readonly string[]): void {
  run.record.set(node.id, look(run.view.workspace.root, keyOf(run, node).key, paths));
  run.changed.record = true;
}

async function execute(run: Run, node: TaskNode, held: Held): Promise<Result> {
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
  const note = node.task.isCached ? await keep(run, node, { log: ended.log, durationMs, shelf }) : undefined;
  return { id: node.id, outcome: "ran", ...(note === undefined ? {} : { note }), ...more };
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
async function keep(run: Run, node: TaskNode, made: Fresh): Promise<string | undefined> {
  const { view, partsOf, options, store } = run;
  const { root } = view.workspace;
  const files = partsOf.filesOf(node);
  const known = view.workspace.filesOf(view.workspace.projects[node.project]?.dir ?? "");
  const edited = await lateEdit({ root, task: node.task, files, known, lookedAtMs: options.lookedAtMs });
  if (edited !== undefined) return `not cached: ${edited} changed while it ran`;
  const paths = outputPaths(root, node.task.outputs).filter((path) => !isTracked(run)(path));
  const outputs = paths.map((path) => describe(root, path)).filter((o) => o !== undefined);
  const astray = outputs.find((output) => leadsOut(output));
  if (astray) return `not cached: ${astray.path} is a link that leads out of the workspace`;
  const { key, parts, upstream } = keyOf(run, node);
  const entry: Entry = {
    key,
    task: node.id,
    durationMs: Math.round(made.durationMs),
    outputs,
    log: { size: made.log.length, digest: digestOf(made.log) },
    parts,
    upstream,
    inputs: files.map((f) => `${f.path} ${f.content}`),
    ...lockIn(view),
  };
  const read = (output: Output) => readFileSync(join(root, output.path));
  const isKept = store.write(made.shelf, { entry, log: made.log, read });
  if (!isKept) return "not cached: the cache could not be written";
  remember(run, node, paths);
  options.remote?.send(key, store, made.durationMs);
  return undefined;
}

/** Files that git has are sources: they are neither emptied nor stored as outputs. */
function isTracked(run: Run): (path: string) => boolean {
  return (path) => run.view.workspace.contentOf(path) !== undefined && !run.view.workspace.dirty.has(path);
}

function keyOf(run: Run, node: TaskNode): Key {
  const key = run.keys.get(node.id);
  if (!key) throw new Error(`no key for ${node.id}`);
  return key;
}
