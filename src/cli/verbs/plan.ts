// `sluice plan`: what a deployment would do, without doing it.
import type { Command } from "commander";
import { addVerb, contextOf } from "../verb.ts";

interface Options {
  readonly release?: string;
  readonly from?: string;
}

export function planVerb(program: Command): void {
  addVerb(program, {
    usage: "plan <environment>",
    summary: "print what a deployment would do, step by step; nothing is changed",
    examples: ["sluice plan production", "sluice plan production --from staging", "sluice plan local --json"],
    json: '{"release":{…},"plan":{"services":{…},"nodes":[…]},"stands":{…}}',
  })
    .option("--release <release>", "of this release, by id or version; nothing is built")
    .option("--from <environment>", "of the release that stands there; nothing is built")
    .action(async (environment: string, { release, from }: Options, command: Command) => {
      const context = contextOf(command);
      const { makePlan, planAsRun } = await import("../plan.ts");
      const { planLines } = await import("../print/plan.ts");
      const made = await makePlan(context, { environment, release, from });
      const { screen } = context;
      screen.answer(made);
      screen.say(
        "",
        ...planLines(planAsRun(made, environment), screen.colors),
        ...made.notes.map((note) => screen.colors.yellow(`  ${note}`)),
      );
    });
}
