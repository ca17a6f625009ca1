// The lock file as a graph: for each project ONE digest over all registry packages it reaches, so that a bumped
// transitive dependency changes exactly the projects that resolve to it, and reformatting the file changes none.
import { createHash } from "node:crypto";
import { components } from "../graph/graph.ts";
import type { Dependency, Project } from "../graph/manifest.ts";
import { type JsonObject, refuseConflict } from "../jsonc.ts";
import { type Amendments, packageIn } from "./amendments.ts";
import { parseNpmLock } from "./npm.ts";
import { parsePnpmLock } from "./pnpm.ts";
import { parseYarnLock } from "./yarn.ts";

export type LockNode = Readonly<{
  /** name@version and integrity (or patch): what makes it another package. */
  label: string;
  dependencies: readonly string[];
}>;

export type LockGraph = Readonly<{
  nodes: ReadonlyMap<string, LockNode>;
  /** The node that a project's dependency resolves to; "linked" for another project; undefined: not in the file. */
  resolve: (project: Project, dependency: Dependency) => string | "linked" | undefined;
  /** Anything else that changes what is installed: overrides, patches without a mark of their own. */
  settings: string;
}>;

export type Closures = Readonly<{
  /** By directory. */
  digests: ReadonlyMap<string, string>;
  /** Declared, but the lock file does not have it: the lock file is out of date. */
  missing: readonly string[];
}>;

/** The text of a lock file as a graph; undefined for a format that is not understood: then the whole file counts. */
export async function parseLock(file: string, text: string, resolutions?: JsonObject): Promise<LockGraph | undefined> {
  if (!file.endsWith(".json")) refuseConflict(text, file);
  if (/^(package-lock|npm-shrinkwrap)\.json$/.test(file)) return parseNpmLock(text, file);
  if (file === "pnpm-lock.yaml") return await parsePnpmLock(text, file);
  if (file === "yarn.lock") return await parseYarnLock(text, file, resolutions);
  return undefined;
}

export type Installing = Readonly<{
  projects: readonly Project[];
  isLinked: (name: string) => boolean;
  amended: Amendments;
  /** What a `catalog:` stands for; undefined for any other range. */
  catalogRange: (dependency: Dependency) => string | undefined;
}>;

export function closures(lock: LockGraph, { projects, isLinked, amended, catalogRange }: Installing): Closures {
  const missing: string[] = [];
  const meant = projects.map((project) =>
    project.dependencies.map((written) => {
      const range = catalogRange(written);
      const dependency = range === undefined ? written : { ...written, range };
      return { dependency, range, id: lock.resolve(project, dependency) };
    }),
  );
  const digest = merkle(lock, amended); // only now: resolving can make a node of several that may be meant
  const digests = projects.map((project, i) => {
    const parts = (meant[i] ?? []).map(({ dependency, range, id }) => {
      if (id === "linked") return "";
      if (id !== undefined) return `${dependency.name}=${digest.get(id)}${range === undefined ? "" : ` ${range}`}`;
      if (isLinked(dependency.name)) return "";
      if (dependency.kind === "prod" || dependency.kind === "dev") missing.push(`${project.name}: ${dependency.name}`);
      return `${dependency.name}?${dependency.range}`;
    });
    return [
      project.dir,
      short([lock.settings, amended.get("") ?? "", ...new Set(parts.filter(Boolean).sort())]),
    ] as const;
  });
  return { digests: new Map(digests), missing };
}

/** The labels a project reaches: to say which package changed, not only that one did. */
function reached(lock: LockGraph, project: Project): ReadonlySet<string> {
  return new Set(nodesReached(lock, project).flatMap((id) => lock.nodes.get(id)?.label ?? []));
}

/** The packages that differ between what two projects reach, by name: their versions before and now. */
export function packageChanges(
  [then, old]: readonly [LockGraph, Project],
  [now, project]: readonly [LockGraph, Project],
): ReadonlyMap<string, readonly [before: string, now: string]> {
  const [before, after] = [versions(reached(then, old)), versions(reached(now, project))];
  const names = [...new Set([...before.keys(), ...after.keys()])].sort();
  const all = names.map((name) => [name, [before.get(name) ?? [], after.get(name) ?? []]] as const);
  const changed = all.filter(([, [a, b]]) => a.join() !== b.join());
  const said = (labels: readonly string[]) => labels.map(versionIn).join(", ");
  return new Map(changed.map(([name, [a, b]]) => [name, [said(a), said(b)]]));
}

function versions(labels: ReadonlySet<string>): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const label of [...labels].sort()) {
    const name = packageIn(label);
    found.set(name, [...(found.get(name) ?? []), label]);
  }
  return found;
}

/** `left-pad@1.3.0 sha512-…` → `1.3.0` */
function versionIn(label: string): string {
  return /^\/?(?:@[^/]+\/)?[^/@]+[@/]([^\s(]+)/.exec(label)?.[1] ?? "";
}

/** The names under which what a project reaches is installed: an alias counts by its own name, too. */
export function namesReached(lock: LockGraph, project: Project): readonly string[] {
  return nodesReached(lock, project).flatMap((id) => {
    const folder = id.lastIndexOf("node_modules/");
    const alias = folder < 0 ? [] : [id.slice(folder + "node_modules/".length)];
    return [packageIn(lock.nodes.get(id)?.label ?? ""), ...alias];
  });
}

function nodesReached(lock: LockGraph, project: Project): readonly string[] {
  const seen = new Set<string>();
  const queue = project.dependencies.map((d) => lock.resolve(project, d)).filter((id) => id !== undefined);
  for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
    if (seen.has(id)) continue;
    seen.add(id);
    queue.push(...(lock.nodes.get(id)?.dependencies ?? []));
  }
  return [...seen];
}

/** A digest for each node over all that it reaches; packages that need each other in a circle share one. */
function merkle(lock: LockGraph, amended: Amendments): ReadonlyMap<string, string> {
  const ids = [...lock.nodes.keys()];
  const at = new Map(ids.map((id, i) => [id, i]));
  const nodes = ids.map((id) => {
    const { label, dependencies } = lock.nodes.get(id) ?? { label: id, dependencies: [] };
    const amendment = amended.get(packageIn(label));
    return { label: amendment === undefined ? label : `${label} ${amendment}`, dependencies };
  });
  const next = nodes.map((n) => n.dependencies.flatMap((d) => at.get(d) ?? []));
  const digests: string[] = [];
  for (const group of components(ids.length, (i) => next[i] ?? [])) {
    const inside = new Set(group);
    const outside = new Set(
      group.flatMap((i) => (next[i] ?? []).filter((j) => !inside.has(j)).map((j) => digests[j] ?? "")),
    );
    const made = short([...group.map((i) => nodes[i]?.label ?? "").sort(), "→", ...[...outside].sort()]);
    for (const i of group) digests[i] = inside.size === 1 ? made : short([made, nodes[i]?.label ?? ""]);
  }
  return new Map(ids.map((id, i) => [id, digests[i] ?? ""]));
}

function short(parts: readonly string[]): string {
  return createHash("sha1").update(parts.join("\n")).digest("hex");
}
