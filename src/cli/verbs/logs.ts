// `sluice logs`: what replicas printed.
import { type Command, Option } from "commander";
import { addVerb, contextOf } from "../verb.ts";

interface Options {
  readonly revision?: string;
  readonly replica?: string;
  readonly since?: string;
  readonly lines?: string;
  readonly tail?: string;
  readonly follow?: boolean;
}

export function logsVerb(program: Command): void {
  addVerb(program, {
    usage: "logs [environment] [service]",
    summary: "what the replicas of an environment printed",
    examples: [
      "sluice logs production api --follow",
      "sluice logs production --since 10m --json",
      "sluice logs staging --lines 500",
      "sluice logs production --revision web-3f2a9c1b40de",
    ],
    json: "one JSON object a line",
  })
    .option("--revision <revision>", "of this revision only, also when it is gone")
    .option("--replica <replica>", "of this replica only, also when it is gone")
    .option("--since <when>", "only what was printed since: 10m ago, or 2026-11-21T09:00:00Z")
    .option("-n, --lines <lines>", "how many of the latest lines of each replica (default: 100; 10000 with --since)")
    .addOption(new Option("--tail <lines>", "the same as --lines").hideHelp())
    .option("-f, --follow", "go on as more are printed")
    .action(
      async (
        named: string | undefined,
        service: string | undefined,
        { revision, replica, since: when, lines, tail = lines, follow }: Options,
        command: Command,
      ) => {
        const context = contextOf(command);
        const { screen } = context;
        const { findControlPlane, openApi } = await import("../api-client.ts");
        const { logLine } = await import("../print/log-line.ts");
        const { sinceMs } = await import("../since.ts");
        const since = when === undefined ? undefined : sinceMs(when, Date.now());
        const { onlyEnvironment } = await import("../find-deployment.ts");
        const api = openApi(await findControlPlane(context));
        const environment = named ?? (await onlyEnvironment(api));
        const stop = new AbortController();
        process.once("SIGINT", () => process.exit(0));
        for await (const line of api.logLines(
          { environment, service, revision, replica, since, tail, follow: follow === true },
          stop.signal,
        )) {
          screen.write(`${screen.isJson ? line : logLine(line, screen.colors)}\n`);
        }
      },
    );
}
