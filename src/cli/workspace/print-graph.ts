// The project graph as a person, a program or Graphviz reads it. What manifests declare is answered here, without opening
// the workspace; all else is described in describe-graph.ts.
import { declaredAnswer } from "../../workspace/graph/declared.ts";
import { findRoot } from "../../workspace/graph/layout.ts";
import { graphJson } from "./graph-json.ts";
import { say } from "./say.ts";

export type GraphOptions = Readonly<{ json?: boolean; dot?: boolean; edges: string }>;

export async function printGraph(from: string, options: GraphOptions): Promise<void> {
  const root = findRoot(from);
  const isDeclared = options.json && options.edges === "declared";
  const answer = isDeclared ? await declaredAnswer(root, graphJson) : undefined;
  if (answer !== undefined) return say(answer);
  const { describeGraph } = await import("./describe-graph.ts");
  say(await describeGraph(root, options));
}
