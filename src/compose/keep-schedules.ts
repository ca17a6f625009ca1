// Tells the host the jobs of what stands in each environment, whenever that has changed: after a deployment, after going
// back, after a restart of either. The host then keeps their times by itself.
import { setTimeout as sleep } from "node:timers/promises";
import type { Store } from "../adapters/postgres/store.ts";
import type { Machine } from "../adapters/targets/processes/machine.ts";
import { Problem, Temporary } from "../domain/problem.ts";
import type { HostClient } from "../host/client.ts";

export interface ScheduleKeeping {
  readonly store: Store;
  readonly host: HostClient;
  readonly machine: Machine;
  readonly signal: AbortSignal;
  readonly report: (error: unknown) => void;
}

export interface KeptSchedules {
  /** What stands now is what the host knows when this returns. */
  tell(): Promise<void>;
  /** Settles once it has stopped looking. */
  readonly ended: Promise<void>;
}

const lookEveryMs = 2_000;

export function keepSchedules({ store, host, machine, signal, report }: ScheduleKeeping): KeptSchedules {
  const told = new Map<string, string>();

  async function tell(): Promise<void> {
    for (const { name, stands, release } of await store.environments.list()) {
      const now = JSON.stringify([stands, release]);
      if (release === undefined || told.get(name) === now) continue;
      const jobs = await machine.scheduled(name, { release: release.id, stands });
      await host.putSchedule(name, { journal: store.journal.id, jobs });
      told.set(name, now);
    }
  }

  async function look(): Promise<void> {
    for (let said = ""; !signal.aborted; await sleep(lookEveryMs, undefined, { signal }).catch(() => undefined)) {
      try {
        await tell();
        said = "";
      } catch (error) {
        // A host or a database that is being restarted is back soon; the next look tells it again.
        if (error instanceof Temporary || String(error) === said) continue;
        report(error instanceof Problem ? error.message : error);
        said = String(error);
      }
    }
  }

  return { tell, ended: look() };
}
