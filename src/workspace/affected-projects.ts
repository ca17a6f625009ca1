// Which projects a change affects when it lies in projects only: theirs, and all that depend on them. Nothing but the
// short graph is needed for that.
import { owners } from "./git/listing.ts";
import type { FileChange } from "./git/worktree.ts";
import { shapesGraph } from "./graph/layout.ts";
import type { ShortGraph } from "./graph/short.ts";

/** `because` goes from the change to the project: a file, a part of the key, the projects between. */
export type AffectedTask = Readonly<{
  id: string;
  project: string;
  dir: string;
  task: string;
  because: readonly string[];
}>;

/** Stands for "anything of this project", when no task is named. */
export const anything = "*";

/** True where a change can reach projects that it does not lie in, other than through who depends on them. */
export function isWide(changes: readonly FileChange[], ownerOf: (path: string) => string): boolean {
  return changes.some((c) => ownerOf(c.path) === "" || shapesGraph(c.path));
}

/** True where only those projects can be affected that the changes lie in, and their dependents. */
export function isLocal({ dirs, shared }: ShortGraph, changes: readonly FileChange[]): boolean {
  const ownerOf = owners(dirs);
  const isShared = (path: string) => shared.some((i) => dirs[i] === ownerOf(path));
  return !isWide(changes, ownerOf) && !(shared.length > 0 && changes.some((c) => isShared(c.path)));
}

/** For changes that are local. */
export function affectedProjects(graph: ShortGraph, changes: readonly FileChange[]): readonly AffectedTask[] {
  const { names, dirs, dependents, isRootAsked } = graph;
  const ownerOf = owners(dirs);
  const touched = new Map<string, FileChange[]>();
  for (const change of changes) {
    const dir = ownerOf(change.path);
    const list = touched.get(dir);
    if (list) list.push(change);
    else touched.set(dir, [change]);
  }
  const own = dirs.flatMap((dir, i): [number, readonly string[]][] => {
    const list = touched.get(dir);
    return list ? [[i, becauseOf(list, names[i] ?? "")]] : [];
  });
  const reasons = spread(
    own,
    (i) => dependents[i],
    (from, to) => `${names[from]} is used by ${names[to]}`,
  );
  return names.flatMap((project, i) => {
    const because = i === 0 && !isRootAsked ? undefined : reasons.get(i);
    return because ? [{ id: `${project}#${anything}`, project, dir: dirs[i] ?? "", task: anything, because }] : [];
  });
}

export function becauseOf(
  changes: readonly FileChange[],
  project: string,
  step = `is an input of ${project}`,
): readonly string[] {
  const [first, ...rest] = changes.map(
    (c) => `${c.path} ${c.before === undefined ? "added" : c.after === undefined ? "deleted" : "changed"}`,
  );
  return [`${first ?? "its files changed"}${rest.length > 0 ? ` (+${rest.length} more)` : ""}`, step];
}

/** Carries reasons on to all that wait, nearest first; circles do no harm. */
export function spread<Id>(
  own: readonly (readonly [Id, readonly string[]])[],
  waitingFor: (id: Id) => readonly Id[] | undefined,
  step: (from: Id, to: Id) => string,
): ReadonlyMap<Id, readonly string[]> {
  const reasons = new Map(own);
  for (const [id, because] of reasons)
    for (const next of waitingFor(id) ?? []) if (!reasons.has(next)) reasons.set(next, [...because, step(id, next)]);
  return reasons;
}
