// Real little repositories for tests: files in a temporary directory, under git, with the questions one asks of them.
import { deepEqual } from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { affected } from "./affected.ts";
import { type AffectedTask, affectedProjects, isLocal } from "./affected-projects.ts";
import { compareWithBase } from "./git/compare.ts";
import { indexStamp } from "./git/git-folder.ts";
import { type View, viewOf } from "./git/view.ts";
import { folderOf, lookAtTree } from "./git/worktree.ts";
import { readShort } from "./graph/short.ts";
import { openWorkspace } from "./graph/workspace.ts";
import { allProjects, taskGraph } from "./tasks/graph.ts";
import type { Result } from "./tasks/result.ts";
import { runTasks } from "./tasks/run.ts";
import type { RunOptions } from "./tasks/run-state.ts";

export type Files = Readonly<Record<string, string | object>>;

export class Repository {
  readonly root = mkdtempSync(join(tmpdir(), "sluice-workspace-"));
  env: Record<string, string | undefined> = { PATH: process.env.PATH, HOME: process.env.HOME };

  constructor(files: Files, format: readonly string[] = []) {
    this.git("init", "-q", "-b", "main", ...format);
    this.write(files);
    this.commit();
    this.git("tag", "base");
  }

  git(...args: string[]): string {
    const identity = ["-c", "user.name=t", "-c", "user.email=t@example.invalid", "-c", "commit.gpgsign=false"];
    return execFileSync("git", [...identity, ...args], {
      cwd: this.root,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
  }

  write(files: Files): void {
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(this.root, path)), { recursive: true });
      writeFileSync(
        join(this.root, path),
        typeof content === "string" ? content : `${JSON.stringify(content, null, 2)}\n`,
      );
    }
  }

  read(path: string): string {
    return readFileSync(join(this.root, path), "utf8");
  }

  remove(path: string): void {
    rmSync(join(this.root, path), { recursive: true, force: true });
  }

  commit(): void {
    this.git("add", "-A");
    this.git("commit", "-q", "--allow-empty", "-m", "change");
  }

  async affectedTasks(tasks: readonly string[] = [], base = "base"): Promise<readonly AffectedTask[]> {
    const looking = compareWithBase(this.root, base).then((found) => {
      if ("noBase" in found) throw new Error(found.noBase);
      return found;
    });
    const workspace = await openWorkspace(this.root, looking);
    const look = await looking;
    const found = await affected(workspace, { tasks, changes: look.changes, stamp: look.stamp, env: this.env });
    // The short way must never say anything else.
    const kept = tasks.length === 0 ? readShort(this.root) : undefined;
    if (kept?.isOf(look) && isLocal(kept.graph, look.changes))
      deepEqual(affectedProjects(kept.graph, look.changes), found);
    return found;
  }

  /** Names, sorted; with tasks `name#task`. */
  async affected(...tasks: string[]): Promise<string> {
    const found = await this.affectedTasks(tasks);
    return found
      .map((a) => (tasks.length > 0 ? a.id : a.project))
      .sort()
      .join(" ");
  }

  async view(): Promise<View> {
    return await viewOf(await openWorkspace(this.root, lookAtTree(this.root)), this.env);
  }

  async run(tasks: readonly string[], options: Partial<RunOptions> = {}): Promise<Run> {
    const lookedAtMs = Date.now();
    const view = await this.view();
    const graph = taskGraph(view.workspace, view.graph, { tasks, projects: allProjects(view.workspace) });
    const logs = new Map<string, string>();
    const say = (id: string, text: string) => logs.set(id, (logs.get(id) ?? "") + text);
    const results = await runTasks(view, graph, {
      concurrency: 2,
      keepGoing: false,
      isForced: false,
      retries: 0,
      timeoutMs: undefined,
      cacheFolder: join(this.root, ".sluice/cache"),
      remote: undefined,
      lookedAtMs,
      request: tasks.join(),
      stamp: indexStamp(folderOf(this.root)),
      isStopped: () => false,
      ...options,
      listener: {
        begins: () => {},
        says: (id, chunk) => say(id, chunk.toString()),
        ends: (id, _, log) => say(id, log()?.toString() ?? ""),
      },
    });
    return new Run(results, logs);
  }

  dispose(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

export class Run {
  readonly results: readonly Result[];
  readonly logs: ReadonlyMap<string, string>;

  constructor(results: readonly Result[], logs: ReadonlyMap<string, string>) {
    this.results = results;
    this.logs = logs;
  }

  /** Ids of what really ran, sorted. */
  get ran(): string {
    return this.results
      .filter((r) => r.outcome === "ran" || r.outcome === "failed")
      .map((r) => r.id)
      .sort()
      .join(" ");
  }

  outcome(id: string): string | undefined {
    return this.results.find((r) => r.id === id)?.outcome;
  }
}
