import { describe, expect, test } from "vitest";
import { realHost, revision as replica } from "../../../testing/real-host.ts";
import { targetContract } from "../../../testing/target-contract.ts";
import { systemClock } from "../../system-clock.ts";
import { desiredService, seenOf } from "./requests.ts";
import { processesTarget } from "./target.ts";

targetContract("the processes target", async () => {
  const host = await realHost();
  await host.client.claim("journal");
  const target = processesTarget({
    host: host.client,
    key: "test/web",
    placement: async () => ({
      ingress: [{ path: "/" }],
      entry: { environment: "test", port: 0 },
      buffer: { maxMs: 5000, maxBytes: 1_000_000 },
    }),
    runnable: async (revision) =>
      replica(host, { version: revision, env: revision === "web-crashing" ? { EXIT_AT_ONCE: "1" } : {} }).spec,
  });
  return {
    target,
    clock: systemClock,
    journal: "journal",
    revisions: { one: "web-one", two: "web-two", crashing: "web-crashing" },
    dispose: () => host.stop(),
  };
});

describe("what is asked of the host", () => {
  const placement = { ingress: [], entry: { environment: "test", port: 0 }, buffer: { maxMs: 1, maxBytes: 1 } };

  test("a revision at no capacity, and routes to it, are left out", () => {
    const frame = {
      revisions: { a: { capacity: 0, traffic: 0 } },
      routes: [{ match: { host: "x" }, to: "a" }],
    };
    const desired = desiredService({ frame, size: 2, fence: { journal: "j", seq: 1 }, specs: new Map(), placement });
    expect([desired.revisions, desired.routes]).toEqual([{}, []]);
  });

  test("a host that knows nothing of a service shows it dark", () => {
    expect(seenOf(undefined)).toEqual({ revisions: {} });
  });
});
