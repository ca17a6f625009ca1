// `sluice status`: every environment, what stands in it and what is under way.
import type { Command } from "commander";
import { addVerb, contextOf, endWith } from "../verb.ts";

export function statusVerb(program: Command): void {
  addVerb(program, {
    usage: "status [environment]",
    summary: "what stands in each environment and what is under way",
    examples: ["sluice status", "sluice status production --check"],
    json: '{"environments":[{"name":"…","url":"…","release":{…},"stands":{…},"open":[…]}],"unsound":[]}',
  })
    .option("--check", "exit with 1 when something is amiss: nothing stands, a hold, a retreat")
    .action(async (environment: string | undefined, { check }: { check?: boolean }, command: Command) => {
      const context = contextOf(command);
      const { screen } = context;
      const { findControlPlane, openApi } = await import("../api-client.ts");
      const { statusLines, unsound } = await import("../print/status.ts");
      const api = openApi(await findControlPlane(context));
      const { environments } = await api.ask("status", { query: { environment } });
      const amiss = unsound(environments);
      screen.say(...statusLines(environments, { now: Date.now(), colors: screen.colors, width: screen.width }));
      screen.answer({ environments, unsound: amiss });
      if (check !== true || amiss.length === 0) return;
      screen.say("", ...amiss.map((line) => screen.colors.red(`✗ ${line}`)));
      endWith("failed");
    });
}
