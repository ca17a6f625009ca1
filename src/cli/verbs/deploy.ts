// `sluice deploy`: builds a release, or takes one that exists, and asks it into an environment.
import { randomUUID } from "node:crypto";
import type { Command } from "commander";
import { Problem } from "../../domain/problem.ts";
import { addVerb, contextOf, endWith } from "../verb.ts";

interface Options {
  readonly from?: string;
  readonly to?: string;
  readonly release?: string;
  readonly only?: string;
  readonly name?: string;
  readonly reason?: string;
  readonly detach?: boolean;
}

export function deployVerb(program: Command): void {
  addVerb(program, {
    usage: "deploy [environment]",
    summary: "build a release and bring it into an environment, or bring one from another environment",
    examples: [
      "sluice deploy staging",
      "sluice deploy --from staging --to production",
      'sluice deploy production --release v1.4.0 --reason "hotfix"',
      "sluice deploy staging --only api,web --detach",
    ],
    json: '{"deployment":"…","environment":"…","release":{…},"outcome":"succeeded","stands":{…},"seconds":42}',
  })
    .option("--from <environment>", "take the release that stands there; nothing is built")
    .option("--to <environment>", "the same as naming the environment")
    .option("--release <release>", "take this release, by id or version; nothing is built")
    .option("--only <services>", "build these services only; the others stay as they stand")
    .option("--name <version>", "what people will call the release (default: its commit)")
    .option("--reason <text>", "why; kept in the history")
    .option("--detach", "do not wait for the end")
    .action(async (named: string | undefined, options: Options, command: Command) => {
      const environment = named ?? options.to;
      if (environment === undefined) {
        throw new Problem("No environment is named", 'Run "sluice deploy staging", or --from staging --to production');
      }
      const context = contextOf(command);
      const { deploy } = await import("../deploy.ts");
      endWith(await deploy(context, { ...options, environment, key: randomUUID() }));
    });
}
