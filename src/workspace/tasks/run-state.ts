// What the tasks of one run share.
import { existsSync } from "node:fs";
import type { RemoteCache } from "../cache/remote.ts";
import { type Scope, type Shelf, trusted } from "../cache/scope.ts";
import type { Store } from "../cache/store.ts";
import type { View } from "../git/view.ts";
import { staticBase } from "../glob.ts";
import type { Check } from "../sandbox/findings.ts";
import type { Services } from "../services/services.ts";
import { inferredEnv } from "./environment.ts";
import type { TaskGraph, TaskNode } from "./graph.ts";
import type { Key } from "./keys.ts";
import type { LateEdits, LookBudget } from "./late-edits.ts";
import { look, type Made } from "./output-record.ts";
import { emptyOutputs } from "./outputs.ts";
import type { PartsOf } from "./parts.ts";
import type { Listener } from "./result.ts";
import type { Trace } from "./trace.ts";
import type { Marks } from "./untrusted-outputs.ts";

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
  lateLook?: LookBudget;
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

export type Run = Readonly<{
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
  /** Persistent tasks: how to stop those that run, and which are to run no longer. */
  servers: Readonly<{ stops: Map<string, () => void>; over: Set<string> }>;
  lateEdits: LateEdits;
  check: Check;
}>;

export function keyOf(run: Run, node: TaskNode): Key {
  const key = run.keys.get(node.id);
  if (!key) throw new Error(`no key for ${node.id}`);
  return key;
}

export function inferred(view: View, project: number): readonly string[] {
  const own = view.workspace.projects[project];
  return own ? inferredEnv(own) : [];
}

/** Files that git has are sources: they are neither emptied nor stored as outputs. */
export function isTracked(run: Run): (path: string) => boolean {
  return run.view.workspace.isTracked;
}

export function reads({ options: { scope = trusted } }: Run): readonly Shelf[] {
  return scope.reads;
}

/** Before anything is written; false where an untrusted result could not be told from a trusted one. */
export function claim(run: Run, { id, task }: TaskNode, shelf: Shelf): boolean {
  const { root } = run.view.workspace;
  const before = run.marks.of(id);
  if (before && before.shelf !== shelf) emptyOutputs(root, before.globs, isTracked(run));
  return shelf === "trusted" || run.marks.set({ task: id, shelf, globs: task.outputs });
}

/** Places where it could have made something are remembered, too: what appears there is not of this result. */
export function remember(run: Run, node: TaskNode, paths: readonly string[]): void {
  const { root } = run.view.workspace;
  const empty = node.task.outputs
    .filter((glob) => !glob.startsWith("!"))
    .map(staticBase)
    .filter((base) => !existsSync(`${root}/${base}`));
  run.record.set(node.id, look(root, keyOf(run, node).key, [...paths, ...new Set(empty)]));
  run.changed.record = true;
}
