// Starts a host that outlives whoever started it, and tells whether one runs.
import { spawn } from "node:child_process";
import { closeSync, existsSync, openSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Problem } from "../domain/problem.ts";
import { type HostClient, hostClient, isAnswering } from "./client.ts";
import { livingKeeper } from "./keeper.ts";
import { lockOwner } from "./lock.ts";
import { hostPaths, makeHostFolders } from "./paths.ts";
import { lastLines } from "./replica/logs.ts";

export interface StartOptions {
  readonly dataFolder: string;
  /** Folder with supervisor.js and router.js; by default found beside the running program. */
  readonly programs?: string;
  /** Address of the environments' public ports. 127.0.0.1 unless the machine is to serve others. */
  readonly entryAddress?: string;
  /** System user of replicas that name none, where the host may switch users. */
  readonly user?: string;
  /** Length of the router's counted intervals: 5 s, unless shortened for a demonstration. */
  readonly intervalMs?: number;
}

const startWithinMs = 15_000;

/** Answers once the host does; one that already runs on this folder is used. */
export async function startHost(options: StartOptions): Promise<HostClient> {
  const paths = hostPaths(options.dataFolder);
  const client = hostClient(options.dataFolder);
  if (await isHostRunning(options.dataFolder)) {
    for (const until = Date.now() + startWithinMs; !(await isUp(client)) && Date.now() < until; ) await pause(25);
    return client;
  }
  makeHostFolders(paths);
  const script = join(options.programs ?? programsFolder(), "supervisor.js");
  if (!existsSync(script)) throw new Problem(`${script} is missing`, "Run `npm run build`, or reinstall sluice");
  const log = openSync(paths.log, "a", 0o600);
  const address = options.entryAddress === undefined ? [] : ["--entry-address", options.entryAddress];
  const counted = options.intervalMs === undefined ? [] : ["--interval-ms", String(options.intervalMs)];
  const user = options.user === undefined ? [] : ["--user", options.user];
  const child = spawn(process.execPath, [script, paths.dataFolder, ...address, ...counted, ...user], {
    detached: true,
    cwd: "/",
    stdio: ["ignore", log, log],
  });
  closeSync(log);
  let ended: string | undefined;
  child.once("error", (error) => {
    ended = error.message;
  });
  child.once("exit", (code, signal) => {
    ended = signal ?? `exit code ${code}`;
  });
  child.unref();
  const until = Date.now() + startWithinMs;
  while (!(await isUp(client))) {
    if (ended !== undefined || Date.now() > until)
      throw new Problem(
        `the host did not start: ${lastLines(paths.log, 1)[0] ?? ended ?? `no answer within ${startWithinMs / 1000} s`}`,
        `See ${paths.log}`,
      );
    await pause(25);
  }
  return client;
}

/** True while its control socket answers, or soon will: a supervisor that died is being restarted by its router or its keeper. */
export async function isHostRunning(dataFolder: string): Promise<boolean> {
  const paths = hostPaths(dataFolder);
  for (let attempt = 0; attempt < 100; attempt++) {
    if (await isAnswering(paths.controlSocket)) return true;
    const isComing = lockOwner(paths.lock) !== undefined || livingKeeper(paths.keeper) !== undefined;
    if (!isComing && !(await isAnswering(paths.routerSocket, "/table"))) return false;
    await pause(50);
  }
  return false;
}

async function isUp(client: HostClient): Promise<boolean> {
  return client.health().then(
    ({ router }) => router.answers,
    () => false,
  );
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Folder of this installation's programs. Bundled, this code is in dist/ or dist/chunks/; from source, they are in the repository's dist/. */
export function programsFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  for (; folder !== dirname(folder); folder = dirname(folder)) {
    if (existsSync(join(folder, "supervisor.js"))) return folder;
    if (existsSync(join(folder, "dist", "supervisor.js"))) return join(folder, "dist");
  }
  return dirname(process.argv[1] ?? "");
}
