// The project graph as programs read it.
import type { Declared } from "../../workspace/graph/declared.ts";

/** `findings` are what is wrong with it, where sources were looked at. */
export function graphJson({ projects, shape, graph }: Declared, findings: object = {}): string {
  const nodes = projects.map((p, i) => ({
    name: p.name,
    dir: p.dir || ".",
    ...(p.tags.length > 0 ? { tags: p.tags } : {}),
    dependencies: (graph.out[i] ?? []).map((e) => ({ name: projects[e.to]?.name, by: e.kind })),
  }));
  return `${JSON.stringify({ workspaces: shape.globs ?? [], projects: nodes, ...findings })}\n`;
}
