// `sluice affected`: what a change touches, and why.
import type { Command } from "commander";
import { addVerb, contextOf } from "../verb.ts";

export interface AffectedOptions {
  readonly base?: string;
  readonly head?: string;
  readonly task?: readonly string[];
  readonly json?: boolean;
  readonly explain?: boolean;
}

export function affectedVerb(program: Command): void {
  addVerb(program, {
    usage: "affected",
    summary: "print the projects (with --task: the tasks) that a change affects, uncommitted files included",
    examples: ["sluice affected --base origin/main", "sluice affected --task build test --explain"],
    json: '{"base":"main","head":"HEAD","projects":[{"name":"web","dir":"apps/web","because":["libs/ui/a.ts changed",…]}]}',
  })
    .option(
      "--base <commit>",
      "compare with where HEAD left this commit, with COMMIT.. the commit itself (default: the CI's base, else the main branch)",
    )
    .option("--head <commit>", "another state than the working tree", "HEAD")
    .option("--task <name...>", "exactly by the inputs of these tasks")
    .option("--explain", "with the way from the change to each project")
    .action(async (_: AffectedOptions, command: Command) => {
      const { printAffected } = await import("../workspace/print-affected.ts");
      await printAffected(contextOf(command).cwd, command.optsWithGlobals<AffectedOptions>());
    });
}
