// `sluice logs`: what replicas printed.
import type { Command } from "commander";
import { addVerb, contextOf } from "../verb.ts";

interface Options {
  readonly revision?: string;
  readonly tail: string;
  readonly follow?: boolean;
}

export function logsVerb(program: Command): void {
  addVerb(program, {
    usage: "logs [environment] [service]",
    summary: "what the replicas of an environment printed",
    examples: ["sluice logs production api --follow", "sluice logs staging --tail 500"],
    json: "one JSON object a line",
  })
    .option("--revision <revision>", "of this revision only")
    .option("--tail <lines>", "how many of the latest lines", "100")
    .option("-f, --follow", "go on as more are printed")
    .action(
      async (
        named: string | undefined,
        service: string | undefined,
        { revision, tail, follow }: Options,
        command: Command,
      ) => {
        const context = contextOf(command);
        const { screen } = context;
        const { findControlPlane, openApi } = await import("../api-client.ts");
        const { logLine } = await import("../print/log-line.ts");
        const { onlyEnvironment } = await import("../find-deployment.ts");
        const api = openApi(await findControlPlane(context));
        const environment = named ?? (await onlyEnvironment(api));
        const stop = new AbortController();
        process.once("SIGINT", () => process.exit(0));
        for await (const line of api.logLines(
          { environment, service, revision, tail, follow: follow === true },
          stop.signal,
        )) {
          screen.write(`${screen.isJson ? line : logLine(line, screen.colors)}\n`);
        }
      },
    );
}
