// What is in flight on a router that leaves counts as much as what is in flight on its successor: no replica is ended under it.
import { writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { desired, kill, pause, type RealHost, realHost, revision } from "../testing/real-host.ts";

let host: RealHost;
beforeEach(async () => {
  host = await realHost();
  // Ends at once when it is told to: nothing but the host's order of things keeps its requests whole.
  writeFileSync(
    join(host.folder, "abrupt.cjs"),
    `const { createServer } = require("node:http");
     createServer((request, response) => {
       if (request.url === "/health") return response.end("{}");
       let bytes = 0;
       request.on("data", (part) => (bytes += part.length)).on("end", () => response.end(String(bytes)));
     }).listen(Number(process.env.PORT), "127.0.0.1");`,
  );
});
afterEach(() => host.stop());

const abrupt = (replicas: number, weight: number) =>
  revision(host, { version: "", replicas, weight, spec: { command: ["node", "abrupt.cjs"], drainTimeoutMs: 20_000 } });

/** An upload whose second half is sent when `finish` is called. */
function beginUpload(port: number): { finish(): void; answer: Promise<string> } {
  const call = request({ host: "127.0.0.1", port, path: "/upload", method: "POST", headers: { "content-length": 20 } });
  const answer = new Promise<string>((done) => {
    call.once("error", (error) => done(error.message));
    call.once("response", (response) => {
      let text = "";
      response.on("data", (part) => {
        text += part;
      });
      response.on("close", () => done(`${response.statusCode} ${response.headers["x-sluice-error"] ?? text}`));
    });
  });
  call.write("half of it");
  return { finish: () => call.end("and a half"), answer };
}

async function uploading() {
  await host.client.put("test/web", desired(1, { v1: abrupt(1, 100) }));
  const { entryPort } = await host.until("test/web", ({ revisions: { v1 } }) => v1?.ready === 1 && v1.weight === 100);
  const upload = beginUpload(entryPort);
  await host.until("test/web", ({ revisions: { v1 } }) => v1?.inFlight === 1);
  return upload;
}

const isReplaced = () => host.until("test/web", ({ revisions: { v2 } }) => v2?.ready === 1 && v2.weight === 100);

test("an upload on a replica that drains outlives the upgrade of the host", async () => {
  const upload = await uploading();
  await host.client.put("test/web", desired(2, { v2: abrupt(1, 100) }));
  await isReplaced();
  const upgraded = host.client.upgrade(host.programs);
  await pause(1_500);
  upload.finish();
  expect(await upload.answer).toBe("200 20");
  await upgraded;
});

test("an upload on a router that leaves outlives a supervisor that is killed meanwhile, and the release that goes on", async () => {
  const upload = await uploading();
  const { router } = await host.pids();
  const upgraded = host.client.upgrade(host.programs).catch(() => {});
  for (let now = router; now === router; now = (await host.pids()).router) await pause(50);
  kill((await host.pids()).supervisor, "SIGKILL");
  await host.client.put("test/web", desired(2, { v2: abrupt(1, 100) })).catch(() => {});
  await pause(1_000);
  await host.client.put("test/web", desired(2, { v2: abrupt(1, 100) })).catch(() => {});
  await isReplaced();
  await pause(1_000);
  upload.finish();
  expect(await upload.answer).toBe("200 20");
  await upgraded;
});
