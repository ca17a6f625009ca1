// A worker of the real engine on a real PostgreSQL and a real host, moving one small service: for tests in which several
// processes do so at once.
import { databaseClock } from "../adapters/postgres/database-clock.ts";
import { openStore, type Store } from "../adapters/postgres/store.ts";
import { processesTarget } from "../adapters/targets/processes/target.ts";
import type { Frame, Ms } from "../domain/frame.ts";
import { Temporary } from "../domain/problem.ts";
import type { MetricSource, Target } from "../engine/ports.ts";
import { Worker } from "../engine/worker.ts";
import { hostClient } from "../host/client.ts";
import { revision } from "./real-host.ts";

export interface ProcessWorkerOptions {
  readonly name: string;
  readonly databaseUrl: string;
  readonly hostFolder: string;
  /** Of the small service, see `realHost`. */
  readonly serviceFolder: string;
  readonly leaseMs: Ms;
  /** Called with each frame before it is asked for, and told afterwards what the host said. */
  readonly onApply?: (frame: Frame) => Promise<(refused: unknown) => void>;
}

export interface ProcessWorker {
  readonly worker: Worker;
  readonly store: Store;
  close(): Promise<void>;
}

export async function processWorker(options: ProcessWorkerOptions): Promise<ProcessWorker> {
  const store = await openStore({ url: options.databaseUrl, workspace: "w" });
  const clock = await databaseClock({ now: () => store.now(), onPutBack: () => store.forgetFuture() });
  const target = watched(options);
  const ports = {
    clock,
    journal: store.journal,
    environments: store.environments,
    evidence: store.evidence,
    metrics: noMetrics,
    jobs: { run: async () => ({ state: "succeeded" }) as const },
    target: async () => target,
    digest: (text: string) => text,
  };
  const worker = new Worker({ name: options.name, ports, claims: store.claims, leaseMs: options.leaseMs });
  return {
    worker,
    store,
    close: async () => {
      clock.stop();
      await store.close();
    },
  };
}

function watched({ hostFolder, serviceFolder, onApply }: ProcessWorkerOptions): Target {
  const target = processesTarget({
    host: hostClient(hostFolder),
    key: "test/web",
    placement: async () => ({
      ingress: [{ path: "/" }],
      entry: { environment: "test", port: 0 },
      buffer: { maxMs: 5000, maxBytes: 1_000_000 },
    }),
    runnable: async (version) => revision({ folder: serviceFolder }, { version }).spec,
  });
  if (onApply === undefined) return target;
  return {
    ...target,
    apply: async (frame, size, fence) => {
      const told = await onApply(frame);
      await target.apply(frame, size, fence).then(
        () => told(undefined),
        (error: unknown) => {
          told(error);
          throw error;
        },
      );
    },
  };
}

const noMetrics: MetricSource = {
  read: async () => {
    throw new Temporary("nothing is counted here");
  },
  sample: async () => ({ missing: "nothing is counted here" }),
  probe: async () => ({ ok: true, because: "not asked" }),
};
