// `sluice health`: every service of an environment, its replicas, and the parts that their own health answers list.
import type { Command } from "commander";
import { addVerb, contextOf, endWith } from "../verb.ts";

export function healthVerb(program: Command): void {
  addVerb(program, {
    usage: "health [environment]",
    summary: "how each service on this machine is, part by part; exits with 1 when something is unhealthy",
    examples: ["sluice health", "sluice health production --json"],
    json: '{"environments":[{"environment":"production","status":"degraded","services":[…]}]}',
  }).action(async (environment: string | undefined, _: unknown, command: Command) => {
    const { data, screen } = contextOf(command);
    const { machineHealth } = await import("../../compose/control.ts");
    const { healthLines } = await import("../print/health.ts");
    const environments = await machineHealth(data, environment);
    screen.answer({ environments });
    screen.say(...healthLines(environments, screen.colors));
    if (environments.some(({ status }) => status === "unhealthy")) endWith("failed");
  });
}
