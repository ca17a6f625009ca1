// The verbs that move an environment without a new release: restart, drill and retire.
import type { Command } from "commander";
import { addVerb, contextOf, endWith, type VerbSpec } from "../verb.ts";

interface Options {
  readonly to?: string;
  readonly service?: readonly string[];
  readonly dryRun?: boolean;
  readonly reason?: string;
  readonly detach?: boolean;
}

export function restartVerb(program: Command): void {
  common(program, {
    usage: "restart <environment>",
    summary: "start the unchanged release again, by its strategy: new processes, the same contents and secrets",
    examples: ["sluice restart production", 'sluice restart production --service api --reason "memory grows"'],
    json: '{"deployment":"…","environment":"…","release":{…},"outcome":"succeeded","stands":{…},"seconds":40}',
  })
    .option("--service <names...>", "only these services (default: all)")
    .action(async (where: string, options: Options, command: Command) => act(command, "restart", where, options));
}

export function drillVerb(program: Command): void {
  common(program, {
    usage: "drill <environment>",
    summary: "rehearse a rollback: go back, verify, return, and record how long each took",
    examples: ["sluice drill staging", "sluice drill production --to v1.3.0 --json", "sluice drill staging --dry-run"],
    json: '{"deployment":"…","environment":"…","outcome":"succeeded","backMs":3100,"returnMs":900,"seconds":5}',
  })
    .addHelpText(
      "after",
      `What stands keeps running at full size throughout. Services that move by recreate are left out. On a schedule: write
drill: { every: "7d", at: "04:00" } for the environment in sluice.config.ts. "sluice history" shows what drills took.
`,
    )
    .option("--to <release>", "id or version (default: where a rollback would return to)")
    .option("--service <names...>", "only these services (default: all that can)")
    .action(async (where: string, options: Options, command: Command) => act(command, "drill", where, options));
}

export function retireVerb(program: Command): void {
  common(program, {
    usage: "retire <environment> <services...>",
    summary: "agree that services which are in no configuration any more are drained and go",
    examples: ["sluice retire production mailer", "sluice retire production mailer --dry-run"],
    json: '{"deployment":"…","environment":"…","outcome":"succeeded","stands":{…},"seconds":12}',
  }).action(async (where: string, services: readonly string[], options: Options, command: Command) =>
    act(command, "retire", where, { ...options, service: services }),
  );
}

function common(program: Command, spec: VerbSpec): Command {
  return addVerb(program, spec)
    .option("--dry-run", "print what would happen, step by step; nothing is changed")
    .option("--reason <text>", "why; kept in the history")
    .option("--detach", "do not wait for the end");
}

async function act(
  command: Command,
  name: "restart" | "drill" | "retire",
  where: string,
  { service, ...options }: Options,
): Promise<void> {
  const { order } = await import("../order.ts");
  const services = service === undefined ? {} : { services: service };
  endWith(await order(contextOf(command), { name, where, ...services, ...options }));
}
