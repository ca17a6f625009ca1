// One contract for all that the judge may be told by: the simulation, the host's own router, a real Prometheus that scrapes
// it, and what is pushed by OpenTelemetry.
import { setTimeout as sleep } from "node:timers/promises";
import type { Ms } from "../../domain/frame.ts";
import { SimClock } from "../../simulation/sim-clock.ts";
import { SimMetrics } from "../../simulation/sim-metrics.ts";
import { SimTarget } from "../../simulation/sim-target.ts";
import { type MetricsBench, metricsContract } from "../../testing/metrics-contract.ts";
import { exposing, startPrometheus, whyNoPrometheus } from "../../testing/prometheus.ts";
import { desired, realHost, revision } from "../../testing/real-host.ts";
import { hostMetrics } from "../targets/processes/metrics.ts";
import type { Report } from "./otlp/reports.ts";
import { readPushed } from "./otlp/source.ts";
import { ready } from "./prometheus/queries.ts";
import { readPrometheus } from "./prometheus/source.ts";

const sides = { environment: "test", service: "web", stable: "old", candidate: "new" } as const;
const real = { now: Date.now, sleep: (ms: Ms) => sleep(ms) };

/** A host with both versions up, and a way to ask them a hundred times. */
async function hostBench() {
  const host = await realHost({ intervalMs: 1_000 });
  await host.client.claim("journal-1");
  const revisions = {
    old: revision(host, { version: "1", weight: 80 }),
    new: revision(host, { version: "2", weight: 20 }),
  };
  await host.client.put("test/web", desired(1, revisions));
  const seen = await host.until("test/web", ({ revisions: all }) =>
    Object.values(all).every(({ ready: n }) => n === 1),
  );
  const send = async () => {
    for (let i = 0; i < 100; i++) {
      await fetch(`http://127.0.0.1:${seen.entryPort}/orders/${1000 + i}`).then((answer) => answer.text());
    }
    return { stable: 80, candidate: 20 };
  };
  return { host, send };
}

metricsContract("the host's router", async (): Promise<MetricsBench> => {
  const { host, send } = await hostBench();
  return { ...sides, ...real, send, source: hostMetrics(host.client), intervalMs: 1_000, dispose: () => host.stop() };
});

const missing = whyNoPrometheus();
if (missing !== undefined) console.log(`a real Prometheus is skipped: ${missing}`);
else {
  metricsContract("a Prometheus that scrapes the host", async (): Promise<MetricsBench> => {
    const { host, send } = await hostBench();
    const exposed = await exposing(() => host.client.metrics());
    const prometheus = await startPrometheus({ scrapes: [exposed.port], scrapeEvery: "1s" });
    await prometheus.scraped('sluice_weight{revision="new"}', 3);
    const settings = { places: [{ url: prometheus.url }], queries: ready.sluice, intervalMs: 2_000 };
    return {
      ...sides,
      ...real,
      send,
      source: { read: (asked) => readPrometheus(asked, settings, Date.now) },
      intervalMs: settings.intervalMs,
      dispose: async () => {
        await prometheus.stop();
        await exposed.close();
        await host.stop();
      },
    };
  });
}

metricsContract("metrics that are pushed", async (): Promise<MetricsBench> => {
  let nowMs = 1_700_000_000_000;
  const reports: Report[] = [];
  const totals = { old: 0, new: 0 };
  const pushed = {
    put: async () => {},
    get: async ({ revision: wanted, sinceMs }: { revision: string; sinceMs: Ms }) =>
      reports.filter((one) => one.revision === wanted && one.atMs >= sinceMs),
  };
  const push = () => {
    for (const side of ["old", "new"] as const) {
      const count = totals[side];
      const upTo = [[10, count] as const, [null, count] as const];
      const counter = { id: "requests", route: "GET /", role: "requests" as const, isDelta: false, count, upTo };
      reports.push({
        environment: "test",
        service: "web",
        revision: side,
        replica: side,
        atMs: nowMs,
        counters: [counter],
      });
    }
  };
  const tick = async (ms: Ms) => {
    for (let passed = 0; passed < ms; passed += 5_000) {
      nowMs += 5_000;
      push();
    }
  };
  // Counted from before anybody asks: the first report says how many there were already.
  await tick(20_000);
  return {
    ...sides,
    now: () => nowMs,
    sleep: tick,
    send: async () => {
      for (let i = 0; i < 10; i++) {
        totals.old += 8;
        totals.new += 2;
        await tick(5_000);
      }
      return { stable: totals.old, candidate: totals.new };
    },
    source: { read: (asked) => readPushed(asked, { pushed, intervalMs: 5_000, nowMs }) },
    intervalMs: 5_000,
    dispose: async () => {},
  };
});

metricsContract("the simulation", async (): Promise<MetricsBench> => {
  const clock = new SimClock();
  const behaviours = {};
  const target = new SimTarget({ clock, behaviours });
  const source = new SimMetrics({ clock, behaviours, targets: new Map([["web", target]]), requestsPerSecond: 100 });
  return {
    ...sides,
    now: () => clock.now(),
    sleep: (ms) => clock.sleep(ms),
    send: async () => {
      target.weights.push({ at: clock.now(), traffic: { old: 80, new: 20 } });
      await clock.sleep(50_000);
      target.weights.push({ at: clock.now(), traffic: {} });
      return { stable: 4_000, candidate: 1_000 };
    },
    source,
    intervalMs: 5_000,
    dispose: async () => {},
  };
});
