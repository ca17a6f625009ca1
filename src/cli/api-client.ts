// Talks to the control plane: every route of server/routes by its name, live events that resume where they broke off.
import { setTimeout as sleep } from "node:timers/promises";
import type { Event } from "../domain/event.ts";
import { Problem } from "../domain/problem.ts";
import type { ProblemDocument } from "../server/problem-answer.ts";
import type { Route } from "../server/routes/route.ts";
import { type Answers, type RouteName, routes } from "../server/routes/routes.ts";
import type { Address } from "./control-address.ts";
import { linesOf, messagesOf } from "./event-stream.ts";
import { Refused, Unreachable } from "./exit.ts";
import { openTransport, type Reply } from "./transport.ts";
import { unreachable } from "./why-unreachable.ts";

export { findControlPlane } from "./control-address.ts";

interface Asking {
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
  /** What a build has printed, from a byte on. */
  buildLog(id: string, from: number): Promise<string>;
  /** Lines that replicas printed. */
  logLines(query: Asking["query"], signal?: AbortSignal): AsyncGenerator<string>;
  /** Bytes of a packed artifact from one place on; answers how many have arrived. */
  sendBytes(
    upload: { readonly artifact: string; readonly packed: string },
    sent: { readonly from: number; readonly bytes: Uint8Array; readonly signal?: AbortSignal },
  ): Promise<Answers["uploadBytes"]>;
}

const answerWithinMs = 30_000;
const retryMs = 500;

export function openApi({ url, token, ca }: Address): Api {
  const transport = openTransport({ ca });
  const send = async (name: RouteName, asking: Asking & { readonly raw?: Uint8Array }) => {
    const route: Route = routes[name];
    const { params = {}, query = {}, body, raw, idempotencyKey, signal } = asking;
    const target = new URL(`${url}/api/v1${filled(route.path, params)}`);
    for (const [key, value] of Object.entries(query)) {
      if (value !== undefined) target.searchParams.set(key, String(value));
    }
    const isLive = route.answers === "events" || route.answers === "lines";
    const patience = isLive ? [] : [AbortSignal.timeout(answerWithinMs)];
    return await transport(target, {
      method: route.method.toUpperCase(),
      headers: {
        authorization: `Bearer ${token}`,
        accept: route.answers === "events" ? "text/event-stream" : "application/json",
        ...(raw === undefined ? {} : { "content-type": "application/octet-stream" }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...(idempotencyKey === undefined ? {} : { "idempotency-key": idempotencyKey }),
      },
      ...(raw === undefined ? {} : { body: raw }),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.any([...patience, ...(signal === undefined ? [] : [signal])]),
    });
  };
  const answered = async (name: RouteName, asking: Parameters<typeof send>[1]): Promise<Reply> => {
    const response = await send(name, asking).catch((error: unknown) => {
      if (asking.signal?.aborted === true) throw error;
      throw unreachable(url, error);
    });
    if (response.ok) return response;
    throw await refusal(response, url);
  };
  return {
    url,
    ask: async (name, asking = {}) => JSON.parse(await (await answered(name, asking)).text()),
    events: (from, signal) =>
      eventsAfter(from, signal, (last, inner) => answered("events", { query: { from: last }, signal: inner })),
    buildLog: async (id, from) => (await answered("buildLog", { params: { id }, query: { from } })).text(),
    logLines: async function* (query = {}, signal) {
      const response = await answered("logs", { query, ...(signal === undefined ? {} : { signal }) });
      yield* linesOf(response.body);
    },
    sendBytes: async ({ artifact, packed }, { from, bytes, signal }) => {
      const params = { sha256: artifact, packed };
      const response = await answered("uploadBytes", {
        params,
        query: { from },
        raw: bytes,
        ...(signal && { signal }),
      });
      return JSON.parse(await response.text());
    },
  };
}

/** Goes on after the last one seen whenever the connection ends, until it is told to stop. */
async function* eventsAfter(
  from: number,
  outer: AbortSignal | undefined,
  connect: (last: number, signal: AbortSignal) => Promise<Reply>,
): AsyncGenerator<Event> {
  const own = new AbortController();
  const signal = outer === undefined ? own.signal : AbortSignal.any([own.signal, outer]);
  let last = from;
  try {
    for (let failures = 0; !signal.aborted; ) {
      try {
        const { body } = await connect(last, signal);
        failures = 0;
        for await (const { data } of messagesOf(body)) {
          const event: Event = JSON.parse(data);
          if (event.seq <= last) continue;
          last = event.seq;
          yield event;
        }
      } catch (error) {
        if (signal.aborted) return;
        // A control plane that restarts is back within moments; one that refuses us will not change its mind.
        const isLost = error instanceof Unreachable && !(error instanceof Refused);
        if (!isLost || ++failures > 60) throw error;
      }
      await sleep(retryMs, undefined, { signal }).catch(() => undefined);
    }
  } finally {
    own.abort();
  }
}

function filled(path: string, params: Readonly<Record<string, string>>): string {
  return path.replaceAll(/:(\w+)/g, (_, name: string) => encodeURIComponent(params[name] ?? ""));
}

async function refusal(response: Reply, url: string): Promise<Problem> {
  const said: Partial<ProblemDocument> = await response
    .text()
    .then(JSON.parse)
    .catch(() => ({}));
  if (response.status === 401) {
    return new Refused(
      `The control plane at ${url} refused the token`,
      `Sign in again: sluice login ${url}; for the one of this machine, its data folder holds the token`,
    );
  }
  // The first of them is what `detail` says.
  const errors = (said.errors ?? [])
    .slice(1)
    .map(({ path, detail }) => `\n  ${path}: ${detail}`)
    .join("");
  // It lives, but its database does not: that passes, and whoever waits for a deployment goes on waiting.
  const Kind = response.status === 503 ? Unreachable : Problem;
  return new Kind(
    `${said.detail ?? `The control plane answered ${response.status}`}${errors}`,
    said.mend ?? 'See "sluice doctor"',
  );
}
