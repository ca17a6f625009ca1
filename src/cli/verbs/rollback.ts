// `sluice rollback`: back to the last release that stood its bake, or to a named one.
import type { Command } from "commander";
import { addVerb, contextOf, endWith } from "../verb.ts";

interface Options {
  readonly to?: string;
  readonly service?: readonly string[];
  readonly all?: boolean;
  readonly list?: boolean;
  readonly dryRun?: boolean;
  readonly reason?: string;
  readonly detach?: boolean;
}

export function rollbackVerb(program: Command): void {
  addVerb(program, {
    usage: "rollback <environment>",
    summary: "return to the last release that stood its bake, or to a named one, and verify it",
    examples: [
      "sluice rollback production",
      'sluice rollback production --to v1.3.0 --reason "checkout is broken"',
      "sluice rollback production --service api",
      "sluice rollback production-0k3v9x2a",
      "sluice rollback production --all",
    ],
    json: '{"deployment":"…","environment":"…","release":{…},"outcome":"succeeded","stands":{…},"seconds":3}',
  })
    .addHelpText(
      "after",
      `Instead of an environment, a deployment: what it brought goes. While a deployment is under way and nothing is named,
that one is taken back. A return is verified by readiness, probes and the environment's jobs within five minutes
(rollback.within); one that is not ends as stuck, and the earlier release keeps the traffic.
`,
    )
    .option("--to <release>", "id or version (default: the last that stood its bake and was not taken back)")
    .option("--service <names...>", "only these services (default: all)")
    .option("--all", "emergency: every service goes by itself; those that cannot are reported, the others go on")
    .option("--list", "print to which releases one may return; nothing is changed")
    .option("--dry-run", "print what would happen, step by step; nothing is changed")
    .option("--reason <text>", "why; kept in the history")
    .option("--detach", "do not wait for the end")
    .action(async (where: string, { service, list, ...options }: Options, command: Command) => {
      const context = contextOf(command);
      const { listReturns, order } = await import("../order.ts");
      const services = service === undefined ? {} : { services: service };
      endWith(
        list === true
          ? await listReturns(context, { environment: where, ...services })
          : await order(context, { name: "rollback", where, ...services, ...options }),
      );
    });
}
