// Open-loop traffic of every kind that a router can get wrong: requests leave at their moments, whether or not earlier ones
// were answered. Memory stays the same however long it goes on.
import { Agent, type ClientRequest, type IncomingHttpHeaders, type IncomingMessage, request } from "node:http";
import type { Socket } from "node:net";
import { createLatencies, type Quantiles } from "../../src/testing/latencies.ts";
import { chat } from "./chat.ts";
import { type Loss, Lost, lost } from "./loss.ts";

export type Kind =
  | "new connection"
  | "kept connection"
  | "upload"
  | "chunked upload"
  | "slow reader"
  | "events"
  | "WebSocket";

export interface Traffic {
  readonly counts: Readonly<Record<Kind, number>>;
  /** Those that were kept; `lossCount` tells when there were more. */
  readonly losses: readonly Loss[];
  lossCount(): number;
  sent(): number;
  /** How long the machine was too busy to let us send, in all: what was due then was not sent later. */
  heldUpMs(): number;
  /** Faulty answers of the service itself: a bad release, not Sluice. */
  badServed(): number;
  /** Of requests on new and kept connections, from the moment at which each was due: what we send late counts as slow. */
  latency(): Quantiles;
  stop(): Promise<void>;
}

export interface TrafficOptions {
  readonly port: number;
  readonly perSecond: number;
  readonly onLoss?: (loss: Loss) => void;
}

type Send = (port: number) => Promise<Answer | undefined>;

/** Of 100 requests. */
const mix: Readonly<Record<Kind, number>> = {
  "new connection": 40,
  "kept connection": 46,
  upload: 6,
  "chunked upload": 4,
  "slow reader": 2,
  events: 1,
  WebSocket: 1,
};
const kinds = Object.keys(mix) as Kind[];
const deck = kinds.flatMap((kind) => Array<Kind>(mix[kind]).fill(kind));
const bodyBytes = 64 * 1024;
const largeBytes = 512 * 1024;
const patienceMs = 60_000;
/** Who was held up for longer by a busy machine goes on from then, instead of asking for all of it at once. */
const catchUpMsMax = 1_000;
/** More at once than a switch holds back means that the machine cannot do this rate: then we wait, and say how long. */
const underWayMax = 3_000;
const lossesMax = 10_000;
const agent = new Agent({ keepAlive: true, maxSockets: 100, timeout: 3_000 });

export function startTraffic({ port, perSecond, onLoss }: TrafficOptions): Traffic {
  const counts: Record<Kind, number> = mapped(() => 0);
  const losses: Loss[] = [];
  const latencies = createLatencies();
  const underWay = new Set<Promise<void>>();
  const gapMs = 1000 / perSecond;
  let dueMs = performance.now();
  let [sent, bad, lossCount, heldUpMs] = [0, 0, 0, 0];

  async function one(kind: Kind, sinceMs: number): Promise<void> {
    const startMs = Date.now();
    try {
      const answer = await sends[kind](port);
      if (answer !== undefined && answer.status >= 500) bad += 1;
      if (kind.endsWith("connection")) latencies.add(performance.now() - sinceMs);
    } catch (error) {
      if (!(error instanceof Lost)) throw error;
      const loss = { kind, startMs, endMs: Date.now(), because: error.message, said: error.said, on: error.on };
      lossCount += 1;
      if (losses.length < lossesMax) losses.push(loss);
      onLoss?.(loss);
    }
  }

  const timer = setInterval(() => {
    const nowMs = performance.now();
    if (nowMs - dueMs > catchUpMsMax) {
      heldUpMs += nowMs - catchUpMsMax - dueMs;
      dueMs = nowMs - catchUpMsMax;
    }
    for (; dueMs <= nowMs && underWay.size < underWayMax; dueMs += gapMs) {
      const kind = deck[(sent * 37) % deck.length] ?? "new connection"; // 37 and 100 have no common factor: every card once
      counts[kind] += 1;
      const promise = one(kind, dueMs).finally(() => underWay.delete(promise));
      underWay.add(promise);
      sent += 1;
    }
  }, 4);
  return {
    counts,
    losses,
    lossCount: () => lossCount,
    sent: () => sent,
    heldUpMs: () => heldUpMs,
    badServed: () => bad,
    latency: () => latencies.quantiles(),
    stop: async () => {
      clearInterval(timer);
      await Promise.all(underWay);
      agent.destroy();
    },
  };
}

function mapped<T>(value: (kind: Kind) => T): Record<Kind, T> {
  return Object.fromEntries(kinds.map((kind) => [kind, value(kind)])) as Record<Kind, T>;
}

const sends: Readonly<Record<Kind, Send>> = {
  "new connection": async (port) => served(await ask({ port, path: "/", agent: false })),
  // A kept connection may close just as it is used again; like every browser we ask such a request, which has no effect, again.
  "kept connection": async (port) => {
    const call = { port, path: "/" };
    return served((await ask({ ...call, agent }).catch(unlessReused)) ?? (await ask({ ...call, agent: false })));
  },
  upload: async (port) => whole(await ask({ port, path: "/upload", agent: false, bytes: bodyBytes })),
  "chunked upload": async (port) =>
    whole(await ask({ port, path: "/upload", agent: false, bytes: bodyBytes, isChunked: true })),
  "slow reader": async (port) => {
    const answer = served(await ask({ port, path: "/large", agent: false, isSlow: true }));
    if (answer.bytes !== largeBytes) throw lost(`${answer.bytes} bytes of ${largeBytes}`, answer.headers);
    return answer;
  },
  events: async (port) => {
    const answer = served(await ask({ port, path: "/events", agent: false }));
    if (!answer.text.startsWith("data: 1\n")) throw lost("no event came", answer.headers); // a drain may end it early
    return answer;
  },
  WebSocket: async (port) => {
    await chat(port);
    return undefined;
  },
};

interface Ask {
  readonly port: number;
  readonly path: string;
  readonly agent: Agent | false;
  readonly bytes?: number;
  readonly isChunked?: boolean;
  readonly isSlow?: boolean;
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly bytes: number;
}

class LostOnKept extends Lost {}

/** `request.reusedSocket` is not set for a request that waited for its socket until that was free again. */
const usedBefore = new WeakSet<Socket>();

function unlessReused(error: unknown): undefined {
  if (!(error instanceof LostOnKept)) throw error;
}

function ask({ port, path, agent: through, bytes, isChunked, isSlow }: Ask): Promise<Answer> {
  return new Promise((done, fail) => {
    const method = bytes === undefined ? "GET" : "POST";
    const headers = bytes === undefined || isChunked ? {} : { "content-length": bytes };
    const call = request({ host: "127.0.0.1", port, path, method, agent: through, headers }, (response) => {
      read(response, isSlow === true).then(
        (body) => done({ status: response.statusCode ?? 0, headers: response.headers, ...body }),
        (error: Error) => fail(lost(error.message, response.headers)),
      );
    });
    let isKept = false;
    call.on("socket", (socket) => {
      isKept = usedBefore.has(socket);
      usedBefore.add(socket);
    });
    const deadline = setTimeout(() => call.destroy(new Error(`no answer within ${patienceMs} ms`)), patienceMs);
    call.on("close", () => clearTimeout(deadline));
    call.on("error", ({ message }) => fail(isKept ? new LostOnKept(message, {}) : lost(message)));
    upload(call, bytes ?? 0);
  });
}

/** In four parts, so that it is under way for a while. */
function upload(call: ClientRequest, bytes: number, part = 0): void {
  if (bytes === 0 || part === 4) {
    call.end();
    return;
  }
  call.write(Buffer.alloc(bytes / 4, "u"));
  setTimeout(() => upload(call, bytes, part + 1), 10);
}

async function read(response: IncomingMessage, isSlow: boolean): Promise<{ text: string; bytes: number }> {
  let [text, bytes] = ["", 0];
  for await (const part of response) {
    bytes += part.length;
    if (text.length < 1_000) text += part;
    if (isSlow) await new Promise((resolve) => setTimeout(resolve, 20));
  }
  if (!response.complete) throw new Error("the answer broke off");
  return { text, bytes };
}

/** An error that the router made is a failure; one that the service made is an answer, if a bad one. */
function served(answer: Answer): Answer {
  const { status, headers, text } = answer;
  if (status === 200 || (status >= 500 && headers["x-sluice-error"] === undefined)) return answer;
  throw lost(`answered ${status}: ${text.trim().slice(0, 80)}`, headers);
}

function whole(answer: Answer): Answer {
  served(answer);
  if (answer.text !== String(bodyBytes)) throw lost(`${answer.text} of ${bodyBytes} bytes arrived`, answer.headers);
  return answer;
}
