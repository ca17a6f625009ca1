// `sluice run --watch`: runs again whenever a source changes. What serves (a persistent task) is started once and left to
// watch its own files; everything else runs in rounds, from the cache where nothing changed.
import { watch } from "node:fs";
import { join, posix } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { Problem } from "../../domain/problem.ts";
import { type View, viewOf } from "../../workspace/git/view.ts";
import { type Look, lookAtTree } from "../../workspace/git/worktree.ts";
import { openWorkspace } from "../../workspace/graph/workspace.ts";
import type { Result } from "../../workspace/tasks/result.ts";
import { type Round, runRound } from "./run-round.ts";
import { summaryLine } from "./run-screen.ts";

const settledAfterMs = 100;

export async function keepRunning(tasks: readonly string[], first: Round): Promise<void> {
  const { session } = first;
  const serving: Promise<unknown>[] = [];
  let round = first;
  while (!session.isStopped()) {
    const changes = watchSources(round.view);
    try {
      const before = stateOf(await round.begun.looking, round.view);
      const results = await roundOf(tasks, round, round !== first);
      if (results) {
        const isOk = results.every(
          (r) => r.outcome === "ran" || r.outcome === "in place" || r.outcome === "restored" || r.outcome === "fetched",
        );
        if (isOk && serving.length === 0) serving.push(runRound(tasks, round, (node) => node.task.isPersistent));
        session.screen.tellUndeclared(results);
        session.screen.note(`${summaryLine(results)}; waiting for changes (Ctrl-C ends)`);
      }
      round = await changed(round, { changes, before, isStopped: session.isStopped });
    } finally {
      changes.close();
    }
  }
  await Promise.all(serving);
}

/** In a later round a mistake is one that was just made, and will be mended. */
async function roundOf(
  tasks: readonly string[],
  round: Round,
  isLater: boolean,
): Promise<readonly Result[] | undefined> {
  try {
    return await runRound(tasks, round, (node) => !node.task.isPersistent);
  } catch (error) {
    if (!(isLater && error instanceof Problem)) throw error;
    tell(round, error);
    return undefined;
  }
}

function tell({ session }: Round, { message, mend }: Problem): void {
  session.screen.warn(`${message}\n  → ${mend}`);
}

type Waiting = Readonly<{ changes: Changes; before: string; isStopped: () => boolean }>;

/** The next state of the tree that differs from the one that was run. */
async function changed(round: Round, { changes, before, isStopped }: Waiting): Promise<Round> {
  const { root } = round.begun;
  for (;;) {
    await changes.next(isStopped);
    const lookedAtMs = Date.now();
    const looking = lookAtTree(root);
    const look = await looking;
    try {
      const view = await viewOf(await openWorkspace(root, looking), process.env);
      if (!isStopped() && stateOf(look, view) === before) continue;
      return { ...round, view, begun: { ...round.begun, looking, lookedAtMs } };
    } catch (error) {
      if (!(error instanceof Problem)) throw error; // a manifest that is half written
      tell(round, error);
    }
  }
}

function stateOf({ stamp, dirty }: Look, { dotenv, workspace }: View): string {
  const secret = workspace.projects.map(({ dir }) => dotenv.of(dir));
  return JSON.stringify([stamp, [...dirty].sort(([a], [b]) => (a < b ? -1 : 1)), secret]);
}

type Changes = Readonly<{ next: (isStopped: () => boolean) => Promise<void>; close: () => void }>;

/** Every directory with a source in it; what appears elsewhere shows in its parent. */
function watchSources({ workspace }: View): Changes {
  const dirs = new Set(["", ...workspace.projects.map((p) => p.dir)]);
  for (const { dir } of workspace.projects)
    for (const { path } of workspace.filesOf(dir)) dirs.add(posix.dirname(path).replace(/^\.$/, ""));
  let isChanged = false;
  const note = (_: string, name: string | null) => {
    if (name !== ".sluice" && name !== ".git" && name !== "node_modules") isChanged = true;
  };
  const watchers = [...dirs].flatMap((dir) => {
    try {
      return [watch(join(workspace.root, dir), { persistent: false }, note).on("error", () => {})];
    } catch {
      return []; // gone meanwhile, or no more watches: a change elsewhere will be seen
    }
  });
  return {
    next: async (isStopped) => {
      while (!isChanged && !isStopped()) await wait(settledAfterMs);
      while (isChanged && !isStopped()) {
        isChanged = false;
        await wait(settledAfterMs);
      }
    },
    close: () => {
      for (const watcher of watchers) watcher.close();
    },
  };
}
