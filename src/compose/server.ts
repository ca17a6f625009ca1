// The HTTP API and the page of a control plane, on a port, with the file that tells the CLI where it is.
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { dirname, join } from "node:path";
import { reportsOf } from "../adapters/metrics/otlp/reports.ts";
import { parsePushed } from "../adapters/metrics/otlp/request.ts";
import { replicaLogs } from "../adapters/targets/processes/replica-logs.ts";
import { isInterval } from "../domain/evidence.ts";
import { Problem } from "../domain/problem.ts";
import { hostPaths } from "../host/paths.ts";
import { type Listening, listen } from "../server/listen.ts";
import type { Places } from "../server/records.ts";
import { createServer } from "../server/server.ts";
import { localToken } from "../server/token-file.ts";
import { hasArtifact } from "../workspace/artifact/store.ts";
import { arrivedBytes, finishUpload, takeBytes } from "../workspace/artifact/upload.ts";
import { openShelves } from "../workspace/cache/shelves.ts";
import { buildPlaces } from "./builds.ts";
import type { ControlPlane } from "./control.ts";
import { machineHealth } from "./machine-health.ts";
import { openDoor, type PublicDoor } from "./public-door.ts";

export interface ServeOptions {
  readonly plane: ControlPlane;
  readonly dataFolder: string;
  /** Without one: the one of last time, the usual one, or any that is free. */
  readonly port?: number;
  /** For other machines. */
  readonly door?: PublicDoor | undefined;
  /** Figures of the traffic that a demonstration makes. */
  readonly traffic?: Places["traffic"];
}

export interface Served {
  readonly url: string;
  readonly publicUrl?: string;
  /** An address that signs a browser in, once and within minutes. */
  signInAddress(): string;
  close(): Promise<void>;
}

const usualPort = 7070;

export async function serveControlPlane(options: ServeOptions): Promise<Served> {
  const { plane, dataFolder, port, door, traffic } = options;
  const stopping = new AbortController();
  const page = pageFolder();
  const { app, auth } = createServer({
    records: plane.store,
    places: { ...placesOf(plane, dataFolder), ...(traffic === undefined ? {} : { traffic }) },
    clock: plane.clock,
    token: localToken(join(dataFolder, "token")),
    user: userInfo().username,
    version: "1",
    newId: () => `d-${randomBytes(5).toString("hex")}`,
    signal: stopping.signal,
    log: (error) => console.error(error),
    ...(page === undefined ? {} : { pageFolder: page }),
    ...(door === undefined ? {} : { hosts: [new URL(door.url).hostname] }),
  });
  const ports = port === undefined ? [lastPort(dataFolder), usualPort, 0] : [port];
  const listening = await listenOn(app, ports);
  const url = `http://127.0.0.1:${listening.port}`;
  const outside = door && (await openDoor(app, door));
  const publicUrl = door && { publicUrl: door.url };
  tellWhereabouts(dataFolder, { url, ...publicUrl });
  return {
    url,
    ...publicUrl,
    signInAddress: () => `${url}/login?code=${auth.newCode()}`,
    close: async () => {
      stopping.abort();
      rmSync(join(dataFolder, "control.json"), { force: true });
      await Promise.all([listening.close(), outside?.close()]);
    },
  };
}

/** The first that can be had; a port that was asked for by name is not replaced by another. */
async function listenOn(app: Parameters<typeof listen>[0], ports: readonly (number | undefined)[]): Promise<Listening> {
  const [first, ...rest] = ports;
  if (first === undefined) return listenOn(app, rest);
  return listen(app, { port: first }).catch((error: unknown) => {
    if (!(error instanceof Problem) || rest.length === 0) throw error;
    return listenOn(app, rest);
  });
}

function lastPort(dataFolder: string): number | undefined {
  const file = join(dataFolder, "control.port");
  return existsSync(file) ? Number(readFileSync(file, "utf8")) || undefined : undefined;
}

function tellWhereabouts(dataFolder: string, where: { readonly url: string; readonly publicUrl?: string }): void {
  writeFileSync(join(dataFolder, "control.port"), new URL(where.url).port);
  const beside = join(dataFolder, `control.json.${process.pid}`);
  writeFileSync(beside, JSON.stringify({ ...where, pid: process.pid }), { mode: 0o600 });
  renameSync(beside, join(dataFolder, "control.json"));
}

function placesOf(plane: ControlPlane, data: string): Places {
  return {
    intend: plane.intend,
    restart: plane.machine.restart,
    publicUrl: plane.machine.publicUrl,
    waiting: plane.waiting,
    counted: async ({ environment, service, revision, since }) => {
      const [observations, replicas] = await Promise.all([
        plane.metrics.read({ environment, service, candidate: revision, since }),
        plane.metrics.replicas({ environment, service, revision, since }),
      ]);
      return { intervals: observations.filter(isInterval), replicas };
    },
    metrics: plane.host.metrics,
    pushMetrics: async ({ body, isJson }) => {
      const { reports, leftOut } = reportsOf(parsePushed(body, isJson));
      if (reports.length > 0) await plane.store.pushed.put(reports);
      return leftOut;
    },
    health: (environment) => machineHealth(data, environment),
    logs: (wish, signal) => replicaLogs({ host: plane.host, folder: hostPaths(data).logs }, wish, signal),
    putSecrets: plane.secrets.put,
    ...buildPlaces(plane.secrets),
    shelves: openShelves(join(data, "shared-cache")),
    maintain: plane.machine.maintain,
    inMaintenance: plane.machine.inMaintenance,
    jobs: {
      list: async () => {
        await plane.tellSchedules();
        return plane.host.schedules();
      },
      run: async (environment, job, id) => {
        await plane.tellSchedules();
        return plane.host.runScheduled(environment, job, id);
      },
      lines: async (key) => (await plane.host.seeJob(key))?.lines ?? [],
    },
    artifacts: {
      has: (artifact) => hasArtifact(data, artifact),
      arrived: (upload) => arrivedBytes(data, upload),
      take: (upload, sent) => takeBytes(data, upload, sent),
      finish: (upload, manifest) => finishUpload(data, upload, manifest),
    },
  };
}

/** dist/dashboard, beside this program. */
function pageFolder(): string | undefined {
  for (let at = import.meta.dirname; dirname(at) !== at; at = dirname(at)) {
    const found = [join(at, "dashboard"), join(at, "dist/dashboard")].find((folder) =>
      existsSync(join(folder, "index.html")),
    );
    if (found !== undefined) return found;
  }
  return undefined;
}
