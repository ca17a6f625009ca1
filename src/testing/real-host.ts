// A real host on a temporary data folder, with a small real service to run on it. Whatever a test starts is ended by pid,
// also when the test fails.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { build } from "esbuild";
import type { DesiredRevision, DesiredService, Fence, ReplicaSpec, SeenService } from "../host/api.ts";
import type { HostClient } from "../host/client.ts";
import { lockOwner } from "../host/lock.ts";
import { hostPaths } from "../host/paths.ts";
import { identify, isAlive, type ProcessIdentity, signalGroup } from "../host/replica/process-identity.ts";
import { startHost } from "../host/start.ts";
import { readWhole } from "../host/whole-file.ts";

export interface RealHost {
  readonly client: HostClient;
  readonly dataFolder: string;
  readonly programs: string;
  /** Folder of the small service, see `service` below. */
  readonly folder: string;
  pids(): Promise<{ supervisor: number; router: number }>;
  /** `kill -9` of supervisor, router and keeper, so that none of them starts another again. */
  killAll(): Promise<void>;
  /** Waits until what is seen of the service passes; throws with the last view when it does not. */
  until(service: string, passes: (seen: SeenService) => boolean, withinMs?: number): Promise<SeenService>;
  stop(): Promise<void>;
}

/** What it does is chosen by its environment; it answers its VERSION. */
export const service = `
const { createServer } = require("node:http");
const { env } = process;
const number = (name) => Number(env[name] ?? 0);
if (env.EXIT_AT_ONCE) process.exit(number("EXIT_AT_ONCE"));
if (env.CRASH_AFTER_MS) setTimeout(() => process.exit(3), number("CRASH_AFTER_MS"));
if (env.GRANDCHILD) console.log("grandchild", require("node:child_process").spawn("sleep", ["600"], { stdio: "ignore", detached: env.GRANDCHILD === "daemon" }).pid);
let isWell = !env.NEVER_READY;
const server = createServer((request, response) => {
  if (request.url === "/health") { response.statusCode = isWell ? 200 : 503; return response.end(env.HEALTH ?? "{}"); }
  if (request.url === "/sicken") { isWell = false; return response.end("sick"); }
  if (request.url === "/hang") for (;;);
  if (request.url === "/env") return response.end(JSON.stringify(env));
  setTimeout(() => response.end(env.VERSION ?? ""), number("TAKES_MS"));
});
server.keepAliveTimeout = 75000;
setTimeout(() => server.listen(number("PORT"), "127.0.0.1", () => console.log("listening", env.VERSION)), number("START_MS"));
process.on("SIGTERM", () => {
  console.log("asked to stop");
  if (env.IGNORE_TERM) return;
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});
`;

let built: Promise<string> | undefined;
let hosts = 0;

/** Supervisor and router as dist/ has them, built once for all hosts that run at the same time. */
function buildPrograms(): Promise<string> {
  built ??= (async () => {
    const outdir = mkdtempSync(join(tmpdir(), "sluice-programs-"));
    const source = resolve(import.meta.dirname, "../host");
    const names = ["supervisor", "router"];
    await build({
      entryPoints: Object.fromEntries(names.map((name) => [name, join(source, `${name}-main.ts`)])),
      outdir,
      bundle: true,
      format: "esm",
      platform: "node",
      target: "node20",
    });
    writeFileSync(join(outdir, "package.json"), '{"type":"module"}');
    return outdir;
  })();
  return built;
}

export async function realHost(options: { dataFolder?: string; intervalMs?: number } = {}): Promise<RealHost> {
  hosts += 1;
  const programs = await buildPrograms();
  const root = options.dataFolder ?? mkdtempSync(join(tmpdir(), "sluice-host-"));
  const folder = join(root, "service");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "server.cjs"), service);
  const { intervalMs } = options;
  const client = await startHost({ dataFolder: root, programs, ...(intervalMs === undefined ? {} : { intervalMs }) });
  return {
    client,
    dataFolder: root,
    programs,
    folder,
    pids: async () => {
      const { pid, router } = await client.health();
      return { supervisor: pid, router: router.pid ?? 0 };
    },
    killAll: async () => {
      const { pid, router, keeper } = await client.health();
      await endAtOnce([keeper, pid, router.pid]);
    },
    until: (key, passes, withinMs = 15_000) => untilSeen(client, key, { passes, withinMs }),
    stop: async () => {
      await end(root, client);
      rmSync(root, { recursive: true, force: true });
      hosts -= 1;
      if (hosts > 0) return;
      built = undefined; // vitest ends its workers without an exit event: the last host takes the programs along
      rmSync(programs, { recursive: true, force: true });
    },
  };
}

type RevisionOptions = { version: string; env?: Record<string, string>; spec?: Partial<ReplicaSpec> } & Partial<
  Pick<DesiredRevision, "replicas" | "weight">
>;

/** The small service as a revision, with quick intervals. */
export function revision(host: Pick<RealHost, "folder">, options: RevisionOptions): DesiredRevision {
  const { version, env, spec, replicas = 1, weight = 100 } = options;
  return {
    replicas,
    weight,
    spec: {
      folder: host.folder,
      command: ["node", "server.cjs"],
      env: { VERSION: version, ...env },
      readiness: {
        kind: "http",
        path: "/health",
        intervalMs: 100,
        timeoutMs: 1_000,
        healthyThreshold: 1,
        unhealthyThreshold: 2,
      },
      startWithinMs: 10_000,
      drainTimeoutMs: 5_000,
      graceMs: 3_000,
      ...spec,
    },
  };
}

export function desired(
  seq: number,
  revisions: Record<string, DesiredRevision>,
  more: Partial<DesiredService> = {},
): DesiredService {
  return {
    fence: fence(seq),
    revisions,
    routes: [],
    ingress: [{ path: "/" }],
    entry: { environment: "test", port: 0 },
    buffer: { maxMs: 10_000, maxBytes: 1_000_000 },
    ...more,
  };
}

export function fence(seq: number, journal = "journal-1"): Fence {
  return { journal, seq };
}

async function untilSeen(
  client: HostClient,
  key: string,
  { passes, withinMs }: { passes: (seen: SeenService) => boolean; withinMs: number },
): Promise<SeenService> {
  const until = Date.now() + withinMs;
  let last: SeenService | undefined;
  while (Date.now() < until) {
    last = await client.get(key).catch(() => last);
    if (last !== undefined && passes(last)) return last;
    await pause(20);
  }
  throw new Error(`${key} is not as expected: ${JSON.stringify(last, undefined, 1)}`);
}

/** Politely if it answers. */
async function end(dataFolder: string, client: HostClient): Promise<void> {
  const paths = hostPaths(dataFolder);
  const asked = await Promise.race([
    client
      .stop()
      .then(() => true)
      .catch(() => false),
    pause(8_000),
  ]);
  const state: { routerPid?: number; replicas?: { run?: { process: ProcessIdentity } }[] } = JSON.parse(
    readWhole(paths.state) ?? "{}",
  );
  if (asked !== true) await endAtOnce([lockOwner(paths.keeper)?.pid, lockOwner(paths.lock)?.pid, state.routerPid]);
  for (const { run } of state.replicas ?? []) if (run && isAlive(run.process)) signalGroup(run.process.pid, "SIGKILL");
}

/** All are halted before one is killed, since each would start another again. */
async function endAtOnce(pids: readonly (number | undefined)[]): Promise<void> {
  const known = pids.filter((pid) => pid !== undefined);
  for (const signal of ["SIGSTOP", "SIGKILL"] as const) for (const pid of known) kill(pid, signal);
  await Promise.all(known.map(untilGone));
}

export function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // it is gone already
  }
}

export async function untilGone(pid: number): Promise<void> {
  for (let i = 0; i < 500 && identify(pid) !== undefined; i++) await pause(10);
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
