// sluice graph: the projects and who depends on whom.
import type { Command } from "commander";

type Options = Readonly<{ json?: boolean; dot?: boolean; edges: string }>;

export function graphVerb(program: Command): void {
  program
    .command("graph")
    .description("print the project graph: edges from manifests and from imports")
    .option("--json", "as JSON")
    .option("--dot", "as Graphviz DOT")
    .option("--edges <kinds>", "all, or declared: what manifests say, without a scan of the sources", "all")
    .action(async (options: Options) => {
      const { printGraph } = await import("../workspace/print-graph.ts");
      await printGraph(process.cwd(), options);
    });
}
