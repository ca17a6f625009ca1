import colors from "picocolors";
import { expect, test } from "vitest";
import { serviceHealth } from "../../compose/machine-health.ts";
import { certificateHealth } from "../../domain/health.ts";
import type { SeenReplica, SeenService } from "../../host/api.ts";
import { healthLines } from "./health.ts";

const plain = colors.createColors(false);

function seen(...replicas: readonly Partial<SeenReplica>[]): SeenService {
  const whole = replicas.map((replica, i) => ({
    id: `web-3f2a-${i + 1}`,
    state: "ready" as const,
    port: 1,
    startedAt: 0,
    restarts: 0,
    logFile: "",
    ...replica,
  }));
  return {
    fence: { journal: "j", seq: 1 },
    revisions: { v1: { weight: 100, ready: 1, replicas: whole, inFlight: 0, cut: 0 } },
    routes: [],
    internalPort: 1,
    entryPort: 1,
    entryUrl: "http://127.0.0.1:1",
    observedAt: 0,
  };
}

test("health is a tree down to the parts, and what is well is short", () => {
  const parts = [
    { name: "database", status: "healthy", note: "3 ms" },
    { name: "cache", status: "unhealthy", note: "connection refused" },
  ] as const;
  const services = [
    serviceHealth("api", seen({}, {})),
    serviceHealth(
      "jobs",
      seen({ restarts: 2, lastExit: { at: 0, because: "killed: used more than 512 MiB after 3 min" } }),
    ),
    serviceHealth(
      "web",
      seen(
        { health: { status: "degraded", parts } },
        {
          state: "backing off",
          because: "exited with code 1 after 0.4 s",
          restarts: 1,
          lastExit: { at: 0, because: "exited with code 1 after 0.4 s" },
        },
      ),
    ),
    serviceHealth("worker", undefined),
  ];
  const life = { notBefore: 0, notAfter: 90 * 86_400_000 };
  const certificates = [
    certificateHealth({ name: "shop.example", life, now: 28.5 * 86_400_000 }),
    certificateHealth({ name: "api.shop.example", life, now: 88.5 * 86_400_000, because: "it leads elsewhere" }),
  ];
  const lines = healthLines([{ environment: "production", status: "unhealthy", services, certificates }], plain);
  expect(lines.join("\n")).toMatchInlineSnapshot(`
    "✗ production is unhealthy
      ✓ api  2 of 2 ready
      ✓ jobs  1 of 1 ready
        ✓ web-3f2a-1  restarted 2 times, last at 1970-01-01 00:00 UTC: killed: used more than 512 MiB after 3 min
      ! web is degraded  1 of 2 ready
        ! web-3f2a-1
          ✓ database 3 ms
          ✗ cache connection refused
        ✗ web-3f2a-2 backing off: exited with code 1 after 0.4 s  restarted once
      ✗ worker is unhealthy  0 of 0 ready
      ✓ certificate of shop.example, 61 days left
      ! certificate of api.shop.example, 1 day left: it leads elsewhere"
  `);
});

test("one that is leaving is not counted", () => {
  expect(serviceHealth("web", seen({}, { state: "draining" })).status).toBe("healthy");
});
