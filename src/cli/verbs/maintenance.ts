// `sluice maintenance`: a service answers everybody with its maintenance page, until a person says otherwise.
import { Argument, type Command } from "commander";
import { addVerb, contextOf } from "../verb.ts";

interface Options {
  readonly environment?: string;
  readonly reason?: string;
}

export function maintenanceVerb(program: Command): void {
  addVerb(program, {
    usage: "maintenance",
    summary: "answer all requests of a service with its maintenance page, or serve again",
    examples: [
      'sluice maintenance on api --environment production --reason "moving the database"',
      "sluice maintenance off api --environment production",
    ],
    json: '{"environment":"…","service":"…","on":true}',
  })
    .addArgument(new Argument("<on|off>", "until when: deployments and restarts do not end it").choices(["on", "off"]))
    .argument("<service>", "its name")
    .option("--environment <name>", "where (default: the only one)")
    .option("--reason <text>", "why; shown by sluice status")
    .action(async (word: "on" | "off", service: string, { environment, reason }: Options, command: Command) => {
      const context = contextOf(command);
      const { screen } = context;
      const { findControlPlane, openApi } = await import("../api-client.ts");
      const { onlyEnvironment } = await import("../find-deployment.ts");
      const api = openApi(await findControlPlane(context));
      const where = environment ?? (await onlyEnvironment(api));
      const on = word === "on";
      const answer = await api.ask("maintenance", { params: { environment: where, service }, body: { on, reason } });
      const page = on ? "answers everybody with its maintenance page" : "serves again";
      screen.say(`${screen.colors.green("✓")} ${service} in ${where} ${page}`);
      if (on) screen.say(screen.colors.dim(`  End it with "sluice maintenance off ${service} --environment ${where}"`));
      screen.answer(answer);
    });
}
