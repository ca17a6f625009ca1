// The project graph with what is wrong with it: undeclared and unused edges, circles, crossed boundaries.
import { Problem } from "../../domain/problem.ts";
import type { ProjectGraph } from "../../domain/project-graph.ts";
import { lookAtTree } from "../../workspace/git/worktree.ts";
import { boundaries, cycles, type Graph, makeGraph, violations } from "../../workspace/graph/graph.ts";
import { packageOf } from "../../workspace/graph/imports.ts";
import { openWorkspace, type Workspace } from "../../workspace/graph/workspace.ts";
import { type Reads, readsOf } from "../../workspace/tasks/reads.ts";
import { graphJson } from "./graph-json.ts";
import type { GraphOptions } from "./print-graph.ts";

export async function describeGraph(root: string, options: GraphOptions): Promise<string> {
  const workspace = await openWorkspace(root, lookAtTree(root));
  const reads = options.edges === "declared" ? undefined : readsOf(workspace);
  const graph = makeGraph(workspace.projects, reads && { workspace, reads });
  const print = options.json ? json : options.dot ? dot : text;
  return print(workspace, graph, reads);
}

/** The graph as it goes with a release; undefined where there is none to tell: no git, or projects that share a name. */
export async function projectGraph(root: string): Promise<ProjectGraph | undefined> {
  try {
    const workspace = await openWorkspace(root, lookAtTree(root));
    const reads = readsOf(workspace);
    const graph = makeGraph(workspace.projects, { workspace, reads });
    const projects = workspace.projects.map(({ name, dir, tags }, i) => ({
      name,
      dir: dir || ".",
      ...(tags.length > 0 ? { tags } : {}),
      needs: (graph.out[i] ?? []).map((e) => ({ project: e.to, by: e.kind })),
    }));
    const findings = sentences(faults(workspace, graph, reads)).map(([kind, text]) => `${kind}: ${text}`);
    return { projects, findings };
  } catch (error) {
    if (error instanceof Problem) return undefined;
    throw error;
  }
}

type Found = ReadonlyMap<string, Reads> | undefined;

function json(workspace: Workspace, graph: Graph, reads: Found): string {
  const { projects, shape } = workspace;
  return graphJson({ projects, shape, graph }, reads ? faults(workspace, graph, reads) : {});
}

function dot({ projects }: Workspace, graph: Graph): string {
  const id = (i: number) => JSON.stringify(projects[i]?.name ?? "");
  const lines = graph.edges.map(
    (e) => `  ${id(e.from)} -> ${id(e.to)}${e.kind === "declared" ? "" : " [style=dashed]"};`,
  );
  return `digraph workspace {\n${projects.map((_, i) => `  ${id(i)};`).join("\n")}\n${lines.join("\n")}\n}\n`;
}

function text(workspace: Workspace, graph: Graph, reads: Found): string {
  const { projects } = workspace;
  const lines = projects.flatMap((p, i) => {
    if (i === 0 && projects.length > 1) return [];
    const to = (graph.out[i] ?? []).map((e) => `${projects[e.to]?.name}${e.kind === "declared" ? "" : ` (${e.kind})`}`);
    return [`${p.name}  ${p.dir || "."}${to.length > 0 ? `\n  → ${to.join(", ")}` : ""}`];
  });
  const notes = sentences(reads ? faults(workspace, graph, reads) : { ...none, boundaries: crossed(workspace, graph) });
  const told = notes.map(([kind, text]) => `${kind.padEnd(12)}${text}`);
  return `${[...lines, ...(told.length > 0 ? ["", ...told] : [])].join("\n")}\n`;
}

const none = { undeclared: [], unused: [], circles: [] };

type Faults = ReturnType<typeof faults>;

function sentences({
  undeclared,
  unused,
  circles,
  boundaries,
}: Faults): readonly (readonly [kind: string, text: string])[] {
  return [
    ...undeclared.map((e) => ["undeclared", `${e.project} imports ${e.name}`] as const),
    ...unused.map((e) => ["unused", `${e.project} declares ${e.name} and never imports it`] as const),
    ...circles.map((names) => ["cycle", names.join(" → ")] as const),
    ...boundaries.map((e) => ["boundary", `${e.project} may not depend on ${e.to}`] as const),
  ];
}

function crossed(workspace: Workspace, graph: Graph) {
  const name = (i: number) => workspace.projects[i]?.name ?? "";
  const broken = violations(graph, workspace.projects, boundaries(workspace));
  return broken.map((e) => ({ project: name(e.from), to: name(e.to) }));
}

function faults(workspace: Workspace, graph: Graph, reads: ReadonlyMap<string, Reads>) {
  const { projects } = workspace;
  const undeclared = graph.edges
    .filter((e) => e.kind === "imported")
    .map((e) => ({
      project: projects[e.from]?.name ?? "",
      name: packageOf(e.name) ?? e.name,
      to: projects[e.to]?.name ?? "",
    }));
  const unused = graph.edges
    .filter(
      (e) => e.kind === "declared" && e.from !== 0 && !reads.get(projects[e.from]?.dir ?? "")?.used.includes(e.name),
    )
    .map((e) => ({ project: projects[e.from]?.name ?? "", name: e.name }));
  const circles = cycles(graph, projects, ["declared", "imported", "configured"]);
  return { undeclared, unused, circles, boundaries: crossed(workspace, graph) };
}
