// One worker process of bench/engine/many.ts: the real engine on the real journal, over simulated targets on real time.
import { createHash } from "node:crypto";
import { openStore } from "../../src/adapters/postgres/store.ts";
import type { Ms } from "../../src/domain/frame.ts";
import type { Claim, Clock, Ports } from "../../src/engine/ports.ts";
import { Worker } from "../../src/engine/worker.ts";
import { SimMetrics } from "../../src/simulation/sim-metrics.ts";
import { SimTarget } from "../../src/simulation/sim-target.ts";

const { URL_OF_DATABASE: url = "", TICK_MS = "10000" } = process.env;
const tickMs = Number(TICK_MS);
const store = await openStore({ url, workspace: "bench", connectionsMax: 4 });
const offsetMs = (await store.now()) - Date.now();
const clock: Clock = {
  now: () => Date.now() + Math.round(offsetMs),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};

interface Place {
  readonly target: SimTarget;
  readonly metrics: SimMetrics;
}
const places = new Map<string, Place>();

/** An environment's one service, and its traffic; stable stands there from the beginning. */
function placeOf(environment: string): Place {
  const known = places.get(environment);
  if (known !== undefined) return known;
  const behaviours = { "web-1": { readyAfterMs: 0 }, "web-2": { readyAfterMs: 500 } };
  const target = new SimTarget({ clock, behaviours });
  const metrics = new SimMetrics({
    clock,
    targets: new Map([["web", target]]),
    behaviours,
    requestsPerSecond: 50,
    intervalMs: tickMs,
  });
  void target.publish("web-1");
  void target.apply({ revisions: { "web-1": { capacity: 100, traffic: 100 } }, routes: [] }, 4, {
    journal: "bench",
    seq: 0,
  });
  const place = { target, metrics };
  places.set(environment, place);
  return place;
}

let reads = 0;
const ports: Ports = {
  clock,
  journal: {
    ...store.journal,
    read: (deployment, from) => {
      reads += 1;
      return store.journal.read(deployment, from);
    },
  },
  environments: store.environments,
  evidence: store.evidence,
  metrics: {
    read: (query) => placeOf(query.environment).metrics.read(query),
    sample: async () => ({ missing: "nothing is sampled here" }),
    probe: async () => ({ ok: true, because: "answered 200" }),
  },
  jobs: { run: async () => ({ state: "succeeded" }) },
  target: async (environment) => placeOf(environment).target,
  report: (error) => console.error(error),
  digest: (text) => createHash("sha256").update(text).digest("hex"),
};

const late: Ms[] = [];
const worker = new Worker({
  name: `bench-${process.pid}`,
  ports,
  claims: {
    ...store.claims,
    claim: async (name: string, leaseMs: Ms): Promise<Claim | undefined> => {
      const claim = await store.claims.claim(name, leaseMs);
      if (claim !== undefined) late.push(claim.lateMs ?? 0);
      return claim;
    },
  },
  leaseMs: 30_000,
  tickMs,
});

const stopping = new AbortController();
const drivers = Array.from({ length: 16 }, async () => {
  while (!stopping.signal.aborted) {
    if (!(await worker.once(() => stopping.signal.aborted))) await store.waitForWork(10_000, stopping.signal);
  }
});

process.on("message", async (message) => {
  if (message === "count") {
    process.send?.({ late: late.splice(0), reads });
    reads = 0;
  }
  if (message === "stop") {
    stopping.abort();
    await Promise.all(drivers);
    await store.close();
    process.disconnect();
  }
});
process.send?.("ready");
