// The only file that knows everything: puts the engine, its adapters and the host together into a control plane.
import { randomBytes } from "node:crypto";
import { dirname, join } from "node:path";
import type { AcmeWish } from "../adapters/acme/certificate-files.ts";
import { keepCertificates } from "../adapters/acme/keeper.ts";
import { metricSources, type Sources } from "../adapters/metrics/sources.ts";
import { databaseClock } from "../adapters/postgres/database-clock.ts";
import { startEmbedded } from "../adapters/postgres/embedded/server.ts";
import { openStore, type Store } from "../adapters/postgres/store.ts";
import { revisionFiles } from "../adapters/revisions/revision-file.ts";
import { type Secrets, secretFile } from "../adapters/secrets/secret-file.ts";
import { type Machine, processMachine } from "../adapters/targets/processes/machine.ts";
import { hostReplicas } from "../adapters/targets/processes/metrics.ts";
import type { DeploymentId } from "../domain/event.ts";
import type { Ms } from "../domain/frame.ts";
import type { Intent } from "../domain/plan.ts";
import { Problem } from "../domain/problem.ts";
import type { Release } from "../domain/release.ts";
import type { Clock, Ports } from "../engine/ports.ts";
import { Worker } from "../engine/worker.ts";
import type { HostClient } from "../host/client.ts";
import { programsFolder, startHost } from "../host/start.ts";
import type { Desk } from "../server/commands.ts";
import { hasArtifact, unpackArtifact } from "../workspace/artifact/store.ts";
import { imageIn } from "../workspace/image/image.ts";
import { sha256 } from "../workspace/release-build.ts";
import { afterEnds } from "./after.ts";
import { keepBuilding } from "./builds.ts";
import { ownName } from "./certificates.ts";
import { drive } from "./drive.ts";
import { keepHistory } from "./keep-history.ts";
import { keepSchedules } from "./keep-schedules.ts";
import { rehearse } from "./rehearse.ts";

export { machineHealth } from "./machine-health.ts";
export { claimHost, hostHealth, installHost, keepHost, upgradeHost } from "./machine-host.ts";
export { stopMachine } from "./machine-stop.ts";
export { type Served, serveControlPlane } from "./server.ts";

export interface ControlPlaneOptions {
  readonly dataFolder: string;
  readonly workspace: string;
  /** Your PostgreSQL; without one, an embedded one is started in the data folder. */
  readonly databaseUrl?: string;
  /** Length of the router's counted intervals; shortened only for a demonstration. */
  readonly intervalMs?: Ms;
  /** Plain HTTP of the host, beside HTTPS; as it was unless given. */
  readonly httpPort?: number;
  /** Certificates for names of its own; those of last time unless given. */
  readonly acme?: AcmeWish;
  /** Deployments that ended so long ago are packed; 90 days unless given. */
  readonly archiveAfterDays?: number;
  /** How long evidence is kept after a deployment has ended. */
  readonly evidenceDays?: number;
  /** Deployments that this process looks after in the same moment; any number may be under way. */
  readonly drivers?: number;
}

export interface ControlPlane {
  readonly store: Store;
  readonly host: HostClient;
  readonly machine: Machine;
  /** What stands now is what the host runs jobs from when this returns. */
  tellSchedules(): Promise<void>;
  readonly secrets: Secrets;
  readonly clock: Clock;
  readonly metrics: Sources;
  /** What each deployment is waiting for at this moment; not history. */
  waiting(deployment: DeploymentId): readonly string[];
  deploy(order: DeployOrder): Promise<DeploymentId>;
  intend(release: Release, environment: string): Promise<Intent>;
  release(id: string): Promise<Release>;
  /** Stops driving; the host, its replicas and the database go on. */
  close(): Promise<void>;
}

interface DeployOrder {
  readonly release: Release;
  readonly environment: string;
  readonly by: string;
  readonly reason?: string;
}

const leaseMs: Ms = 15_000;
const dayMs: Ms = 86_400_000;

export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { dataFolder } = options;
  const [host, url] = await Promise.all([
    startHost({
      dataFolder,
      ...(options.intervalMs === undefined ? {} : { intervalMs: options.intervalMs }),
    }),
    options.databaseUrl ?? startEmbedded(dataFolder).then((server) => server.url),
  ]);
  const store = await openStore({
    url,
    workspace: options.workspace,
    ...(options.databaseUrl === undefined ? { onUnreachable: async () => void (await startEmbedded(dataFolder)) } : {}),
  });
  // An embedded database has one control plane, us: what a killed one held need not wait for its lease.
  if (options.databaseUrl === undefined) await store.endLeases();
  await claimHost(host, store.journal.id);
  if (options.httpPort !== undefined) await host.plainPort(options.httpPort);
  const certificates = keepCertificates({ dataFolder, log: (line) => console.log(line) });
  if (options.acme !== undefined) certificates.want(ownName, options.acme);
  const secrets = secretFile(join(dataFolder, "secrets.json"));
  const release = async (id: string) => releaseOf(await store.releases.get(id), id);
  const machine = processMachine({
    dataFolder,
    staticProgram: join(programsFolder(), "static.js"),
    host,
    secrets,
    revisions: revisionFiles(join(dataFolder, "revisions")),
    digest: sha256,
    release,
    unpack: (artifact, folder) => unpackArtifact(dataFolder, artifact, folder),
    imageIn: (folder) => imageIn(dataFolder, folder),
    certificates,
    database: (wanted) => store.provisionDatabase(wanted),
  });
  const clock = await databaseClock({ now: () => store.now(), onPutBack: () => store.forgetFuture() });
  const desk: Desk = {
    records: store,
    places: {
      intend: machine.intend,
      restart: machine.restart,
      artifacts: { has: (artifact) => hasArtifact(dataFolder, artifact) },
    },
  };
  const metrics = metricSources({
    host: machine.metrics,
    hostReplicas: (query) => hostReplicas(host, query),
    pushed: store.pushed,
    settings: async (environment, revision) => (await machine.configured(environment, revision))?.metrics,
    secret: (environment, name) => secrets.value(environment, name),
    nowMs: clock.now,
  });
  const ports: Ports = {
    clock,
    journal: store.journal,
    environments: store.environments,
    evidence: store.evidence,
    metrics,
    jobs: machine.jobs,
    target: machine.target,
    after: afterEnds({ desk, host, standing: store.environments.standsOn }),
    report: (error) => console.error(error),
    digest: sha256,
  };
  const waiting = new Map<DeploymentId, readonly string[]>();
  const stopping = new AbortController();
  const worker = new Worker({
    name: `${process.pid}-${randomBytes(3).toString("hex")}`,
    ports,
    claims: store.claims,
    leaseMs,
    onWaiting: (deployment, what) => void waiting.set(deployment, what),
  });
  const drivers = Array.from({ length: options.drivers ?? 16 }, () =>
    drive({ worker, ports, store, signal: stopping.signal }),
  );
  const keeping = keepHistory(store, {
    afterMs: (options.archiveAfterDays ?? 90) * dayMs,
    evidenceMs: (options.evidenceDays ?? 30) * dayMs,
    signal: stopping.signal,
  });
  const schedules = keepSchedules({
    store,
    host,
    machine,
    signal: stopping.signal,
    report: (error) => console.error(error),
  });
  const rehearsing = rehearse({ desk, clock, report: (error) => console.error(error), signal: stopping.signal });
  const building = keepBuilding(store.builds, () => clock.now(), stopping.signal);
  return {
    store,
    host,
    machine,
    tellSchedules: schedules.tell,
    secrets,
    clock,
    metrics,
    release,
    waiting: (deployment) => waiting.get(deployment) ?? [],
    intend: machine.intend,
    deploy: async ({ release: wanted, environment, by, reason }) => {
      await store.releases.keep({ id: wanted.id, version: wanted.version }, wanted);
      const intent = await machine.intend(wanted, environment);
      const id = deploymentId(environment);
      await store.journal.append(id, 0, {
        kind: "requested",
        environment,
        release: { id: wanted.id, version: wanted.version },
        intent,
        by,
        ...(reason === undefined ? {} : { reason }),
      });
      return id;
    },
    close: async () => {
      stopping.abort();
      clock.stop();
      await Promise.all([certificates.stop(), ...drivers, keeping, schedules.ended, rehearsing, building]);
      await store.close();
    },
  };
}

/** The product of the demonstration, as this installation has it. */
export function exampleFolder(): string {
  return join(dirname(programsFolder()), "examples", "expense-tracker");
}

/** "production-k3v9x2": people type it, so it is short; random, so two asked for at once differ. */
function deploymentId(environment: string): DeploymentId {
  return `${environment}-${BigInt(`0x${randomBytes(5).toString("hex")}`)
    .toString(36)
    .padStart(8, "0")}`;
}

/** A host that nobody claimed is ours; another journal's must be handed over by a person. */
async function claimHost(host: HostClient, journal: string): Promise<void> {
  const { journal: owner } = await host.health();
  if (owner === undefined) await host.claim(journal);
  else if (owner !== journal) {
    throw new Problem(
      `the host in this data folder takes its commands from another journal (${owner})`,
      "Use the control plane and database that it belongs to, or hand it over with `sluice host claim`",
    );
  }
}

function releaseOf(kept: { readonly frozen: unknown } | undefined, id: string): Release {
  if (kept === undefined) throw new Problem(`there is no release ${id}`, "Build it with `sluice deploy`");
  return kept.frozen as Release;
}
