// What may follow on the end of a deployment, on this machine: who stands, how it is, and the way back.
import { type HealthStatus, worst } from "../domain/health.ts";
import type { After } from "../engine/ports.ts";
import type { HostClient } from "../host/client.ts";
import type { Desk } from "../server/commands.ts";
import { returnAfterWatch } from "../server/returns.ts";
import { serviceHealth } from "./machine-health.ts";

export interface Surroundings {
  readonly desk: Desk;
  readonly host: Pick<HostClient, "get">;
  readonly standing: After["standing"];
}

export function afterEnds({ desk, host, standing }: Surroundings): After {
  return {
    standing,
    health: async (environment, service) => {
      const seen = await host.get(`${environment}/${service}`);
      if (seen === undefined) return {};
      const { status, replicas } = serviceHealth(service, seen);
      const parts = new Map<string, HealthStatus>();
      for (const { name, status: said } of replicas.flatMap((replica) => replica.parts)) {
        parts.set(name, worst([said, parts.get(name) ?? "healthy"]));
      }
      return { health: status, parts: Object.fromEntries(parts) };
    },
    goBack: (run, why) => returnAfterWatch(desk, run, why),
  };
}
