// How the environments of this machine are, down to the parts that each replica's own health answer lists.
import { type EnvironmentHealth, type ReplicaHealth, type ServiceHealth, worst } from "../domain/health.ts";
import { Problem } from "../domain/problem.ts";
import type { SeenReplica, SeenService } from "../host/api.ts";
import { hostClient } from "../host/client.ts";
import { isHostRunning } from "../host/start.ts";
import { environmentCertificates } from "./certificates.ts";

/** Of one environment or of all; throws a Problem when no host runs, or the environment has no service here. */
export async function machineHealth(dataFolder: string, only?: string): Promise<readonly EnvironmentHealth[]> {
  if (!(await isHostRunning(dataFolder)))
    throw new Problem(`no host runs on ${dataFolder}`, "Start one with `sluice up`, or name its folder with --data");
  const client = hostClient(dataFolder);
  const keys = (await client.services()).map((key) => key.split("/"));
  const environments = [...new Set(keys.map(([name = ""]) => name))].filter(
    (name) => only === undefined || name === only,
  );
  if (only !== undefined && environments.length === 0)
    throw new Problem(`no service of ${only} runs on this machine`, "`sluice status` shows what stands where");
  return Promise.all(
    environments.sort().map(async (environment) => {
      const names = keys.filter(([name]) => name === environment).map(([, service = ""]) => service);
      const services = await Promise.all(
        names.sort().map(async (name) => serviceHealth(name, await client.get(`${environment}/${name}`))),
      );
      const certificates = environmentCertificates(dataFolder, environment);
      return {
        environment,
        status: worst([...services, ...certificates].map(({ status }) => status)),
        services,
        certificates,
      };
    }),
  );
}

/** Unhealthy when nothing is ready; degraded when something is missing or says of itself that it is not well. Pure. */
export function serviceHealth(service: string, seen: SeenService | undefined): ServiceHealth {
  const replicas = Object.values(seen?.revisions ?? {})
    .flatMap((revision) => revision.replicas)
    .filter(({ state }) => state !== "draining" && state !== "stopping" && state !== "exited")
    .map(replicaHealth);
  const isServing = replicas.some(({ state }) => state === "ready");
  const isWhole = replicas.every(({ status }) => status === "healthy");
  return { service, status: isServing ? (isWhole ? "healthy" : "degraded") : "unhealthy", replicas };
}

function replicaHealth({ id, state, because, restarts, lastExit, health }: SeenReplica): ReplicaHealth {
  return {
    id,
    status: state === "ready" ? (health?.status ?? "healthy") : "unhealthy",
    state,
    restarts,
    ...(because === undefined ? {} : { because }),
    ...(lastExit === undefined ? {} : { lastExit }),
    parts: health?.parts ?? [],
  };
}
