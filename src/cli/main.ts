#!/usr/bin/env node
// The command `sluice`: runs the verb that was named, and ends with the status that scripts rely on.
import { CommanderError } from "commander";
import { exitCodes, exitFor, exitTable } from "./exit.ts";
import { makeProgram } from "./program.ts";
import { printError } from "./screen.ts";
import type { CommonOptions } from "./verb.ts";

async function main(argv: readonly string[]): Promise<void> {
  if (argv[0] === "help" && argv[1] === "exit-codes") {
    process.stdout.write(`${exitTable()}\n`);
    return;
  }
  const program = makeProgram();
  try {
    await program.parseAsync(argv, { from: "user" });
  } catch (error) {
    process.exitCode = report(error, program.opts<CommonOptions>());
  }
}

function report(error: unknown, { json, verbose }: CommonOptions): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCodes.usage.status;
  printError(error, { isJson: json === true, isVerbose: verbose === true });
  return exitCodes[exitFor(error)].status;
}

// `sluice … | head`: a reader who has seen enough is no error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit();
  throw error;
});
await main(process.argv.slice(2));
