// The control plane as a process: engine, HTTP API and page over one data folder. `sluice up` starts it; it outlives the
// terminal, may be killed at any moment, and the next one goes on where it was.
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { replicaLogs } from "./adapters/targets/processes/replica-logs.ts";
import { type ControlPlane, startControlPlane } from "./compose.ts";
import { Problem } from "./domain/problem.ts";
import { releaseLock, takeLock } from "./host/lock.ts";
import { controlLock } from "./machine-stop.ts";
import { type Listening, listen } from "./server/listen.ts";
import type { Places } from "./server/records.ts";
import { createServer } from "./server/server.ts";
import { localToken } from "./server/token-file.ts";
import { hasArtifact, storePacked } from "./workspace/artifact-store.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { port: { type: "string" }, workspace: { type: "string" } },
});
const data = resolve(positionals[0] ?? ".sluice");
const whereabouts = join(data, "control.json");
const portFile = join(data, "control.port");

try {
  await run();
} catch (error) {
  // The last line of the log is what `sluice up` shows.
  if (!(error instanceof Problem)) console.error(error);
  console.error(error instanceof Problem ? `${error.message}. ${error.mend}` : `a bug in Sluice: ${error}`);
  process.exit(1);
}

async function run(): Promise<void> {
  mkdirSync(data, { recursive: true, mode: 0o700 });
  takeLock(controlLock(data), "control plane");
  const stopping = new AbortController();
  const { DATABASE_URL } = process.env;
  const plane = await startControlPlane({
    dataFolder: data,
    workspace: values.workspace ?? "workspace",
    ...(DATABASE_URL === undefined ? {} : { databaseUrl: DATABASE_URL }),
  });
  const page = pageFolder();
  const { app } = createServer({
    records: plane.store,
    places: placesOf(plane),
    clock: plane.clock,
    token: localToken(join(data, "token")),
    user: userInfo().username,
    version: "1",
    newId: () => `d-${randomBytes(5).toString("hex")}`,
    signal: stopping.signal,
    log: (error) => console.error(error),
    ...(page === undefined ? {} : { pageFolder: page }),
  });
  const listening = await listenSomewhere(app);
  tellWhereabouts(`http://127.0.0.1:${listening.port}`);
  const stop = async () => {
    stopping.abort();
    rmSync(whereabouts, { force: true });
    await listening.close();
    await plane.close();
    releaseLock(controlLock(data));
    process.exit(0);
  };
  process.once("SIGTERM", stop).once("SIGINT", stop);
}

/** The port that was asked for; else the one of last time, the usual one, or any that is free. */
async function listenSomewhere(app: Parameters<typeof listen>[0]): Promise<Listening> {
  if (values.port !== undefined) return await listen(app, { port: Number(values.port) });
  for (const port of [lastPort(), 7070]) {
    const listening = port === undefined ? undefined : await listen(app, { port }).catch(ifTaken);
    if (listening !== undefined) return listening;
  }
  return await listen(app, { port: 0 });
}

function ifTaken(error: unknown): undefined {
  if (!(error instanceof Problem)) throw error;
}

function lastPort(): number | undefined {
  return existsSync(portFile) ? Number(readFileSync(portFile, "utf8")) || undefined : undefined;
}

function tellWhereabouts(url: string): void {
  writeFileSync(portFile, new URL(url).port);
  const beside = `${whereabouts}.${process.pid}`;
  writeFileSync(beside, JSON.stringify({ url, pid: process.pid }), { mode: 0o600 });
  renameSync(beside, whereabouts);
}

function placesOf(plane: ControlPlane): Places {
  return {
    intend: plane.intend,
    publicUrl: plane.machine.publicUrl,
    waiting: plane.waiting,
    logs: (wish, signal) => replicaLogs(plane.host, wish, signal),
    putSecrets: plane.secrets.put,
    artifacts: {
      has: (artifact) => hasArtifact(data, artifact),
      put: (packed, manifest) => storePacked(data, Buffer.from(packed), manifest),
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
