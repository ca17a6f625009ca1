// A real Prometheus scrapes the real host under load; what the judge reads of it is what was asked.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Interval, isInterval } from "../../../domain/evidence.ts";
import { exposing, type RealPrometheus, startPrometheus, whyNoPrometheus } from "../../../testing/prometheus.ts";
import { desired, type RealHost, realHost, revision } from "../../../testing/real-host.ts";
import { ready } from "./queries.ts";
import { readPrometheus } from "./source.ts";

const missing = whyNoPrometheus();
if (missing !== undefined) console.log(`skipped: ${missing}`);

describe.skipIf(missing !== undefined)("Prometheus", () => {
  let host: RealHost;
  let prometheus: RealPrometheus;
  let exposed: Awaited<ReturnType<typeof exposing>>;

  beforeAll(async () => {
    host = await realHost();
    exposed = await exposing(() => host.client.metrics());
    prometheus = await startPrometheus({ scrapes: [exposed.port], scrapeEvery: "1s" });
  }, 60_000);
  afterAll(async () => {
    await prometheus?.stop();
    await exposed?.close();
    await host?.stop();
  });

  test("every request that the host answered is counted on its side, once", async () => {
    await host.client.claim("journal-1");
    const revisions = {
      old: revision(host, { version: "1", weight: 80 }),
      new: revision(host, { version: "2", weight: 20 }),
    };
    await host.client.put("test/web", desired(1, revisions));
    const seen = await host.until("test/web", ({ revisions }) =>
      Object.values(revisions).every(({ ready }) => ready === 1),
    );
    const since = Date.now();
    await prometheus.scraped('sluice_weight{revision="new"}', 3);
    for (let i = 0; i < 100; i++)
      await fetch(`http://127.0.0.1:${seen.entryPort}/orders/${1000 + i}`).then((r) => r.text());
    const settings = { places: [{ url: prometheus.url }], queries: ready.sluice, intervalMs: 2_000 };
    const asked = { environment: "test", service: "web", stable: "old", candidate: "new", since };
    const sum = (intervals: readonly Interval[], side: "stable" | "candidate") =>
      intervals.reduce((all, one) => all + (one[side]["GET /orders/:id"]?.requests ?? 0), 0);
    let intervals: readonly Interval[] = [];
    for (let i = 0; i < 60 && sum(intervals, "stable") + sum(intervals, "candidate") < 100; i++) {
      await new Promise((resolve) => setTimeout(resolve, 500));
      intervals = (await readPrometheus(asked, settings, Date.now)).filter(isInterval);
    }
    expect([sum(intervals, "stable"), sum(intervals, "candidate")]).toEqual([80, 20]);
    const latencies = intervals.flatMap(({ stable }) => stable["GET /orders/:id"]?.latency ?? []);
    expect(latencies.reduce((a, b) => a + b, 0)).toBe(80);
  }, 90_000);
});
