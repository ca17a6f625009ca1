// `sluice history`: the deployments of the past, or every fact of one.
import type { Command } from "commander";
import { addVerb, contextOf } from "../verb.ts";

export function historyVerb(program: Command): void {
  addVerb(program, {
    usage: "history",
    summary: "deployments, newest first; or every fact of one, as a story",
    examples: ["sluice history", "sluice history production --limit 50", "sluice history production-0k3v9x2a"],
    json: '{"deployments":[…]} or {"deployment":"…","events":[…]}',
  })
    .argument("[what]", "an environment, or a deployment's id")
    .option("--limit <count>", "how many", "20")
    .action(async (what: string | undefined, { limit }: { limit: string }, command: Command) => {
      const context = contextOf(command);
      const { screen } = context;
      const { findControlPlane, openApi } = await import("../api-client.ts");
      const api = openApi(await findControlPlane(context));
      const { environments } = await api.ask("status");
      const isEnvironment = what === undefined || environments.some(({ name }) => name === what);
      if (isEnvironment) {
        const { historyLines } = await import("../print/status.ts");
        const { deployments } = await api.ask("listDeployments", { query: { environment: what, limit } });
        screen.say(...historyLines(deployments, { now: Date.now(), colors: screen.colors, width: screen.width }));
        screen.answer({ deployments });
        return;
      }
      const { story } = await import("../../domain/prose.ts");
      const { minutes } = await import("../../domain/minutes.ts");
      const { findDeployment } = await import("../find-deployment.ts");
      const { id } = await findDeployment(api, { name: what, orEnded: true });
      const { events } = await api.ask("listEvents", { params: { id } });
      const start = events[0]?.at ?? 0;
      screen.say(
        ...story(events).map(({ event, sentence }) => `${minutes(event.at - start).padStart(8)}  ${sentence}`),
      );
      screen.answer({ deployment: id, events });
    });
}
