// `sluice metrics`: what others need to push their numbers to this control plane, or to scrape it.
import type { Command } from "commander";
import { addVerb, contextOf } from "../verb.ts";

const help = `
A service that is not started by Sluice pushes with these two, and names its release beside them:

  OTEL_RESOURCE_ATTRIBUTES=deployment.environment.name=production,service.name=web,sluice.revision=<revision>

A Prometheus scrapes the host's own counters with the same token:

  scrape_configs:
    - job_name: sluice
      metrics_path: /metrics
      authorization: { credentials: <the token> }
      static_configs: [{ targets: ["<the control plane's address>"] }]
`;

export function metricsVerb(program: Command): void {
  const metrics = program
    .command("metrics")
    .summary("let services push metrics, or a Prometheus scrape them")
    .description("metrics that services push, and those of this host");
  addVerb(metrics, {
    usage: "token",
    summary: "the token that pushes and scrapes metrics and does nothing else",
    examples: ["sluice metrics token", "sluice metrics token --json"],
  })
    .addHelpText("after", help)
    .action(async (_: unknown, command: Command) => {
      const context = contextOf(command);
      const { findControlPlane, openApi } = await import("../api-client.ts");
      const api = openApi(await findControlPlane(context));
      const { token } = await api.ask("metricsToken");
      const endpoint = `${api.url}/v1/metrics`;
      context.screen.answer({ endpoint, scrape: `${api.url}/metrics`, token });
      // Headers are URL-encoded there, as the specification of OTLP exporters asks.
      context.screen.say(
        `OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=${endpoint}\nOTEL_EXPORTER_OTLP_METRICS_HEADERS=authorization=Bearer%20${token}`,
      );
    });
}
