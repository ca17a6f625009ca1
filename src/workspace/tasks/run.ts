// Runs tasks: what is cached is put in place, the rest runs in order and side by side, and results are remembered.
import { join } from "node:path";
import { openStore } from "../cache/store.ts";
import type { View } from "../git/view.ts";
import { beginWork } from "../long-work.ts";
import { openCheck } from "../sandbox/findings.ts";
import { execute } from "./execute.ts";
import type { TaskGraph, TaskNode } from "./graph.ts";
import { hit, inPlace } from "./hit.ts";
import { keysOf } from "./keys.ts";
import { openLateEdits } from "./late-edits.ts";
import { type Held, lock } from "./lock.ts";
import { readRecord, type World, writeRecord } from "./output-record.ts";
import { ownOutputs } from "./outputs.ts";
import { PartsOf } from "./parts.ts";
import { worldKey } from "./quick-run.ts";
import type { Result } from "./result.ts";
import { inferred, keyOf, type Run, type RunOptions } from "./run-state.ts";
import { openSlots } from "./slots.ts";
import { openMarks } from "./untrusted-outputs.ts";

export async function runTasks(view: View, asked: TaskGraph, options: RunOptions): Promise<readonly Result[]> {
  const tasks = ownOutputs(asked);
  const partsOf = new PartsOf(view);
  const { root } = view.workspace;
  const recordFile = join(root, ".sluice", "outputs", "record");
  const { record, world } = readRecord(recordFile);
  const store = openStore(options.cacheFolder, options.scope);
  const run: Run = {
    view,
    tasks,
    options,
    partsOf,
    keys: keysOf(asked, partsOf), // which other tasks run beside it does not count
    record,
    store,
    marks: openMarks(root),
    changed: { record: false },
    servers: { stops: new Map(), over: new Set() },
    lateEdits: openLateEdits({
      view,
      tasks,
      partsOf,
      record,
      store,
      lookedAtMs: options.lookedAtMs,
      budget: options.lateLook,
    }),
    check: openCheck({ view, tasks, partsOf }),
  };
  const results = new Map(await work(run));
  for (const [id, why] of await run.lateEdits.rest()) takeBack(run, id, why, results);
  const now = worldOf(run, results);
  if (run.changed.record || now?.key !== world?.key) writeRecord(recordFile, record, now);
  return [...results.values()];
}

/** Entries that are asked for at once: this waits for the network, not for the processor. */
const looksMax = 8;

/** Each task starts when all it waits for have ended well. What is in place does not wait, but hands on what it waits for. */
async function work(run: Run): Promise<ReadonlyMap<string, Result>> {
  const { concurrency, memoryMiB = Number.POSITIVE_INFINITY, keepGoing, isStopped } = run.options;
  const prefix = process.cwd() === run.view.workspace.root ? "" : `${run.view.workspace.root}/`;
  const [looks, runs] = [openSlots(looksMax), openSlots(concurrency, memoryMiB)];
  const results = new Map<string, Result>();
  const ended = new Map<string, Promise<boolean>>();
  const serving: Promise<boolean>[] = [];
  let hasFailed = false;
  const barred = (node: TaskNode, isWell = true): Result | undefined => {
    if (isStopped()) return stopped(node);
    return isWell && (keepGoing || !hasFailed) ? undefined : { id: node.id, outcome: "skipped", durationMs: 0 };
  };
  const perform = async (node: TaskNode, isWell: boolean): Promise<Result> =>
    barred(node, isWell) ??
    (await looks.within(0, async () => barred(node) ?? (await locked(run, node, () => hit(run, node))))) ??
    (await (node.task.isPersistent
      ? runLocked(run, node) // it would keep its place for ever
      : runs.within(node.task.more?.memoryMiB ?? 0, async () => barred(node) ?? (await runLocked(run, node)))));
  const one = async (node: TaskNode, before: Promise<boolean>): Promise<boolean> => {
    const result = await perform(node, await before);
    if (result.outcome === "failed") hasFailed = true;
    settle(run, node, result, results);
    return !hasEndedBadly(result);
  };
  for (const node of run.tasks.values()) {
    const open = node.dependencies.flatMap((id) => ended.get(id) ?? []);
    const before = open.length > 0 ? allWell(open) : undefined;
    const known = node.task.command === undefined ? undefined : inPlace(run, node, prefix);
    if (known) settle(run, node, known, results);
    const begun = node.task.command !== undefined && !known ? one(node, before ?? Promise.resolve(true)) : undefined;
    if (begun && node.task.isPersistent) serving.push(begun);
    const gate = node.task.isPersistent ? before : (begun ?? before); // who waits for a server needs it running
    if (gate) ended.set(node.id, gate);
  }
  beginWork(ended.size);
  await Promise.all(ended.values());
  endServers(run);
  await Promise.all(serving);
  return results;
}

/** Once nothing else runs, servers that were there for what ran are no longer needed. */
function endServers({ tasks, servers }: Run): void {
  const nodes = [...tasks.values()].filter((node) => node.task.command !== undefined);
  const neededBy = (isPersistent: boolean) =>
    new Set(nodes.filter((node) => node.task.isPersistent === isPersistent).flatMap((node) => node.dependencies));
  if (!nodes.some((node) => node.task.isPersistent)) return;
  const [once, always] = [neededBy(false), neededBy(true)];
  for (const { id, task } of nodes) {
    if (!task.isPersistent || !once.has(id) || always.has(id)) continue;
    servers.over.add(id);
    servers.stops.get(id)?.();
  }
}

async function allWell(open: readonly Promise<boolean>[]): Promise<boolean> {
  return (await Promise.all(open)).every((isWell) => isWell);
}

function hasEndedBadly(result: Result | undefined): boolean {
  return result?.outcome === "failed" || result?.outcome === "skipped" || result?.outcome === "stopped";
}

/** Another run may have made it meanwhile. */
async function runLocked(run: Run, node: TaskNode): Promise<Result> {
  const result = await locked(
    run,
    node,
    async (held) => (await hit(run, node, "here")) ?? (await execute(run, node, held)),
  );
  return result ?? stopped(node);
}

function stopped({ id }: TaskNode): Result {
  return { id, outcome: "stopped", durationMs: 0 };
}

/** Undefined when the run was stopped while another had the lock. */
async function locked<T>(run: Run, node: TaskNode, act: (held: Held) => Promise<T>): Promise<T | undefined> {
  const held = await lock(join(run.view.workspace.root, ".sluice", "locks"), node.id, run.options.isStopped);
  try {
    return held && (await act(held));
  } finally {
    held?.release();
  }
}

function settle(run: Run, node: TaskNode, result: Result, results: Map<string, Result>): void {
  results.set(node.id, result);
  run.options.trace?.ends(result);
  const isFresh = result.outcome === "ran" || result.outcome === "failed";
  run.options.listener.ends(node.id, result, () => (isFresh ? undefined : run.store.logOf(keyOf(run, node).key)));
}

function takeBack(run: Run, id: string, why: string, results: Map<string, Result>): void {
  const [node, result] = [run.tasks.get(id), results.get(id)];
  if (!node?.task.isCached || !result) return;
  const note = `not cached: ${why}`;
  run.store.drop(keyOf(run, node).key);
  run.record.delete(id);
  run.changed.record = true;
  results.set(id, { ...result, note });
  run.options.listener.says(id, Buffer.from(`${note}\n`));
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
  const asked = { root, look: { stamp, dirty }, request, env: view.env };
  const key = worldKey(asked, { dirs, patterns, dotenv: view.dotenv }); // as they were for the keys
  return { key, ids: nodes.map((node) => node.id), dirs, patterns };
}
