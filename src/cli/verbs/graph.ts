// `sluice graph`: the projects and who depends on whom.
import type { Command } from "commander";
import { addVerb, contextOf } from "../verb.ts";

interface Options {
  readonly json?: boolean;
  readonly dot?: boolean;
  readonly edges: string;
}

export function graphVerb(program: Command): void {
  addVerb(program, {
    usage: "graph",
    summary: "print the project graph: edges from manifests and from imports, and what is wrong with them",
    examples: ["sluice graph", "sluice graph --dot | dot -Tsvg > graph.svg"],
    json: '{"projects":[{"name":"web","dir":"apps/web","dependencies":[{"name":"ui","by":"declared"}]}],"undeclared":[],…}',
  })
    .option("--dot", "as Graphviz DOT")
    .option("--edges <kinds>", "all, or declared: what manifests say, without a scan of the sources", "all")
    .action(async (_: Options, command: Command) => {
      const { printGraph } = await import("../workspace/print-graph.ts");
      await printGraph(contextOf(command).cwd, command.optsWithGlobals<Options>());
    });
}
