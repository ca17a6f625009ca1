// What all verbs share: how they are declared, the options that every one of them takes, and how they end.
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Command } from "commander";
import { type Exit, exitCodes } from "./exit.ts";
import { openScreen, type Screen } from "./screen.ts";

export interface VerbSpec {
  /** "deploy <environment>" */
  readonly usage: string;
  readonly summary: string;
  /** Whole command lines. */
  readonly examples: readonly string[];
  /** What it prints with --json. */
  readonly json?: string;
}

export function addVerb(program: Command, { usage, summary, examples, json }: VerbSpec): Command {
  const shown = examples.map((line) => `  $ ${line}`).join("\n");
  const answer = json === undefined ? "" : `\nWith --json:\n  ${json}\n`;
  return program
    .command(usage)
    .summary(summary)
    .description(summary)
    .addHelpText("after", `\n${examples.length > 1 ? "Examples" : "Example"}:\n${shown}\n${answer}`);
}

export interface CommonOptions {
  readonly json?: boolean;
  readonly verbose?: boolean;
  readonly cwd?: string;
  readonly data?: string;
  readonly server?: string;
  readonly ca?: string;
}

export function addCommonOptions(program: Command): Command {
  return program
    .option("--json", "print one JSON document instead of text")
    .option("--verbose", "print where an error comes from")
    .option("-C, --cwd <folder>", "run as if started there")
    .option("--data <folder>", "data folder (default: $SLUICE_DATA, or .sluice beside the configuration)")
    .option(
      "--server <url>",
      "control plane on another machine (default: $SLUICE_SERVER, else the one of the data folder)",
    )
    .option("--ca <file>", "certificate authority of that machine, when it is a private one (default: $SLUICE_CA)");
}

export interface Context {
  readonly screen: Screen;
  /** Where the person stands. */
  readonly cwd: string;
  readonly data: string;
  /** A control plane that was named; the data folder's otherwise. */
  readonly server?: string;
  readonly ca?: string;
}

export function contextOf(command: Command): Context {
  const { json, cwd = ".", data, server, ca } = command.optsWithGlobals<CommonOptions>();
  const here = resolve(cwd);
  return {
    screen: openScreen({ isJson: json === true }),
    cwd: here,
    data: resolve(data ?? dataFolder(here)),
    ...(server === undefined ? {} : { server }),
    ...(ca === undefined ? {} : { ca: resolve(here, ca) }),
  };
}

/** `.sluice` beside the configuration at or above the folder, else in the folder itself. */
function dataFolder(folder: string): string {
  if (process.env.SLUICE_DATA !== undefined) return process.env.SLUICE_DATA;
  for (let at = folder; ; at = dirname(at)) {
    if (existsSync(join(at, "sluice.config.ts")) || existsSync(join(at, ".sluice"))) return join(at, ".sluice");
    if (dirname(at) === at) return join(folder, ".sluice");
  }
}

/** Sets the status that the process ends with, once all it prints is written. */
export function endWith(exit: Exit): void {
  process.exitCode = exitCodes[exit].status;
}
