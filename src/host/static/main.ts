// A replica that serves a static site: `static.js FOLDER`. Values of the environment reach the page at run time as
// /env.json, from SLUICE_SITE_ENV, so one build serves every environment.
import { createReadStream, realpathSync, statSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { pipeline } from "node:stream";
import { siteFile } from "./files.ts";

const root = realpathSync(process.argv[2] ?? ".");
const environment = JSON.stringify(JSON.parse(process.env.SLUICE_SITE_ENV ?? "{}"));

const server = createServer((request, response) => {
  if (request.method !== "GET" && request.method !== "HEAD") {
    send(response, { status: 405, type: "text/plain", body: "GET and HEAD only\n", headers: { allow: "GET, HEAD" } });
    return;
  }
  const path = (request.url ?? "/").split("?", 1)[0] ?? "/";
  if (path === "/health") send(response, { status: 200, type: "application/json", body: '{"status":"healthy"}' });
  else if (path === "/env.json") send(response, { status: 200, type: "application/json", body: environment });
  else sendFile(request, response, path);
});
server.keepAliveTimeout = 75_000; // longer than the router keeps idle connections
server.listen(Number(process.env.PORT ?? 8080), "127.0.0.1");
process.on("SIGTERM", () => {
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});

function sendFile(request: IncomingMessage, response: ServerResponse, path: string): void {
  const found = siteFile(root, path);
  if (found === undefined) {
    send(response, { status: 404, type: "text/plain", body: "not found\n" });
    return;
  }
  const { size, mtimeMs } = statSync(found.file);
  const etag = `"${size.toString(36)}-${Math.floor(mtimeMs).toString(36)}"`;
  const headers = {
    "content-type": found.type,
    "cache-control": found.cacheControl,
    etag,
    "x-content-type-options": "nosniff",
  };
  if (request.headers["if-none-match"] === etag) {
    response.writeHead(304, headers).end();
    return;
  }
  response.writeHead(200, { ...headers, "content-length": size });
  if (request.method === "HEAD") response.end();
  else pipeline(createReadStream(found.file), response, () => {}); // a reader that left is no error
}

function send(
  response: ServerResponse,
  answer: { status: number; type: string; body: string; headers?: Record<string, string> },
): void {
  response.writeHead(answer.status, {
    "content-type": answer.type,
    "cache-control": "no-cache",
    "content-length": Buffer.byteLength(answer.body),
    ...answer.headers,
  });
  response.end(answer.body);
}
