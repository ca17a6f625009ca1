// `sluice rollback`: back to the release before, or to a named one.
import type { Command } from "commander";
import { addVerb, contextOf, endWith } from "../verb.ts";

interface Options {
  readonly to?: string;
  readonly service?: readonly string[];
  readonly reason?: string;
  readonly detach?: boolean;
}

export function rollbackVerb(program: Command): void {
  addVerb(program, {
    usage: "rollback <environment>",
    summary: "return an environment to the release before, or to a named one, and verify it",
    examples: [
      "sluice rollback production",
      'sluice rollback production --to v1.3.0 --reason "checkout is broken"',
      "sluice rollback production --service api",
    ],
    json: '{"deployment":"…","environment":"…","release":{…},"outcome":"succeeded","stands":{…},"seconds":3}',
  })
    .option("--to <release>", "id or version (default: the one that stood before)")
    .option("--service <names...>", "only these services (default: all)")
    .option("--reason <text>", "why; kept in the history")
    .option("--detach", "do not wait for the end")
    .action(async (environment: string, { to, service, reason, detach }: Options, command: Command) => {
      const context = contextOf(command);
      const { screen } = context;
      const { findControlPlane, openApi } = await import("../api-client.ts");
      const { endOf, exitOf, follow } = await import("../follow.ts");
      const api = openApi(await findControlPlane(context));
      const body = { to, services: service, reason };
      const { deployment } = await api.ask("rollback", { params: { environment }, body });
      if (detach === true) {
        screen.say(`Asked for: ${deployment.id}   Look: sluice watch ${deployment.id}`);
        screen.answer(endOf(deployment));
        return;
      }
      const run = await follow(api, { id: deployment.id, screen });
      screen.answer(endOf(run));
      endWith(exitOf(run));
    });
}
