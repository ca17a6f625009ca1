// One HTTP service: request ids, access log, health, faults, and a shutdown that cuts nobody off.
import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener, type HttpBindings } from "@hono/node-server";
import { type Env, Hono, type MiddlewareHandler } from "hono";
import type { ServiceEnvironment } from "./environment.ts";
import { applicationCheck, crashLater, injectFaults } from "./faults.ts";
import { type Check, createHealth } from "./health.ts";
import type { Log } from "./log.ts";
import { Refusal } from "./refusal.ts";

export type Service = Readonly<{ port: number; environment: ServiceEnvironment; log: Log; stop: () => Promise<void> }>;

export type ServiceOptions<E extends Env> = Readonly<{
  name: string;
  environment: ServiceEnvironment;
  log: Log;
  routes: Hono<E>;
  checks: Readonly<Record<string, Check>>;
  /** Closes what the service holds open, after its last answer. */
  close: () => Promise<void>;
}>;

// Longer than any router or load balancer in front keeps a connection, so that it is never this side that closes one
// just as a request arrives on it.
const keepAliveTimeoutMs = 75_000;
const bodyMaxBytes = 64 * 1024;

export async function startService<E extends Env>(options: ServiceOptions<E>): Promise<Service> {
  const { environment, log } = options;
  const answer = getRequestListener(assemble(options).fetch, { overrideGlobalObjects: false });
  const inFlight = new Set<ServerResponse>();
  let isStopping = false;

  const server = createServer({ keepAliveTimeout: keepAliveTimeoutMs, headersTimeout: keepAliveTimeoutMs + 1_000 });
  server.on("request", (incoming: IncomingMessage, outgoing: ServerResponse) => {
    inFlight.add(outgoing);
    outgoing.once("close", () => inFlight.delete(outgoing));
    if (isStopping) outgoing.shouldKeepAlive = false;
    observe({ incoming, outgoing, log });
    void answer(incoming, outgoing);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(environment.PORT, resolve);
  });
  const { port } = server.address() as AddressInfo;
  log("info", "listening", { port });
  crashLater(environment, log);

  /** Takes no new connection, lets what is in flight finish, then closes what the service holds open. */
  async function stop(): Promise<void> {
    isStopping = true;
    log("info", "stopping", { inFlight: inFlight.size });
    for (const outgoing of inFlight) outgoing.shouldKeepAlive = false;
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
    await options.close();
    log("info", "stopped");
  }
  return { port, environment, log, stop };
}

/** The whole life of a service's process: starts, and on SIGTERM or SIGINT ends in good order, by force after a grace. */
export async function runUntilSignalled(start: (env: NodeJS.ProcessEnv) => Promise<Service>): Promise<void> {
  const { environment, log, stop } = await start(process.env);
  let isAsked = false;
  const end = async (signal: string) => {
    if (environment.FAULT_IGNORE_SIGTERM) return log("warn", "ignoring the signal on purpose", { signal });
    if (isAsked) return;
    isAsked = true;
    setTimeout(() => {
      log("error", "not stopped when the grace was over", { graceMs: environment.SHUTDOWN_GRACE_MS });
      process.exit(1);
    }, environment.SHUTDOWN_GRACE_MS).unref();
    await stop();
    process.exit(0);
  };
  process.on("SIGTERM", end).on("SIGINT", end);
}

function assemble<E extends Env>(options: ServiceOptions<E>) {
  const { name, environment, log } = options;
  const health = createHealth({
    service: name,
    version: environment.VERSION,
    checks: { application: applicationCheck(environment), ...options.checks },
  });
  const app = new Hono<{ Bindings: HttpBindings }>();
  app.on(["GET", "POST"], "/health", async (c) => {
    const document = await health();
    return c.json(document, document.status === "unhealthy" ? 503 : 200, { "cache-control": "no-store" });
  });
  app.use(injectFaults(environment));
  app.use(limitBody);
  app.route("/", options.routes);
  app.notFound(() => refuse(new Refusal(404, "not_found", "There is nothing here")));
  app.onError((error, c) => {
    if (error instanceof Refusal) return refuse(error);
    log("error", "a request failed", { requestId: c.env.incoming.headers["x-request-id"], error });
    return refuse(new Refusal(500, "internal", "Something went wrong on our side"));
  });
  return app;
}

/** By what the request declares, so that a body can be passed on without being read here. */
const limitBody: MiddlewareHandler = async (c, next) => {
  if (c.req.header("transfer-encoding")) throw new Refusal(411, "length_required", "Say how long the body is");
  const length = Number(c.req.header("content-length") ?? 0);
  if (length > bodyMaxBytes) throw new Refusal(413, "too_large", `A body has at most ${bodyMaxBytes} bytes`);
  await next();
};

function refuse({ status, code, message, fields }: Refusal): Response {
  return Response.json({ error: { code, message, fields } }, { status });
}

/** Gives the request an id (or keeps the one it came with) and writes one line when it is over. */
function observe(options: Readonly<{ incoming: IncomingMessage; outgoing: ServerResponse; log: Log }>): void {
  const { incoming, outgoing, log } = options;
  const from = performance.now();
  const given = incoming.headers["x-request-id"];
  const requestId = typeof given === "string" && /^[\w.-]{1,64}$/.test(given) ? given : randomUUID();
  incoming.headers["x-request-id"] = requestId;
  outgoing.setHeader("x-request-id", requestId);
  outgoing.once("close", () => {
    const path = (incoming.url ?? "").split("?")[0];
    const status = outgoing.statusCode;
    const isProbe = path === "/health" && status === 200;
    log(isProbe ? "debug" : status >= 500 ? "error" : "info", "request", {
      requestId,
      method: incoming.method,
      path,
      status,
      tookMs: Math.round((performance.now() - from) * 10) / 10,
      ...(outgoing.writableFinished ? {} : { cut: true }),
    });
  });
}
