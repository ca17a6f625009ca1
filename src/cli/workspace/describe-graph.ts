// The project graph with what is wrong with it: undeclared and unused edges, circles, crossed boundaries.
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

type Found = ReadonlyMap<string, Reads> | undefined;

function json({ projects, shape }: Workspace, graph: Graph, reads: Found): string {
  return graphJson({ projects, shape, graph }, reads ? faults(projects, graph, reads) : {});
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
  const { undeclared, unused, circles } = reads ? faults(projects, graph, reads) : none;
  const broken = violations(graph, projects, boundaries(workspace));
  const notes = [
    ...undeclared.map((e) => `undeclared  ${e.project} imports ${e.name}`),
    ...unused.map((e) => `unused      ${e.project} declares ${e.name} and never imports it`),
    ...circles.map((names) => `cycle       ${names.join(" → ")}`),
    ...broken.map((e) => `boundary    ${projects[e.from]?.name} may not depend on ${projects[e.to]?.name}`),
  ];
  return `${[...lines, ...(notes.length > 0 ? ["", ...notes] : [])].join("\n")}\n`;
}

const none = { undeclared: [], unused: [], circles: [] };

function faults(projects: Workspace["projects"], graph: Graph, reads: ReadonlyMap<string, Reads>) {
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
  return { undeclared, unused, circles: cycles(graph, projects, ["declared", "imported", "configured"]) };
}
