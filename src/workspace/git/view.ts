// One state of the repository, with all that keys are made of: the working tree as it is, or another state to compare with.

import { type Graph, makeGraph } from "../graph/graph.ts";
import { packageManager } from "../graph/layout.ts";
import { RootFiles } from "../graph/root-files.ts";
import type { Workspace } from "../graph/workspace.ts";
import { type Installed, installed } from "../lockfile/dependencies.ts";
import { type Dotenv, dotenvOf } from "../tasks/dotenv.ts";
import { type Environment, platform } from "../tasks/environment.ts";
import { withInferred } from "../tasks/nx-inferred.ts";
import { type Reads, readsOf } from "../tasks/reads.ts";

export type View = Readonly<{
  workspace: Workspace;
  graph: Graph;
  reads: ReadonlyMap<string, Reads>;
  installed: Installed;
  rootFiles: RootFiles;
  dotenv: Dotenv;
  env: Environment;
  /** Platform, Node, package manager. */
  machine: string;
}>;

/** What a question can do without is left out. */
type Needs = Readonly<{ isDotenvRead: boolean; isLockRead: boolean }>;
const all: Needs = { isDotenvRead: true, isLockRead: true };

export async function viewOf(opened: Workspace, env: Environment, needs = all): Promise<View> {
  const reads = readsOf(opened);
  const workspace = await withInferred(opened, reads);
  const dirs = workspace.projects.map((p) => p.dir);
  return {
    workspace,
    reads,
    graph: makeGraph(workspace.projects, { workspace, reads }),
    installed: needs.isLockRead ? await installed(workspace) : { file: undefined, digestOf: () => "", missing: [] },
    rootFiles: new RootFiles(workspace),
    dotenv: needs.isDotenvRead ? dotenvOf(workspace.root, dirs) : { of: () => "" },
    env,
    machine: machineOf(workspace),
  };
}

export function machineOf(workspace: Workspace): string {
  return `${platform()} ${packageManager(workspace.shape, (path) => workspace.contentOf(path) !== undefined)}`;
}
