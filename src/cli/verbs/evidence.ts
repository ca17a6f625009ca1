// `sluice evidence`: what a deployment's bakes were judged on.
import type { Command } from "commander";
import { addVerb, contextOf } from "../verb.ts";

export function evidenceVerb(program: Command): void {
  addVerb(program, {
    usage: "evidence",
    summary: "what a deployment's bakes are judged on: the evidence over time, both sides route by route",
    examples: ["sluice evidence", "sluice evidence production --table", "sluice evidence d-3f9c1a2b7e --json"],
    json: '{"deployment":"…","services":[{"service":"api","node":"api","view":{"judgement":"fail","sentence":"…","logE":7.2,"points":[…],"comparisons":[…],"parts":[…]}}]}',
  })
    .argument("[deployment]", "its id, or its environment; the only one under way, or the last, unless named")
    .option("--table", "also ln E by stream and route, of which E is the weighted average")
    .action(async (named: string | undefined, { table = false }: { table?: boolean }, command: Command) => {
      const context = contextOf(command);
      const { screen } = context;
      const { findControlPlane, openApi } = await import("../api-client.ts");
      const { findDeployment } = await import("../find-deployment.ts");
      const { evidenceLines } = await import("../print/evidence.ts");
      const api = openApi(await findControlPlane(context));
      const { id, phase } = await findDeployment(api, { name: named, orEnded: true });
      const { services } = await api.ask("evidence", { params: { id } });
      if (phase.kind === "ended") {
        screen.say(`${id}  ${phase.outcome}${phase.because === undefined ? "" : `: ${phase.because}`}`, "");
      }
      screen.say(...evidenceLines(services, { colors: screen.colors, width: screen.width, hasTable: table }));
      screen.answer({ deployment: id, services });
    });
}
