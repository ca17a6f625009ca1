// Where the host keeps things inside its data folder. One host per folder.
import { createHash } from "node:crypto";
import { chmodSync, lstatSync, mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Problem } from "../domain/problem.ts";

export interface HostPaths {
  readonly dataFolder: string;
  readonly lock: string;
  /** Who starts the host again when both its processes are gone, and the named pipe by which it notices. */
  readonly keeper: string;
  readonly alive: string;
  readonly state: string;
  readonly table: string;
  readonly controlSocket: string;
  readonly routerSocket: string;
  readonly log: string;
  /** logs/production/web/web-3f2a-1.log */
  readonly logs: string;
  /** One folder for each start of a replica: its pid and its exit status. */
  readonly runs: string;
  readonly jobs: string;
  /** Answers to ACME's challenges, each under its token. */
  readonly challenges: string;
  /** Holds schedules.json. */
  readonly folder: string;
}

export function hostPaths(dataFolder: string): HostPaths {
  const folder = join(resolve(dataFolder), "host");
  return {
    dataFolder: resolve(dataFolder),
    folder,
    lock: join(folder, "lock.json"),
    keeper: join(folder, "keeper.json"),
    alive: join(folder, "alive"),
    state: join(folder, "state.json"),
    table: join(folder, "table.json"),
    controlSocket: socketPath(folder, "control"),
    routerSocket: socketPath(folder, "router"),
    log: join(folder, "host.log"),
    logs: join(folder, "logs"),
    runs: join(folder, "runs"),
    jobs: join(folder, "jobs"),
    challenges: join(folder, "challenges"),
  };
}

export function makeHostFolders(paths: HostPaths): void {
  for (const folder of [paths.logs, paths.runs, paths.jobs]) mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(join(paths.dataFolder, "host"), 0o700);
  const sockets = resolve(paths.controlSocket, "..");
  mkdirSync(sockets, { recursive: true, mode: 0o700 });
  const owner = lstatSync(sockets);
  if (!owner.isDirectory() || (process.getuid !== undefined && owner.uid !== process.getuid()))
    throw new Problem(`${sockets} belongs to another user`, "Remove it, or use a data folder with a shorter path");
}

/** The kernel takes 107 bytes (macOS 103) for a Unix socket's path, which may end with a pid; deeper data folders get a short one under the temporary folder. */
function socketPath(folder: string, name: string): string {
  const path = join(folder, `${name}.sock`);
  if (Buffer.byteLength(path) <= 95) return path;
  const hash = createHash("sha256").update(folder).digest("hex").slice(0, 16);
  return join(tmpdir(), `sluice-${process.getuid?.() ?? 0}-${hash}`, `${name}.sock`);
}
