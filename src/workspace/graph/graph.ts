// Who depends on whom: edges from manifests, from imports in source, from paths in configuration, from nx.json.
import { posix } from "node:path";
import { objectAt, stringAt, stringsAt } from "../jsonc.ts";
import type { Reads } from "../tasks/reads.ts";
import { packageOf } from "./imports.ts";
import type { Dependency, Project } from "./manifest.ts";
import { satisfies } from "./semver.ts";
import { pathAliases } from "./tsconfig.ts";
import type { Workspace } from "./workspace.ts";

export type EdgeKind = "declared" | "imported" | "configured";
/** `from` depends on `to`; both are indexes into the workspace's projects. `name` is what was written. */
export type Edge = Readonly<{ from: number; to: number; kind: EdgeKind; name: string }>;

export type Graph = Readonly<{
  edges: readonly Edge[];
  /** For each project, the edges that leave it, and those that arrive. */
  out: readonly (readonly Edge[])[];
  in: readonly (readonly Edge[])[];
  indexOf: ReadonlyMap<string, number>;
}>;

/** What a scan of the sources found. */
export type Scanned = Readonly<{ workspace: Workspace; reads: ReadonlyMap<string, Reads> }>;

/** Without a scan, only what manifests declare. */
export function makeGraph(projects: readonly Project[], scanned?: Scanned): Graph {
  const indexOf = new Map(projects.map((p, i) => [p.name, i]));
  const isRenamed = projects.some((p) => p.name !== p.packageName);
  const byPackage = isRenamed ? new Map(projects.map((p, i) => [p.packageName, i])) : indexOf;
  const byDir = new Map(projects.map((p, i) => [p.dir, i]));
  const edges: Edge[] = [];
  const out: Edge[][] = projects.map(() => []);
  const into: Edge[][] = projects.map(() => []);
  const add = (edge: Edge) => {
    const own = out[edge.from];
    if (edge.from === edge.to || own === undefined) return;
    for (const other of own) if (other.to === edge.to) return;
    edges.push(edge);
    own.push(edge);
    into[edge.to]?.push(edge);
  };
  projects.forEach((project, from) => {
    for (const dependency of project.dependencies) {
      const to = target(dependency, project, { byPackage, byDir, projects });
      if (to !== undefined) add({ from, to, kind: "declared", name: dependency.name });
    }
    for (const name of implicit(project, projects)) {
      const to = indexOf.get(name);
      if (to !== undefined) add({ from, to, kind: "configured", name });
    }
  });
  if (scanned) {
    const { workspace, reads } = scanned;
    const aliases = pathAliases(workspace);
    projects.forEach((project, from) => {
      const own = reads.get(project.dir);
      for (const name of own?.undeclared ?? []) {
        const named = byPackage.get(packageOf(name) ?? "");
        const paths = () => [...aliases.of(name), ...aliases.bases.map((base) => posix.join(base, name))];
        const meant =
          named === undefined ? paths().map((path) => byDir.get(workspace.ownerOf(`${path}/x`) || "none")) : [named];
        for (const to of meant) if (to !== undefined) add({ from, to, kind: "imported", name });
      }
      for (const path of own?.outside ?? []) {
        const to = byDir.get(workspace.ownerOf(`${path}/x`));
        if (to !== undefined && projects[to]?.dir !== "") add({ from, to, kind: "configured", name: path });
      }
    });
  }
  return { edges, out, in: into, indexOf };
}

/** These projects and all that they depend on, near and far. */
export function reachable(graph: Graph, from: readonly number[]): readonly number[] {
  const found = new Set(from);
  for (const i of found) for (const { to } of graph.out[i] ?? []) found.add(to);
  return [...found];
}

type Known = Readonly<{
  byPackage: ReadonlyMap<string, number>;
  byDir: ReadonlyMap<string, number>;
  projects: readonly Project[];
}>;

/** The project a dependency means, or undefined when it comes from a registry. */
function target({ name, range }: Dependency, from: Project, known: Known): number | undefined {
  const isPlain = !range.includes(":");
  const path = isPlain ? null : (/^(?:file|link|portal):(.*)$/.exec(range) ?? /^workspace:(\.{1,2}\/.*)$/.exec(range));
  if (path) return known.byDir.get(posix.join(from.dir, path[1] ?? "").replace(/\/$/, ""));
  const alias = isPlain ? null : /^workspace:((?:@[^/@]+\/)?[^/@]+)@/.exec(range);
  const to = known.byPackage.get(alias?.[1] ?? name);
  if (to === undefined || range.startsWith("workspace:")) return to;
  if (!isPlain && /^(?:npm|git|https?|github|git\+ssh|patch):/.test(range)) return undefined;
  return mayMean(range, known.projects[to]?.version) ? to : undefined;
}

/** False only where the range surely excludes the project's version: then the registry's package is meant. */
function mayMean(range: string, version: string | undefined): boolean {
  return range === "*" || range === "" || version === undefined || satisfies(version, range) !== false;
}

function implicit(project: Project, projects: readonly Project[]): readonly string[] {
  const named = project.nx ? (stringsAt(project.nx, "implicitDependencies") ?? []) : [];
  const all = named.includes("*") ? projects.filter((p) => p.dir).map((p) => p.name) : named;
  return all.filter((name) => !name.startsWith("!") && !named.includes(`!${name}`));
}

export type Cycle = readonly string[];

/** Groups of projects that depend on each other in a circle, by the kinds of edges given. */
export function cycles(graph: Graph, projects: readonly Project[], kinds: readonly EdgeKind[]): readonly Cycle[] {
  return components(projects.length, (i) => (graph.out[i] ?? []).filter((e) => kinds.includes(e.kind)).map((e) => e.to))
    .filter((group) => group.length > 1)
    .map((group) => group.map((i) => projects[i]?.name ?? ""));
}

/** Strongly connected components (Tarjan 1972), without recursion: graphs may be deep. Dependencies come first. */
export function components(size: number, next: (node: number) => readonly number[]): number[][] {
  const index = new Int32Array(size).fill(-1);
  const low = new Int32Array(size);
  const onStack = new Uint8Array(size);
  const stack: number[] = [];
  const groups: number[][] = [];
  let counter = 0;
  for (let root = 0; root < size; root++) {
    if (index[root] !== -1) continue;
    const work: { node: number; edges: readonly number[]; at: number }[] = [];
    const enter = (node: number) => {
      index[node] = low[node] = counter++;
      stack.push(node);
      onStack[node] = 1;
      work.push({ node, edges: next(node), at: 0 });
    };
    enter(root);
    for (let top = work.at(-1); top; top = work.at(-1)) {
      const to = top.edges[top.at++];
      if (to !== undefined) {
        if (index[to] === -1) enter(to);
        else if (onStack[to]) low[top.node] = Math.min(low[top.node] ?? 0, index[to] ?? 0);
        continue;
      }
      work.pop();
      const parent = work.at(-1);
      if (parent) low[parent.node] = Math.min(low[parent.node] ?? 0, low[top.node] ?? 0);
      if (low[top.node] !== index[top.node]) continue;
      const group: number[] = [];
      for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
        onStack[node] = 0;
        group.push(node);
        if (node === top.node) break;
      }
      groups.push(group);
    }
  }
  return groups;
}

/** Tags in force, by sluice's own field or Nx's: `depConstraints` as @nx/enforce-module-boundaries writes them. */
export type Boundary = Readonly<{ sourceTag: string; onlyDependOnLibsWithTags: readonly string[] }>;

export function boundaries(workspace: Workspace): readonly Boundary[] {
  const own = objectAt(workspace.shape.root, "sluice").boundaries;
  if (!Array.isArray(own)) return [];
  return own.flatMap((rule) => {
    const sourceTag = stringAt(rule, "sourceTag");
    return sourceTag
      ? [{ sourceTag, onlyDependOnLibsWithTags: stringsAt(rule, "onlyDependOnLibsWithTags") ?? [] }]
      : [];
  });
}

export function violations(graph: Graph, projects: readonly Project[], rules: readonly Boundary[]): readonly Edge[] {
  return graph.edges.filter(({ from, to }) =>
    rules.some(
      (rule) =>
        projects[from]?.tags.includes(rule.sourceTag) &&
        !projects[to]?.tags.some((tag) => rule.onlyDependOnLibsWithTags.includes(tag)),
    ),
  );
}
