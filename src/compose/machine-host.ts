// The host of a machine as a service of its operating system: kept running, upgraded, handed over, installed.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Problem } from "../domain/problem.ts";
import { type HostHealth, hostClient } from "../host/client.ts";
import { isHostRunning, programsFolder, startHost } from "../host/start.ts";
import { units } from "../host/units.ts";
import { copyProgram, isForAll, mustReachNode } from "./install-program.ts";

export interface KeptHost {
  readonly dataFolder: string;
  readonly entryAddress?: string;
  /** Plain HTTP beside HTTPS. */
  readonly httpPort?: number;
  /** System user of the services that name none. */
  readonly user?: string;
  /** Folder of the host's programs: this installation's, unless named. */
  readonly programs?: string;
  /** Ends the watch: services are drained and stopped. */
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

const lookEveryMs = 2_000;

/** Starts the host whenever neither of its processes is there; they restart each other as long as one is. */
export async function keepHost({ signal, say, httpPort, ...start }: KeptHost): Promise<void> {
  const { dataFolder } = start;
  while (!signal.aborted) {
    if (!(await isHostRunning(dataFolder))) {
      const host = await startHost(start);
      if (httpPort !== undefined) await host.plainPort(httpPort);
      const { pid, adopted } = await host.health();
      say(`The host runs (pid ${pid}) and took over ${adopted} replicas`);
    }
    await sleep(lookEveryMs, undefined, { signal }).catch(() => {});
  }
  say("Draining and stopping all services");
  await hostClient(dataFolder).stop();
}

/** Throws a Problem when none runs, and none has come up meanwhile. */
export async function hostHealth(dataFolder: string, { waitMs }: { waitMs: number }): Promise<HostHealth> {
  const until = Date.now() + waitMs;
  while (Date.now() < until && !(await isHostRunning(dataFolder))) await sleep(250);
  await mustRun(dataFolder);
  return hostClient(dataFolder).health();
}

/** To the programs of this very installation, without a refused connection. */
export async function upgradeHost(dataFolder: string): Promise<{ from: string; to: string }> {
  await mustRun(dataFolder);
  const client = hostClient(dataFolder);
  const { version: from } = await client.health();
  await client.upgrade(programsFolder());
  return { from, to: (await client.health()).version };
}

/** From now on the host obeys this journal only; what runs stays as it is. */
export async function claimHost(dataFolder: string, journal: string): Promise<void> {
  await mustRun(dataFolder);
  await hostClient(dataFolder).claim(journal);
}

export interface Installed {
  /** What the units run: this installation, or the copy of it that was made for them. */
  readonly program: string;
  readonly files: readonly string[];
  /** What is left to do, as root. */
  readonly commands: readonly string[];
}

export interface Installing {
  /** /etc: the units are written below it. */
  readonly folder: string;
  /** The sluice that was called. */
  readonly program: string;
  /** Where it is copied to when the users of the units cannot reach it. */
  readonly copyTo: string;
  /** For `sluice up`: how other machines reach it. */
  readonly upArgs: readonly string[];
  readonly containers: boolean;
}

/** Writes the units, and says what makes them run. */
export function installHost({ folder, program: called, copyTo, upArgs, containers }: Installing): Installed {
  mustReachNode(process.execPath);
  const program = isForAll(called) ? called : copyProgram(called, copyTo);
  const files = units({
    node: process.execPath,
    program,
    user: containers ? "root" : "sluice",
    upArgs,
    servicesUser: "sluice-services",
    stateFolder: "sluice",
    entryAddress: "0.0.0.0",
  }).map(({ path, text }) => {
    const file = join(folder, path);
    try {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
    } catch (error) {
      const because = error instanceof Error ? error.message : String(error);
      throw new Problem(
        `${file} cannot be written: ${because}`,
        "Run it with sudo, or name another folder with --folder",
      );
    }
    return file;
  });
  return {
    program,
    files,
    commands: ["systemd-sysusers", "systemctl daemon-reload", "systemctl enable --now sluice-host sluice"],
  };
}

async function mustRun(dataFolder: string): Promise<void> {
  if (!(await isHostRunning(dataFolder)))
    throw new Problem(`no host runs on ${dataFolder}`, "Start one with `sluice up`, or name its folder with --data");
}
