// Why a task's key is another than at the base, for people: from the file that changed, over what it is to the task.
import { anything, becauseOf } from "./affected-projects.ts";
import type { FileEntry } from "./git/listing.ts";
import type { View } from "./git/view.ts";
import type { FileChange } from "./git/worktree.ts";
import { reachable } from "./graph/graph.ts";
import { lockfileOf, lockOf } from "./lockfile/dependencies.ts";
import { packageChanges } from "./lockfile/lockfile.ts";
import { once } from "./once.ts";
import { isDotenv } from "./tasks/dotenv.ts";
import type { TaskNode } from "./tasks/graph.ts";
import type { PartName, Parts } from "./tasks/parts.ts";

/** One step a line: a file, an input of whom, the projects between. */
export type Because = readonly string[];

export type Difference = Readonly<{
  node: TaskNode;
  now: Parts;
  before: Parts;
  /** What the task reads of its project, now and before. */
  files: () => readonly [now: readonly FileEntry[], before: readonly FileEntry[]];
  head: View;
  base: View;
  changes: readonly FileChange[];
  /** Registry packages that a project resolves to otherwise. */
  packages: (index: number) => readonly string[];
}>;

export function becauseOfPart(part: PartName, difference: Difference): Because {
  const { node, now, before, head, changes } = difference;
  const { name = "", dir = "" } = head.workspace.projects[node.project] ?? {};
  const changed = (isMeant: (path: string) => boolean) => changes.filter((c) => isMeant(c.path));
  const what = node.task.name === anything ? `what the tasks of ${name} do` : `what ${node.task.name} of ${name} does`;
  const names = once(() => differing(now[part], before[part]));
  const ways: Readonly<Record<PartName, () => Because>> = {
    sources: () => becauseOf(sourcesChanged(difference), name),
    command: () => becauseOf(changed(defines(dir)), name, `says ${what}`),
    definition: () => becauseOf(changed(defines(dir)), name, `says ${what}`),
    environment: () => [`variables of ${name} changed`],
    dotenv: () =>
      becauseOf(
        changed((path) => [dir, ""].some((at) => isDotenv(within(at, path)))),
        name,
      ),
    dependencies: () => becauseOfPackages(difference, node.project),
    tools: () => becauseOfPackages(difference, 0),
    "root files": () =>
      becauseOf(
        changed((path) => names().includes(path)),
        name,
        `is read by ${name}`,
      ),
    "root settings": () =>
      becauseOf(
        changed((path) => settings.test(path)),
        name,
        `holds settings for ${name}`,
      ),
    "other inputs": () => becauseOfOthers(difference, names()),
    machine: () =>
      becauseOf(
        changed((path) => settings.test(path)),
        name,
        `names the package manager of ${name}`,
      ),
    "waits for": () => [
      `${names().join(", ").replaceAll(`#${anything}`, "")} came or went`,
      `is a dependency of ${name}`,
    ],
  };
  return ways[part]();
}

const settings = /^(?:package\.json|pnpm-workspace\.yaml|\.yarnrc\.yml|sluice\.config\.[cm]?[jt]s|[^/]*lock[^/]*)$/;

function defines(dir: string): (path: string) => boolean {
  const own = ["package.json", "project.json", "turbo.json", "turbo.jsonc"].map((file) =>
    dir ? `${dir}/${file}` : file,
  );
  const roots = /^(?:turbo\.jsonc?|nx\.json|package\.json|sluice\.config\.[cm]?[jt]s)$/;
  return (path) => own.includes(path) || roots.test(path);
}

/** A name in a directory; what lies elsewhere keeps its slashes. */
function within(dir: string, path: string): string {
  return dir && path.startsWith(`${dir}/`) ? path.slice(dir.length + 1) : path;
}

function sourcesChanged({ files, changes }: Difference): readonly FileChange[] {
  const [now, before] = files().map((list) => new Map(list.map((f) => [f.path, f.content])));
  return changes.filter(({ path }) => now?.get(path) !== before?.get(path));
}

function becauseOfPackages({ head, changes, packages }: Difference, index: number): Because {
  const of = head.workspace.projects[index]?.name ?? "";
  const step = `is what ${index === 0 ? "the root" : of} resolves to`;
  const list = packages(index);
  if (list.length > 0) {
    const named = list.slice(0, 3).join(", ") + (list.length > 3 ? ` (+${list.length - 3} more)` : "");
    return [`${lockfileOf(head.workspace) ?? "dependencies"}: ${named}`, step];
  }
  const isAbout = (path: string) => settings.test(path) || path.endsWith(".patch");
  return becauseOf(
    changes.filter((c) => isAbout(c.path)),
    of,
    `says what ${index === 0 ? "the root" : of} resolves to`,
  );
}

/** Sources of other projects: of one that it reads, or of what that one depends on. */
function becauseOfOthers({ node, head, changes }: Difference, names: readonly string[]): Because {
  const { projects, ownerOf } = head.workspace;
  const name = projects[node.project]?.name ?? "";
  const read = projects.findIndex((p) => names.includes(p.name));
  const below = new Set(reachable(head.graph, read < 0 ? [] : [read]).map((i) => projects[i]?.dir));
  const own = changes.filter((c) => below.has(ownerOf(c.path)));
  const owner = projects.find((p) => p.dir === ownerOf(own[0]?.path ?? ""))?.name ?? "";
  if (own.length === 0) return [`${names.join(", ")} changed`, `is read by ${name}`];
  const between = owner === projects[read]?.name ? [] : [`${owner} is used by ${projects[read]?.name}`];
  return [...becauseOf(own, owner), ...between, `${projects[read]?.name} is read by ${name}`];
}

/** Lines are `name value`: the names of those that differ. */
function differing(a: string, b: string): readonly string[] {
  const [left, right] = [new Set(a.split("\n")), new Set(b.split("\n"))];
  const lines = [...[...left].filter((l) => !right.has(l)), ...[...right].filter((l) => !left.has(l))];
  return [...new Set(lines.map((line) => line.replace(/ (?:\d{6} )?[0-9a-f]*$/, "")))];
}

export async function packagesBetween(head: View, base: View): Promise<(index: number) => readonly string[]> {
  const [now, then] = [await lockOf(head.workspace), await lockOf(base.workspace).catch(() => undefined)];
  return (index) => {
    const project = head.workspace.projects[index];
    const old = base.workspace.projects.find((p) => p.dir === project?.dir);
    if (!now || !then || !project || !old) return [];
    return [...packageChanges([then, old], [now, project]).keys()];
  };
}
