// `sluice health`: every service of an environment, its replicas, and the parts that their own health answers list.
import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import type { EnvironmentHealth } from "../../domain/health.ts";
import { addVerb, type Context, contextOf, endWith } from "../verb.ts";

const lookEveryMs = 2_000;

export function healthVerb(program: Command): void {
  addVerb(program, {
    usage: "health [environment]",
    summary: "how each service is, part by part; exits with 1 when something is unhealthy",
    examples: ["sluice health", "sluice health production --watch", "sluice health production --json"],
    json: '{"environments":[{"environment":"production","status":"degraded","services":[…]}]}',
  })
    .option("-w, --watch", "print it again whenever it changes, until Ctrl-C")
    .action(async (environment: string | undefined, { watch }: { watch?: boolean }, command: Command) => {
      const context = contextOf(command);
      const { screen } = context;
      const { healthLines } = await import("../print/health.ts");
      const look = await looker(context, environment);
      let shown = "";
      for (;;) {
        const environments = await look();
        const lines = healthLines(environments, screen.colors);
        if (lines.join() !== shown) {
          screen.answer({ environments });
          screen.say(...(shown === "" ? [] : ["", new Date().toLocaleTimeString()]), ...lines);
        }
        shown = lines.join();
        if (watch !== true) {
          if (environments.some(({ status }) => status === "unhealthy")) endWith("failed");
          return;
        }
        await sleep(lookEveryMs);
      }
    });
}

/** The host of this data folder, also when its control plane is down; elsewhere the control plane that is named. */
async function looker(
  context: Context,
  environment: string | undefined,
): Promise<() => Promise<readonly EnvironmentHealth[]>> {
  const { isRemote } = await import("../control-address.ts");
  if (!isRemote(context)) {
    const { machineHealth } = await import("../../compose/control.ts");
    return () => machineHealth(context.data, environment);
  }
  const { findControlPlane, openApi } = await import("../api-client.ts");
  const api = openApi(await findControlPlane(context));
  return async () => (await api.ask("servicesHealth", { query: { environment } })).environments;
}
