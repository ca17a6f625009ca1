// The control socket: HTTP over a Unix socket that only this user may open. The supervisor puts tables, the control plane
// and Prometheus read.
import { chmodSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { basename } from "node:path";
import type { CountedInterval, RouterSeen } from "../table.ts";

export interface Controlled {
  put(table: unknown): RouterSeen;
  seen(): RouterSeen;
  metrics(): string;
  intervals(o: { service: string; sinceMs: number }): readonly CountedInterval[] | undefined;
  drain(replica: string): number;
}

const tableBytesMax = 16 * 2 ** 20;

export async function openControl(path: string, controlled: Controlled): Promise<Server> {
  const server = createServer((request, response) => {
    answer(request, controlled).then(
      ({ status, body }) => reply(response, status, body),
      (error: unknown) => reply(response, 400, { error: error instanceof Error ? error.message : String(error) }),
    );
  });
  // Bound under a name of its own, which it keeps until it ends: one that leaves is still asked what it has in flight.
  // The common name leads to the newest.
  const own = `${path}.${process.pid}`;
  rmSync(own, { force: true });
  const before = process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => server.once("error", reject).listen(own, resolve));
  } finally {
    process.umask(before);
  }
  chmodSync(own, 0o600);
  rmSync(`${own}.link`, { force: true });
  symlinkSync(basename(own), `${own}.link`);
  renameSync(`${own}.link`, path);
  return server;
}

interface Reply {
  readonly status: number;
  readonly body: unknown;
}

async function answer(request: IncomingMessage, controlled: Controlled): Promise<Reply> {
  const url = new URL(request.url ?? "/", "http://router");
  switch (`${request.method} ${url.pathname}`) {
    case "PUT /table":
      return { status: 200, body: controlled.put(JSON.parse(await textOf(request))) };
    case "GET /table":
      return { status: 200, body: controlled.seen() };
    case "GET /metrics":
      return { status: 200, body: controlled.metrics() };
    case "GET /intervals": {
      const service = url.searchParams.get("service") ?? "";
      const intervals = controlled.intervals({ service, sinceMs: Number(url.searchParams.get("since") ?? 0) });
      return intervals
        ? { status: 200, body: { service, intervals } }
        : { status: 404, body: { error: `no service ${service}` } };
    }
    case "POST /drain": {
      const { replica } = JSON.parse(await textOf(request)) as { replica?: string };
      return { status: 200, body: { replica, inFlight: controlled.drain(replica ?? "") } };
    }
    default:
      return { status: 404, body: { error: `no ${request.method} ${url.pathname}` } };
  }
}

function reply(response: ServerResponse, status: number, body: unknown): void {
  const isText = typeof body === "string";
  const type = isText ? "text/plain; version=0.0.4" : "application/json";
  // Each question on a connection of its own: a kept one would go on asking a predecessor.
  response.writeHead(status, { "content-type": type, connection: "close" });
  response.end(isText ? body : JSON.stringify(body));
}

async function textOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request) {
    const piece: Buffer = Buffer.from(part);
    bytes += piece.length;
    if (bytes > tableBytesMax) throw new Error("table too long");
    parts.push(piece);
  }
  return Buffer.concat(parts).toString();
}
