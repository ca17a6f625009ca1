// Talks to the control plane: every route of server/routes.ts by its name, live events that resume where they broke off.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Event } from "../domain/event.ts";
import { Problem } from "../domain/problem.ts";
import type { Answers, ProblemDocument, Route, RouteName } from "../server/routes.ts";
import { routes } from "../server/routes.ts";
import { linesOf, messagesOf } from "./event-stream.ts";
import { Refused, Unreachable } from "./exit.ts";

export interface Address {
  readonly url: string;
  readonly token: string;
}

export interface Asking {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
  /** The same key is acted on once, however often it is sent. */
  readonly idempotencyKey?: string;
  readonly signal?: AbortSignal;
}

export interface Api {
  readonly url: string;
  ask<Name extends RouteName & keyof Answers>(name: Name, asking?: Asking): Promise<Answers[Name]>;
  /** Facts after a sequence number, without end; a broken connection is made again and nothing is missed or repeated. */
  events(from: number, signal?: AbortSignal): AsyncGenerator<Event>;
  /** Lines that replicas printed. */
  logLines(query: Asking["query"], signal?: AbortSignal): AsyncGenerator<string>;
  hasArtifact(sha256: string): Promise<boolean>;
  putArtifact(sha256: string, sent: { readonly packed: Buffer; readonly manifest: unknown }): Promise<void>;
}

const answerWithinMs = 30_000;
const retryMs = 500;

/** Where the control plane of a data folder is, or the one that SLUICE_URL and SLUICE_TOKEN name. */
export async function findControlPlane(data: string): Promise<Address> {
  const { SLUICE_URL, SLUICE_TOKEN } = process.env;
  if (SLUICE_URL !== undefined) {
    if (SLUICE_TOKEN !== undefined) return { url: SLUICE_URL.replace(/\/$/, ""), token: SLUICE_TOKEN };
    throw new Unreachable(
      "SLUICE_URL is set, and SLUICE_TOKEN is not",
      "Set SLUICE_TOKEN to a token of that control plane",
    );
  }
  const [where, token] = await Promise.all([text(join(data, "control.json")), text(join(data, "token"))]);
  if (where === undefined || token === undefined) {
    throw new Unreachable(`No control plane has been started in ${data}`, 'Run "sluice up"');
  }
  const { url }: { url: string } = JSON.parse(where);
  return { url, token: token.trim() };
}

async function text(file: string): Promise<string | undefined> {
  return await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
}

export function openApi({ url, token }: Address): Api {
  const send = async (name: RouteName, asking: Asking & { headers?: Record<string, string>; raw?: Buffer }) => {
    const route: Route = routes[name];
    const { params = {}, query = {}, body, raw, headers, idempotencyKey, signal } = asking;
    const target = new URL(`${url}/api/v1${filled(route.path, params)}`);
    for (const [key, value] of Object.entries(query)) {
      if (value !== undefined) target.searchParams.set(key, String(value));
    }
    const isLive = route.answers === "events" || route.answers === "lines";
    const patience = isLive ? [] : [AbortSignal.timeout(answerWithinMs)];
    return await fetch(target, {
      method: route.method.toUpperCase(),
      headers: {
        authorization: `Bearer ${token}`,
        accept: route.answers === "events" ? "text/event-stream" : "application/json",
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...(idempotencyKey === undefined ? {} : { "idempotency-key": idempotencyKey }),
        ...headers,
      },
      ...(raw === undefined ? {} : { body: new Uint8Array(raw) }),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.any([...patience, ...(signal === undefined ? [] : [signal])]),
    });
  };
  const answered = async (name: RouteName, asking: Parameters<typeof send>[1]): Promise<Response> => {
    const response = await send(name, asking).catch((error: unknown) => {
      if (asking.signal?.aborted === true) throw error;
      throw unreachable(url, error);
    });
    if (response.ok) return response;
    throw await refusal(response, url);
  };
  return {
    url,
    ask: async (name, asking = {}) => await (await answered(name, asking)).json(),
    events: (from, signal) =>
      eventsAfter(from, signal, (last, inner) => answered("events", { query: { from: last }, signal: inner })),
    logLines: async function* (query = {}, signal) {
      const response = await answered("logs", { query, ...(signal === undefined ? {} : { signal }) });
      if (response.body !== null) yield* linesOf(response.body);
    },
    hasArtifact: async (sha256) => {
      const response = await send("hasArtifact", { params: { sha256 } }).catch((error: unknown) => {
        throw unreachable(url, error);
      });
      if (response.ok || response.status === 404) return response.ok;
      throw await refusal(response, url);
    },
    putArtifact: async (sha256, { packed, manifest }) => {
      const headers = { "content-type": "application/gzip", "sluice-manifest": JSON.stringify(manifest) };
      await answered("putArtifact", { params: { sha256 }, raw: packed, headers });
    },
  };
}

/** Goes on after the last one seen whenever the connection ends, until it is told to stop. */
async function* eventsAfter(
  from: number,
  outer: AbortSignal | undefined,
  connect: (last: number, signal: AbortSignal) => Promise<Response>,
): AsyncGenerator<Event> {
  const own = new AbortController();
  const signal = outer === undefined ? own.signal : AbortSignal.any([own.signal, outer]);
  let last = from;
  try {
    for (let failures = 0; !signal.aborted; ) {
      try {
        const { body } = await connect(last, signal);
        failures = 0;
        for await (const { data } of messagesOf(body ?? empty())) {
          const event: Event = JSON.parse(data);
          if (event.seq <= last) continue;
          last = event.seq;
          yield event;
        }
      } catch (error) {
        if (signal.aborted) return;
        // A control plane that restarts is back within moments; one that refuses us will not change its mind.
        const isLost = (error instanceof Unreachable && !(error instanceof Refused)) || error instanceof TypeError;
        if (!isLost || ++failures > 60) throw error;
      }
      await sleep(retryMs, undefined, { signal }).catch(() => undefined);
    }
  } finally {
    own.abort();
  }
}

async function* empty(): AsyncGenerator<Uint8Array> {}

function filled(path: string, params: Readonly<Record<string, string>>): string {
  return path.replaceAll(/:(\w+)/g, (_, name: string) => encodeURIComponent(params[name] ?? ""));
}

function unreachable(url: string, error: unknown): Unreachable {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  const words: Readonly<Record<string, string>> = {
    ECONNREFUSED: "nothing listens there",
    ENOTFOUND: "no such host",
    ECONNRESET: "it hung up",
  };
  const because =
    error instanceof Error && error.name === "TimeoutError"
      ? `no answer within ${answerWithinMs / 1000} s`
      : (words[code] ?? code);
  return new Unreachable(
    `The control plane at ${url} cannot be reached${because ? `: ${because}` : ""}`,
    'Run "sluice up"; "sluice doctor" looks further',
  );
}

async function refusal(response: Response, url: string): Promise<Problem> {
  const said: Partial<ProblemDocument> = await response.json().catch(() => ({}));
  if (response.status === 401) {
    return new Refused(
      `The control plane at ${url} refused the token`,
      "Use the token of its data folder, or SLUICE_TOKEN",
    );
  }
  const errors = (said.errors ?? []).map(({ path, detail }) => `\n  ${path}: ${detail}`).join("");
  return new Problem(
    `${said.detail ?? `The control plane answered ${response.status}`}${errors}`,
    said.mend ?? 'See "sluice doctor"',
  );
}
