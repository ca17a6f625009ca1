// `sluice why`: every decision of a deployment with the numbers that decided it, made again from what was recorded.
import type { Command } from "commander";
import { Problem } from "../../domain/problem.ts";
import { addVerb, contextOf, endWith } from "../verb.ts";

export function whyVerb(program: Command): void {
  addVerb(program, {
    usage: "why",
    summary: "why a deployment did what it did: each decision with its numbers, made again from what was recorded",
    examples: [
      "sluice why production",
      "sluice why production-0k3v9x2a 7       # the decisions of step 7, as sluice plan counts them",
      "sluice why production-0k3v9x2a verify  # of a service, or of verify or admission",
      "sluice why d-3f9c1a2b7e --json",
    ],
    json: '{"deployment":"…","decisions":[{"position":9,"at":…,"kind":"judged","node":"api","step":2,"decision":"…","inputs":["…"],"replay":{"result":"same"}}]}',
  })
    .addHelpText(
      "after",
      `
  ✓ the same decision comes of the same inputs   ✗ another would: exits with 1   · nothing to make again, and why
`,
    )
    .argument("[deployment]", "its id, or its environment; the only one under way, or the last, unless named")
    .argument("[step]", "only decisions of this step (its number), or of this service")
    .action(async (named: string | undefined, step: string | undefined, _options: object, command: Command) => {
      const context = contextOf(command);
      const { screen } = context;
      const { findControlPlane, openApi } = await import("../api-client.ts");
      const { findDeployment } = await import("../find-deployment.ts");
      const { decisionsOfStep, whyLines } = await import("../print/why.ts");
      const api = openApi(await findControlPlane(context));
      const run = await findDeployment(api, { name: named, orEnded: true });
      const all = (await api.ask("why", { params: { id: run.id } })).decisions;
      const decisions = step === undefined ? all : decisionsOfStep(run, all, step);
      if (decisions.length === 0)
        throw new Problem(`${run.id} has decided nothing of ${step}`, "Leave the step out: all decisions are listed");
      screen.say(...whyLines(run, decisions, screen));
      screen.answer({ deployment: run.id, decisions });
      endWith(decisions.some(({ replay }) => replay.result === "differs") ? "failed" : "ok");
    });
}
