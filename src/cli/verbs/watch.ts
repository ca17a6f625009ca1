// `sluice watch`: a deployment, live, until it ends.
import type { Command } from "commander";
import { addVerb, contextOf, endWith } from "../verb.ts";

export function watchVerb(program: Command): void {
  addVerb(program, {
    usage: "watch",
    summary: "watch a deployment live: traffic, steps, checks; Ctrl-C harms nothing",
    examples: ["sluice watch", "sluice watch production"],
    json: '{"deployment":"…","environment":"…","outcome":"succeeded","stands":{…},"seconds":42}, when it has ended',
  })
    .argument("[deployment]", "its id, or its environment; the only one under way unless named")
    .action(async (named: string | undefined, _options: object, command: Command) => {
      const context = contextOf(command);
      const { screen } = context;
      const { findControlPlane, openApi } = await import("../api-client.ts");
      const { findDeployment } = await import("../find-deployment.ts");
      const { endOf, exitOf, follow } = await import("../follow.ts");
      const api = openApi(await findControlPlane(context));
      const { id } = await findDeployment(api, { name: named, orEnded: true });
      const run = await follow(api, { id, screen });
      screen.answer(endOf(run));
      endWith(exitOf(run));
    });
}
