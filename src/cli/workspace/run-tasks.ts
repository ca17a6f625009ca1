// `sluice run`: where nothing changed since the last run, that is found out and told here; everything else is run-fully.ts.
import { join, resolve } from "node:path";
import { cacheFolder } from "../../workspace/cache/settings.ts";
import { type Look, lookAtTree } from "../../workspace/git/worktree.ts";
import { findRoot } from "../../workspace/graph/layout.ts";
import { type InPlace, quickRun } from "../../workspace/tasks/quick-run.ts";
import { hasMarks } from "../../workspace/tasks/untrusted-outputs.ts";
import type { RunVerbOptions } from "../verbs/run.ts";

/** A run whose look at the tree has begun. */
export type Begun = Readonly<{
  root: string;
  looking: Promise<Look>;
  lookedAtMs: number;
  request: string;
  /** Where results are kept. */
  folder: string;
  options: RunVerbOptions;
  /** Could have been answered from the last run. */
  isQuick: boolean;
}>;

export async function runVerbIn(from: string, tasks: readonly string[], options: RunVerbOptions): Promise<void> {
  const root = findRoot(from);
  process.chdir(root); // short paths: thousands of outputs are looked at
  const looking = lookAtTree(root);
  looking.catch(() => {}); // reported where it is awaited
  const begun: Begun = {
    root,
    looking,
    lookedAtMs: Date.now(),
    request: JSON.stringify([tasks, options.filter ?? null]),
    folder: options.cacheDir ? resolve(from, options.cacheDir) : cacheFolder(root),
    options: options.junit === undefined ? options : { ...options, junit: resolve(from, options.junit) },
    isQuick:
      tasks.length > 0 &&
      [options.affected, options.force, options.dryRun, options.watch, options.sandbox].every((o) => !o),
  };
  const inPlace = begun.isQuick ? await nothingToDo(begun) : undefined;
  if (inPlace) return await tellAllInPlace(inPlace, begun);
  const { runFully } = await import("./run-fully.ts");
  await runFully(tasks, begun);
}

async function nothingToDo({ root, looking, request }: Begun): Promise<readonly InPlace[] | undefined> {
  if (hasMarks(root)) return undefined; // not every run may use what is there
  const asked = { root, look: await looking, request, env: process.env };
  return quickRun(join(root, ".sluice", "outputs", "record"), asked);
}

async function tellAllInPlace(inPlace: readonly InPlace[], { root, folder, options }: Begun): Promise<void> {
  if (options.quiet && !options.json && !options.junit) return;
  const [{ openStore }, { openRunScreen }, { finish }] = await Promise.all([
    import("../../workspace/cache/store.ts"),
    import("./run-screen.ts"),
    import("./finish-run.ts"),
  ]);
  const screen = openRunScreen(process.stdout, { isQuiet: options.quiet === true || options.json === true });
  const store = openStore(folder);
  const results = inPlace.map(({ id, key }) => {
    const result = { id, outcome: "in place", durationMs: 0 } as const;
    screen.ends(id, result, () => store.logOf(key));
    return result;
  });
  finish(results, { options, root, isStopped: false, screen });
}
