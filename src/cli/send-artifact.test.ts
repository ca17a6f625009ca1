import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { openApi } from "./api-client.ts";
import { sendArtifact } from "./send-artifact.ts";

test("when the answer to the last word is lost, nothing is sent again", async () => {
  const packed = randomBytes(3 * 2 ** 20);
  const there = { arrived: 0, isHere: false };
  let received = 0;
  const server = createServer(async (request, response) => {
    for await (const part of request) if (request.method === "PUT") received += part.length;
    if (request.method === "PUT") there.arrived = received;
    if (request.method === "POST") {
      Object.assign(there, { arrived: 0, isHere: true }); // what arrived has become an artifact
      request.socket.destroy();
    } else response.setHeader("content-type", "application/json").end(JSON.stringify(there));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  try {
    const { port } = server.address() as AddressInfo;
    const api = openApi({ url: `http://127.0.0.1:${port}`, token: "t" });
    const manifest = { artifact: "a".repeat(64), service: "web", inputs: "", config: "", files: 1, bytes: 1 };
    await sendArtifact(api, { packed, manifest, onProgress: () => {}, pausesMs: [1, 1] });
    expect(received).toBe(packed.length);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
