// `sluice run`: tasks in order, side by side, cached.
import { type Command, Option } from "commander";
import { addVerb, contextOf } from "../verb.ts";

export interface RunVerbOptions {
  readonly affected?: boolean;
  readonly base?: string;
  readonly filter?: readonly string[];
  readonly concurrency?: string;
  readonly memory?: string;
  readonly keepGoing?: boolean;
  readonly force?: boolean;
  readonly quiet?: boolean;
  readonly watch?: boolean;
  readonly retries?: string;
  readonly timeout?: string;
  readonly junit?: string;
  readonly dryRun?: boolean;
  readonly cacheDir?: string;
  readonly sandbox?: "report" | "strict";
  readonly json?: boolean;
}

export function runVerb(program: Command): void {
  addVerb(program, {
    usage: "run [tasks...]",
    summary: "run tasks (all of the default pipeline unless named): what did not change comes from the cache",
    examples: [
      "sluice run",
      "sluice run build test",
      "sluice run test --watch",
      "sluice run lint --affected",
      "sluice run build --filter web --keep-going",
      "sluice run test --force --sandbox=strict",
    ],
    json: '{"ok":true,"tasks":[{"id":"web#build","outcome":"ran","durationMs":1203}]}',
  })
    .option("--affected", "only what differs from the base")
    .option("--base <commit>", "the base for --affected")
    .option("--filter <names...>", "only these projects: names or directories, with * allowed")
    .option("--concurrency <n>", "tasks at a time (default: one a processor)")
    .option("--memory <MiB>", "what tasks that say their need may use together (default: four fifths of the machine)")
    .option("--keep-going", "after a failure, go on with what does not depend on it")
    .option("--force", "run although it is cached")
    .option("--watch", "run again whenever a source changes; servers among the tasks stay up")
    .option("--quiet", "print failures only")
    .option("--retries <n>", "tries more for a task that fails", "0")
    .option("--timeout <seconds>", "end a task that takes longer")
    .option("--junit <file>", "write a JUnit report of the tasks")
    .option("--dry-run", "print what would run, and where results would come from")
    .option("--cache-dir <folder>", "where results are kept (default: .sluice/cache)")
    .addOption(
      new Option("--sandbox [mode]", "tell what tasks read and write beside what they declare; strict: fail them")
        .choices(["report", "strict"])
        .preset("report"),
    )
    .action(async (tasks: string[], _: RunVerbOptions, command: Command) => {
      const { runVerbIn } = await import("../workspace/run-tasks.ts");
      await runVerbIn(contextOf(command).cwd, tasks, command.optsWithGlobals<RunVerbOptions>());
    });
}
