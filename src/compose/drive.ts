// A worker's life in this process: one deployment after another, until it is told to stop.
import type { Store } from "../adapters/postgres/store.ts";
import { Temporary } from "../domain/problem.ts";
import { Fenced, type Ports } from "../engine/ports.ts";
import type { Worker } from "../engine/worker.ts";

interface Driving {
  readonly worker: Worker;
  readonly ports: Ports;
  readonly store: Store;
  readonly signal: AbortSignal;
}

export async function drive({ worker, ports, store, signal }: Driving): Promise<void> {
  while (!signal.aborted) {
    try {
      if (!(await worker.once(() => signal.aborted))) await store.waitForWork(10_000, signal);
    } catch (error) {
      if (!(error instanceof Temporary) && !(error instanceof Fenced)) console.error(error);
      await ports.clock.sleep(500);
    }
  }
}
