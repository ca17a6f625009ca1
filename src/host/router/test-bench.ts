// For the router's tests: replicas that are real servers, a router on a port of its own, and clients that ask.
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, connect, createServer as createNetServer, type Server as NetServer } from "node:net";
import type { Listener, RoutedService, RouterTable } from "../table.ts";
import { Router } from "./router.ts";
import type { Limits } from "./shop.ts";

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

const opened: (() => Promise<void> | void)[] = [];

export function onEnd(close: () => Promise<void> | void): void {
  opened.push(close);
}

/** For afterEach. */
export async function closeAll(): Promise<void> {
  for (const close of opened.splice(0).reverse()) await close();
}

export function portOf(server: NetServer): number {
  return (server.address() as AddressInfo).port;
}

export async function listening<S extends NetServer>(server: S): Promise<S> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

export async function replica(
  handle: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<{ port: number; server: Server }> {
  const server = await listening(createServer(handle));
  onEnd(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: portOf(server), server };
}

export interface Bench {
  readonly router: Router;
  readonly port: number;
  put(service: Partial<RoutedService>, more?: Partial<RouterTable>): void;
}

export async function routerWith(
  service: Partial<RoutedService>,
  o: { limits?: Partial<Limits>; listener?: Partial<Listener>; table?: Partial<RouterTable> } = {},
): Promise<Bench> {
  const router = new Router({ ...(o.limits && { limits: o.limits }) });
  let version = 0;
  const put = (s: Partial<RoutedService>, more: Partial<RouterTable> = {}): void => {
    const routed: RoutedService = { revisions: {}, routes: [], buffer: { maxMs: 2_000, maxBytes: 1e6 }, ...s };
    router.put({
      version: ++version,
      intervalMs: 100,
      stickySecret: "s3cret",
      listeners: [{ id: "entry", rules: [{ path: "/", service: "test/web" }], ...o.listener }],
      services: { "test/web": routed },
      ...o.table,
      ...more,
    });
  };
  put(service);
  const server = createNetServer({ pauseOnConnect: true });
  router.serve("entry", server);
  await listening(server);
  onEnd(() => router.stop(0));
  return { router, port: portOf(server), put };
}

export interface Asking {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

export function ask(port: number, o: Asking = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { body, ...rest } = o;
    const asked = request({ host: "127.0.0.1", port, agent: false, ...rest }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => {
        text += part;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }));
      response.on("error", reject);
    });
    asked.on("error", reject);
    asked.end(body);
  });
}

/** Sends bytes as they are, gives all that comes back until the connection closes. */
export function raw(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(text, "latin1"));
    let all = "";
    socket.setEncoding("latin1");
    socket.on("data", (part: string) => {
      all += part;
    });
    socket.on("close", () => resolve(all));
    socket.on("error", reject);
  });
}

export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 1_000; i++) {
    if (await isSo()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error("waited in vain");
}

export const says =
  (text: string) =>
  (_: IncomingMessage, response: ServerResponse): void =>
    void response.end(text);

export const one = (weight: number, port: number, id = "r1") => ({ weight, replicas: [{ id, port }] });
