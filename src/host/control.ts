// The host's control socket: HTTP over a Unix socket with mode 0600. Says in its answers what went wrong and what to do.

import { chmodSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { Problem, Temporary } from "../domain/problem.ts";
import type { ServiceKey } from "./api.ts";
import { type Host, Outranked } from "./host.ts";
import { type JobSpec, seeJob, startJob } from "./jobs.ts";
import { lastLines } from "./replica/logs.ts";
import type { RouterLink } from "./router-link.ts";
import type { Schedules } from "./schedule/schedules.ts";

export interface ControlOptions {
  readonly host: Host;
  readonly router: RouterLink;
  readonly jobs: string;
  /** System user of jobs that name none. */
  readonly user: string | undefined;
  readonly schedules: Schedules;
  readonly health: () => Promise<unknown>;
  readonly metrics: () => string;
  readonly logFiles: (wanted: { service?: string; replica?: string }) => readonly { id: string; file: string }[];
  /** Opens the plain HTTP port, or closes it (0); kept. */
  readonly plainPort: (port: number) => void;
  /** Resolves when the router is the new one; the supervisor goes right after. */
  readonly upgrade: (programs: string) => Promise<void>;
  readonly stop: (options: { keepReplicas: boolean }) => void;
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

const bodyBytesMax = 8 * 1024 * 1024;

export function openControl(socket: string, options: ControlOptions): Promise<Server> {
  rmSync(socket, { force: true }); // we hold the lock: whoever made it is gone
  const server = createServer((request, response) => {
    answer(request, options).then(
      ({ status, body }) => send(response, status, body),
      (error: unknown) => send(response, ...failure(error)),
    );
  });
  return new Promise((opened, failed) => {
    server.once("error", failed);
    server.listen(socket, () => {
      chmodSync(socket, 0o600); // until here the process's umask kept others out
      opened(server);
    });
  });
}

async function answer(request: IncomingMessage, options: ControlOptions): Promise<Answer> {
  const url = new URL(request.url ?? "/", "http://localhost");
  const [area = "", ...rest] = url.pathname.split("/").slice(1).map(decodeURIComponent);
  const handle = areas[area];
  if (handle === undefined) return { status: 404, body: { problem: `there is no ${url.pathname}` } };
  const body = request.method === "GET" ? undefined : JSON.parse((await read(request)) || "{}");
  return handle({ method: request.method ?? "GET", rest, query: url.searchParams, search: url.search, body, options });
}

interface Call {
  readonly method: string;
  readonly rest: readonly string[];
  readonly query: URLSearchParams;
  readonly search: string;
  // biome-ignore lint/suspicious/noExplicitAny: as it came over the socket; each taker checks it
  readonly body: any;
  readonly options: ControlOptions;
}

const areas: Record<string, (call: Call) => Promise<Answer> | Answer> = {
  services: ({ method, rest, body, options }) => {
    if (rest.length === 0) return ok(options.host.services());
    return service(method, rest.join("/"), { body, host: options.host });
  },
  maintenance: ({ method, rest, body, options }) => {
    const key = rest.join("/");
    if (method !== "PUT" || typeof body?.on !== "boolean" || typeof body.by !== "string")
      throw new Problem("maintenance needs PUT and { on: true or false, by }", "Mend the request");
    return options.host.maintain(key, body) ? ok({ on: body.on }) : missing(`service ${key}`);
  },
  claim: ({ body, options }) => {
    options.host.claim(String(body.journal));
    return ok({ journal: body.journal });
  },
  jobs: ({ method, rest, body, options }) => {
    const user = options.user === undefined ? {} : { user: options.user };
    if (method === "POST") return ok(startJob(options.jobs, { ...user, ...jobSpec(body) }));
    const seen = seeJob(options.jobs, rest.join("/"));
    return seen === undefined ? missing(`job ${rest.join("/")}`) : ok(seen);
  },
  schedules: ({ method, rest: [environment = "", name = ""], body, options }) => {
    const { host, schedules } = options;
    if (method === "GET") return ok(schedules.seen(Date.now()));
    if (method === "POST") return ok(schedules.runByHand(environment, name, { id: String(body.id), now: Date.now() }));
    host.mustObey(String(body.journal));
    schedules.put(environment, body.jobs, Date.now());
    return ok({ environment });
  },
  logs: ({ query, options }) => {
    const [service, replica] = [query.get("service"), query.get("replica")];
    const wanted = { ...(service === null ? {} : { service }), ...(replica === null ? {} : { replica }) };
    const lines = Number(query.get("lines") ?? 100);
    return ok(options.logFiles(wanted).map(({ id, file }) => ({ replica: id, lines: lastLines(file, lines) })));
  },
  health: async ({ options }) => ok(await options.health()),
  metrics: async ({ options }) => ok(`${await options.router.text("/metrics")}${options.metrics()}`),
  intervals: async ({ options, search }) => ok(JSON.parse(await options.router.text(`/intervals${search}`))),
  "plain-port": ({ body, options }) => {
    if (!Number.isInteger(body?.port) || body.port < 0 || body.port > 65_535)
      throw new Problem(`${body?.port} is no port`, "Name one from 1 to 65535, or 0 to close it");
    options.plainPort(body.port);
    return ok({ port: body.port });
  },
  upgrade: async ({ body, options }) => {
    await options.upgrade(String(body.programs));
    return ok({ upgrading: true });
  },
  stop: ({ body, options }) => {
    setImmediate(() => options.stop({ keepReplicas: body.keepReplicas === true }));
    return ok({ stopping: true });
  },
};

async function service(
  method: string,
  key: ServiceKey,
  { body, host }: { body: Call["body"]; host: Host },
): Promise<Answer> {
  if (!/^[\w.-]+\/[\w.-]+$/.test(key) || key.includes(".."))
    throw new Problem(`"${key}" does not name a service`, 'Name it "environment/service"');
  if (method === "PUT") host.put(key, body);
  else if (method === "DELETE") host.remove(key, body.fence);
  else {
    const seen = await host.observe(key);
    return seen === undefined ? missing(`service ${key}`) : ok(seen);
  }
  return ok({ fence: body.fence });
}

function jobSpec(body: Call["body"]): JobSpec {
  const { key, folder, command, env, timeoutMs, user, container } = body;
  if (typeof key !== "string" || typeof folder !== "string" || !Array.isArray(command))
    throw new Problem("the job needs key, folder and command", "Mend the request");
  return {
    ...{ key, folder, command: command.map(String), env: env ?? {}, timeoutMs: Number(timeoutMs ?? 600_000) },
    ...(user === undefined ? {} : { user: String(user) }),
    ...(container === undefined ? {} : { container }),
  };
}

function ok(body: unknown): Answer {
  return { status: 200, body };
}

function missing(what: string): Answer {
  return { status: 404, body: { problem: `there is no ${what}` } };
}

function failure(error: unknown): [number, unknown] {
  if (error instanceof Outranked) return [409, { problem: error.message, present: error.present }];
  if (error instanceof Problem) return [422, { problem: error.message, mend: error.mend }];
  if (error instanceof SyntaxError) return [400, { problem: `not JSON: ${error.message}` }];
  if (error instanceof Temporary) return [503, { problem: error.message }];
  return [500, { problem: error instanceof Error ? (error.stack ?? error.message) : String(error) }];
}

function send(response: ServerResponse, status: number, body: unknown): void {
  const isText = typeof body === "string";
  response.writeHead(status, { "content-type": isText ? "text/plain; version=0.0.4" : "application/json" });
  response.end(isText ? body : JSON.stringify(body));
}

async function read(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request) {
    bytes += part.length;
    if (bytes > bodyBytesMax) throw new Problem("the request is larger than 8 MiB", "Send less");
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}
