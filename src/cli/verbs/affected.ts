// sluice affected: what a change touches, and why.
import type { Command } from "commander";

export type AffectedOptions = Readonly<{ base?: string; head?: string; task?: string[]; json?: boolean; explain?: boolean }>;

export function affectedVerb(program: Command): void {
  program
    .command("affected")
    .description("print the projects (or with --task the tasks) that a change affects, uncommitted files included")
    .option("--base <commit>", "compare with where HEAD left this commit (default: the CI's base, else the main branch)")
    .option("--head <commit>", "another state than the working tree", "HEAD")
    .option("--task <name...>", "exactly by the inputs of these tasks")
    .option("--json", "as JSON, always with the reasons")
    .option("--explain", "with the way from the change to each project")
    .action(async (options: AffectedOptions) => {
      const { printAffected } = await import("../workspace/print-affected.ts");
      await printAffected(process.cwd(), options);
    });
}
