import { afterEach, beforeEach, expect, test } from "vitest";
import { desired, type RealHost, realHost, revision } from "../testing/real-host.ts";

let host: RealHost;
beforeEach(async () => {
  host = await realHost();
});
afterEach(() => host.stop());

test("a service that is asked for runs, is ready and is reached through its ports", async () => {
  await host.client.put("test/web", desired(1, { v1: revision(host, { version: "one", replicas: 2 }) }));
  const seen = await host.until(
    "test/web",
    ({ revisions }) => revisions.v1?.ready === 2 && revisions.v1.weight === 100,
  );
  const answers = await Promise.all(
    [seen.entryPort, seen.internalPort].map(async (port) => (await fetch(`http://127.0.0.1:${port}/`)).text()),
  );
  expect(answers).toEqual(["one", "one"]);
});
