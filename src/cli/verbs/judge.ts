// `sluice judge`: questions to the judge itself, on a team's own traffic and on what was recorded.
import type { Command } from "commander";
import { Problem } from "../../domain/problem.ts";
import { addVerb, contextOf, endWith } from "../verb.ts";

export interface JudgeOptions {
  readonly aa?: boolean;
  readonly replay?: boolean;
  readonly power?: boolean;
  readonly environment?: string;
  readonly service?: string;
  readonly file?: string;
  readonly minutes: string;
  readonly within: string;
  readonly alpha?: string;
  readonly set: readonly string[];
}

export function judgeVerb(program: Command): void {
  addVerb(program, {
    usage: "judge",
    summary:
      "ask the judge: is old against old alike (--aa), would it have been sooner (--replay), what would it find (--power)",
    examples: [
      "sluice judge --aa api",
      "sluice judge --aa production-0k3v9x2a        # a recorded deployment of the same version",
      "sluice judge --aa --file intervals.json",
      "sluice judge --replay production-0k3v9x2a --alpha 5%",
      "sluice judge --replay production --set hold=10 --set capShare=0.75",
      "sluice judge --power api --within 15m",
    ],
    json: '{"isExchangeable":true,"podLogSd":0.02,"tolerance":1.05,"replicas":[…]}; {"services":[{"service":"api","was":{…},"with":{…}}]}; {"shares":[…],"steps":[…]}',
  })
    .argument("[what]", "a service, or a deployment's id (with --replay also its environment)")
    .option(
      "--aa",
      "old against old: each replica of the version that stands against the others, or a recorded A/A; exits with 1 when they differ",
    )
    .option("--replay", "the judge again over what a deployment recorded, with other parameters")
    .option("--power", "how large a fault is found within how long at which weight, and the steps that follow from it")
    .option("--environment <name>", "environment of the service; the only one unless named")
    .option("--service <name>", "with --replay: only this service")
    .option(
      "--file <path>",
      "with --aa: intervals from a JSON file instead: a list of {startMs,endMs,stable,candidate} or {startMs,endMs,replicas}",
    )
    .option("--minutes <count>", "how far back the traffic is read; the host keeps 15", "10")
    .option("--within <time>", "with --power: by when a fault is to be found", "10m")
    .option("--alpha <percent>", "chance of a false alarm")
    .option(
      "--set <name=value>",
      "another value of a parameter; see docs/judge.md",
      (one, all: string[]) => [...all, one],
      [],
    )
    .action(async (what: string | undefined, options: JudgeOptions, command: Command) => {
      const context = contextOf(command);
      const asked = (["aa", "replay", "power"] as const).filter((name) => options[name] === true);
      const [mode] = asked;
      if (mode === undefined || asked.length > 1) {
        throw new Problem("Name one of --aa, --replay and --power", 'See "sluice judge --help"');
      }
      const questions = await import("../judge-questions.ts");
      endWith(await questions[mode](context, what, options));
    });
}
