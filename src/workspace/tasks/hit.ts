// A task whose result is known already: in place as it was left, or put there from the cache.
import { restore } from "../cache/restore.ts";
import type { Found } from "../cache/store.ts";
import type { TaskNode } from "./graph.ts";
import { isUntouched } from "./output-record.ts";
import type { Result } from "./result.ts";
import { claim, isTracked, keyOf, type Run, reads, remember } from "./run-state.ts";

/** `prefix` is the workspace root with a slash, or "" where it is the current directory. */
export function inPlace(run: Run, node: TaskNode, prefix: string): Result | undefined {
  const { task, id } = node;
  if (!task.isCached || run.options.isForced) return undefined;
  const made = run.record.get(id);
  if (made?.key !== run.keys.get(id)?.key || !made || !isUntouched(made, prefix)) return undefined;
  if (!reads(run).includes(run.marks.of(id)?.shelf ?? "trusted")) return undefined;
  return { id, outcome: "in place", durationMs: 0 };
}

/** `where` a result may be looked for: asking others for it costs a request. */
export async function hit(
  run: Run,
  node: TaskNode,
  where: "here" | "anywhere" = "anywhere",
): Promise<Result | undefined> {
  const { store, options } = run;
  if (!node.task.isCached || options.isForced) return undefined;
  const { key } = keyOf(run, node);
  const begun = performance.now();
  if (putBack(run, node, store.open(key)))
    return { id: node.id, outcome: "restored", durationMs: performance.now() - begun };
  if (where === "here" || !options.remote || !(await options.remote.fetch(key, store))) return undefined;
  if (putBack(run, node, store.open(key)))
    return { id: node.id, outcome: "fetched", durationMs: performance.now() - begun };
  options.remote.refuse(key);
  return undefined;
}

function putBack(run: Run, node: TaskNode, found: Found | undefined): boolean {
  if (!found) return false;
  const { root } = run.view.workspace;
  try {
    if (!claim(run, node, found.shelf)) return false;
    if (!restore(found, { root, globs: node.task.outputs, keep: isTracked(run) })) {
      run.store.drop(found.entry.key);
      return false;
    }
    if (found.shelf === "trusted") run.marks.remove(node.id);
    const paths = found.entry.outputs.map((output) => output.path);
    remember(run, node, paths);
    return true;
  } finally {
    found.close();
  }
}
