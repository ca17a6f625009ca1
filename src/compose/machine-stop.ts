// Stops what runs on a data folder: the runner and the control plane, then the host with its services, then the embedded PostgreSQL.
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { stopEmbedded } from "../adapters/postgres/embedded/server.ts";
import { Problem } from "../domain/problem.ts";
import { hostClient } from "../host/client.ts";
import { lockOwner } from "../host/lock.ts";
import { isHostRunning } from "../host/start.ts";
import { stopRunner } from "./machine-runner.ts";

const controlWithinMs = 30_000;

/** Names its owner by pid and start time, so a lock left by a power cut is nobody's. */
export function controlLock(dataFolder: string): string {
  return join(dataFolder, "control.lock");
}

/** Answers what was stopped, in order. */
export async function stopMachine(
  dataFolder: string,
  { keepServices }: { keepServices: boolean },
): Promise<readonly string[]> {
  const stopped: string[] = [];
  if (await stopRunner(dataFolder)) stopped.push("runner");
  if (await stopControlPlane(dataFolder)) stopped.push("control plane");
  if (keepServices) return stopped;
  if (await isHostRunning(dataFolder)) {
    await hostClient(dataFolder).stop();
    stopped.push("host and its services");
  }
  await stopEmbedded(dataFolder);
  return stopped;
}

async function stopControlPlane(dataFolder: string): Promise<boolean> {
  const owner = lockOwner(controlLock(dataFolder));
  if (owner === undefined) return false;
  process.kill(owner.pid, "SIGTERM");
  for (const until = Date.now() + controlWithinMs; Date.now() < until; await sleep(50)) {
    if (lockOwner(controlLock(dataFolder)) === undefined) return true;
  }
  throw new Problem(
    `the control plane (pid ${owner.pid}) does not stop`,
    `See ${join(dataFolder, "control.log")}; \`kill -9 ${owner.pid}\` harms nothing: the next one goes on where it was`,
  );
}
