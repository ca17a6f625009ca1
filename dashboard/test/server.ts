// The smallest server that the page can live on: its files, a recorded stream of events, and a count of traffic.
import { createReadStream, existsSync } from "node:fs";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";
import type { Event } from "../../src/domain/event.ts";

export interface PageServer {
  readonly url: string;
  /** Sends one more event to every page that is open. */
  readonly send: (event: Event) => void;
  /** Cuts every stream, as a restart of the server would. */
  readonly cut: () => void;
  readonly commands: readonly { readonly path: string; readonly body: unknown }[];
  readonly close: () => Promise<void>;
}

export interface Served {
  readonly folder: string;
  readonly events: readonly Event[];
  readonly isSignedIn?: boolean;
  readonly demo?: { readonly sent: number; readonly failed: number; readonly badServed: number };
}

const types: Record<string, string> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
};

export async function servePage({ folder, events, isSignedIn = true, demo }: Served): Promise<PageServer> {
  const journal = [...events];
  const streams = new Set<ServerResponse>();
  const commands: { path: string; body: unknown }[] = [];
  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://localhost");
    if (!pathname.startsWith("/api/")) return file(folder, pathname, response);
    if (!isSignedIn)
      return json(response, 401, {
        title: "Not signed in",
        detail: "nobody is signed in",
        mend: "sluice up prints a link",
      });
    if (request.method === "POST") {
      let text = "";
      for await (const chunk of request) text += chunk;
      commands.push({ path: pathname, body: JSON.parse(text) });
      return json(response, 200, {});
    }
    if (pathname === "/api/v1/demo" && demo !== undefined) return json(response, 200, demo);
    if (pathname === "/api/v1/openapi.json") {
      return json(response, 200, { paths: demo === undefined ? {} : { "/api/v1/demo": {} } });
    }
    if (pathname === "/api/v1/logs") return response.end(`${JSON.stringify({ text: "listening on 3000" })}\n`);
    if (pathname === "/api/v1/status") {
      return json(response, 200, { environments: [{ name: "production", url: "http://shop.localhost:8080" }] });
    }
    if (/^\/api\/v1\/deployments\/[^/]+$/.test(pathname)) {
      return json(response, 200, { waiting: ["the router reports 0 % for expense-service-4c81e, not 50 %"] });
    }
    if (pathname !== "/api/v1/events") return json(response, 404, { title: "Not there" });
    const from = Number(request.headers["last-event-id"] ?? searchParams.get("from") ?? 0);
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    for (const event of journal) if (event.seq > from) response.write(framed(event));
    response.write(": caught up\n\n");
    streams.add(response);
    response.on("close", () => streams.delete(response));
  });
  return {
    url: await listening(server),
    commands,
    send: (event) => {
      journal.push(event);
      for (const stream of streams) stream.write(framed(event));
    },
    cut: () => {
      for (const stream of streams) stream.destroy();
    },
    close: () => {
      for (const stream of streams) stream.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function framed(event: Event): string {
  return `retry: 300\nid: ${event.seq}\ndata: ${JSON.stringify(event)}\n\n`;
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

function file(folder: string, pathname: string, response: ServerResponse): void {
  const path = join(folder, normalize(pathname === "/" ? "/index.html" : pathname));
  if (!existsSync(path)) {
    json(response, 404, {});
    return;
  }
  // As strict as the real server's: no inline scripts, no other origin.
  const policy =
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'";
  response.writeHead(200, { "content-type": types[extname(path)] ?? "text/plain", "content-security-policy": policy });
  createReadStream(path).pipe(response);
}

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
