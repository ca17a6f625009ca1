// The embedded PostgreSQL: a process of its own that outlives the control plane, and is adopted by the next one.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { closeSync, existsSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { Problem } from "../../../domain/problem.ts";
import { binaries, nativeFolder } from "./binaries.ts";
import { makeCluster, password, superuser } from "./cluster.ts";
import { type Place, place as placeOf } from "./place.ts";
import { type Postmaster, runningPostmaster, setAsideStaleLock } from "./postmaster.ts";
import { whyNot } from "./why-not.ts";

export interface EmbeddedServer {
  /** Of the journal's own database. */
  readonly url: string;
  readonly pid: number;
  readonly port: number;
  /** False when it was running already. */
  readonly isStarted: boolean;
}

const database = "sluice";
const startTimeoutMs = 60_000;

/** Starts the data folder's server, or finds it running. Call it again when connections are refused. */
export async function startEmbedded(dataFolder: string): Promise<EmbeddedServer> {
  const place = placeOf(dataFolder, nativeFolder());
  const running = runningPostmaster(place);
  if (running !== undefined) return ready(place, { ...running, isStarted: false });
  const tools = binaries(place.native, place.links);
  makeCluster(place, tools);
  for (let attempt = 0; attempt < 5; attempt++) {
    const postmaster = await launch(place, tools);
    if (postmaster !== undefined) return ready(place, postmaster);
  }
  throw whyNot("every port that was tried is taken", place);
}

/** Stops the data folder's server and waits until it is gone; clients are disconnected, nothing that was committed is lost. */
export async function stopEmbedded(dataFolder: string): Promise<void> {
  const place = placeOf(dataFolder, nativeFolder());
  const running = runningPostmaster(place);
  if (running === undefined) return;
  process.kill(running.pid, "SIGINT");
  for (const until = Date.now() + startTimeoutMs; Date.now() < until; await sleep(20)) {
    if (runningPostmaster(place) === undefined) return;
  }
  throw new Problem(
    `the embedded PostgreSQL (pid ${running.pid}) does not stop`,
    `Look at ${join(place.own, "server.log")}; \`kill -QUIT ${running.pid}\` stops it at once, and it recovers when started again`,
  );
}

type Launched = Postmaster & { readonly isStarted: boolean };

/** Undefined when the port was taken between our look and its bind. */
async function launch(place: Place, tools: ReturnType<typeof binaries>): Promise<Launched | undefined> {
  setAsideStaleLock(place);
  const port = await choosePort(place);
  const logFile = join(place.own, "server.log");
  const log = openSync(logFile, "w", 0o600);
  const child = spawn(tools.postgres, ["-D", place.cluster, ...settings(port)], {
    ...place.as,
    cwd: place.cluster,
    detached: true,
    env: { ...tools.env, HOME: place.cluster, LC_ALL: "C" },
    stdio: ["ignore", log, log],
  });
  closeSync(log);
  let end: string | undefined;
  child.once("error", (error) => {
    end = error.message;
  });
  child.once("exit", () => {
    end ??= "";
  });
  for (const until = Date.now() + startTimeoutMs; Date.now() < until; await sleep(15)) {
    if (end !== undefined) return launchedMeanwhile(place, `${end}\n${readFileSync(logFile, "utf8")}`);
    const postmaster = runningPostmaster(place);
    if (postmaster?.pid === child.pid && postmaster?.isReady) {
      child.unref();
      return { ...postmaster, isStarted: true };
    }
  }
  child.kill("SIGQUIT");
  throw whyNot(readFileSync(logFile, "utf8"), place);
}

async function launchedMeanwhile(place: Place, printed: string): Promise<Launched | undefined> {
  if (/Address already in use/.test(printed)) {
    rmSync(join(place.own, "port"), { force: true });
    return undefined;
  }
  // A server that was killed leaves children behind for a moment, which hold its shared memory.
  if (/pre-existing shared memory block|is still in use/.test(printed)) {
    await sleep(500);
    return undefined;
  }
  const other = runningPostmaster(place);
  if (other === undefined) throw whyNot(printed, place);
  return { ...other, isStarted: false };
}

function settings(port: number): string[] {
  const values = {
    port,
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    max_connections: 200,
    shared_buffers: "64MB",
    password_encryption: "scram-sha-256",
    log_min_messages: "log",
    log_min_error_statement: "panic",
    log_checkpoints: "off",
    tcp_keepalives_idle: 60,
    // Ten thousand rollouts that begin at once are planned for as such within seconds, not a minute later.
    autovacuum_naptime: "5s",
  };
  return Object.entries(values).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
}

/** Waits until it answers, and makes our database in it. */
async function ready(place: Place, { pid, port, isStarted }: Launched): Promise<EmbeddedServer> {
  const url = (name: string) => `postgresql://${superuser}:${password(place)}@127.0.0.1:${port}/${name}`;
  for (const until = Date.now() + startTimeoutMs; ; await sleep(50)) {
    const client = new pg.Client({ connectionString: url("postgres"), connectionTimeoutMillis: 5000 });
    client.on("error", () => {}); // told by the query that it breaks
    try {
      await client.connect();
      await client.query("select pg_advisory_lock(1)"); // until the connection ends: roles and databases change one at a time
      const { rowCount } = await client.query("select from pg_database where datname = $1", [database]);
      if (rowCount === 0) await client.query(`create database ${database}`);
      await client.query(`revoke connect on database ${database} from public`);
      return { url: url(database), pid, port, isStarted };
    } catch (error) {
      if (Date.now() > until || !isStartingUp(error)) throw whyNot(String(error), place);
    } finally {
      await client.end().catch(() => {});
    }
  }
}

function isStartingUp(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "57P03" || error.code === "ECONNREFUSED");
}

/**
 * The port stays the same over restarts, since deployed services hold it in their DATABASE_URL. It is chosen below the
 * ephemeral range, where no outgoing connection can sit on it.
 */
async function choosePort(place: Place): Promise<number> {
  const file = join(place.own, "port");
  const kept = existsSync(file) ? Number(readFileSync(file, "utf8")) : Number.NaN;
  const first = 15_000 + (createHash("sha256").update(place.own).digest().readUInt16BE(0) % 15_000);
  const candidates = [kept, ...Array.from({ length: 50 }, (_, i) => first + i)].filter(Number.isInteger);
  for (const port of candidates) {
    if (!(await isFree(port))) continue;
    writeFileSync(file, String(port), { mode: 0o600 });
    return port;
  }
  throw new Problem(
    `ports ${first} to ${first + 49} on 127.0.0.1 are all taken`,
    "Set DATABASE_URL, or free one of them",
  );
}

function isFree(port: number): Promise<boolean> {
  const probe = createServer();
  return new Promise((resolve) => {
    probe.once("error", () => resolve(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });
}
