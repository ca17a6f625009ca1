// Open-loop load: requests leave on a schedule that does not wait for answers, as real users' do, and each latency
// counts from when its request was due. A load that waits would slow down with the service and hide what is wrong.
import { Agent, type ClientRequest, type IncomingMessage, request } from "node:http";
import { createLatencies, type Quantiles } from "./latencies.ts";

/** One request to send; `settle` gets the answer, for journeys that go on from what they were told. */
export type Shot = Readonly<{
  method: "GET" | "HEAD" | "PUT" | "DELETE" | "POST" | "PATCH";
  path: string;
  headers?: Readonly<Record<string, string>>;
  body?: string;
  settle?: (status: number, body: string) => void;
}>;
/** Says what the next user does. Every shot is expected to be answered below 400. */
export type Journey = Readonly<{ next: () => Shot }>;

export type LoadOptions = Readonly<{
  baseUrl: string;
  requestsPerSecond: number;
  journey: Journey;
  /** An answer slower than this counts as badly served. */
  slowAfterMs?: number;
  /** A request without a whole answer by then counts as failed. */
  timeoutMs?: number;
}>;

export type LoadFigures = Readonly<{
  sent: number;
  /** Fell due while this process itself was held up, and were never sent. */
  skipped: number;
  inFlight: number;
  /** Answered in time and below 400. */
  wellServed: number;
  /** Answered by the service itself, with an error or too slowly. */
  badServed: number;
  /** No answer, half an answer, or an error made by Sluice (`x-sluice-error`). */
  failed: number;
  /** How many of each kind of failure and bad answer, such as `ECONNRESET`, `nothing-ready` or `status 500`. */
  reasons: Readonly<Record<string, number>>;
  /** Idempotent requests sent again because a kept connection turned out closed, as every browser does. */
  resent: number;
  latency: Quantiles;
}>;

export type Load = Readonly<{ figures: () => LoadFigures; stop: () => Promise<LoadFigures> }>;

const tickMs = 4;
// When this process itself was held up for longer, what fell due meanwhile is left out, not sent in one burst.
const lateMaxMs = 250;
// Below any server's keep-alive timeout, so that the client is the one that closes an idle connection.
const idleTimeoutMs = 1_000;
const idempotent: ReadonlySet<string> = new Set(["GET", "HEAD", "PUT", "DELETE"]);

export function startLoad(options: LoadOptions): Load {
  const { requestsPerSecond, journey, slowAfterMs = 3_000 } = options;
  const sender = createSender(options);
  const latencies = createLatencies();
  const reasons: Record<string, number> = {};
  const counts = { sent: 0, skipped: 0, inFlight: 0, wellServed: 0, badServed: 0, failed: 0 };
  const startedAt = performance.now();
  let isEmpty: (() => void) | undefined;

  async function fire(dueAt: number): Promise<void> {
    const shot = journey.next();
    counts.sent += 1;
    counts.inFlight += 1;
    const answer = await sender.send(shot);
    const tookMs = performance.now() - dueAt;
    const verdict = judge(answer, tookMs > slowAfterMs);
    counts[verdict.as] += 1;
    if (verdict.because !== undefined) reasons[verdict.because] = (reasons[verdict.because] ?? 0) + 1;
    if (verdict.as !== "failed") latencies.add(tookMs);
    counts.inFlight -= 1;
    if (answer.kind === "answered") shot.settle?.(answer.status, answer.body);
    if (counts.inFlight === 0) isEmpty?.();
  }

  const timer = setInterval(() => {
    const dueCount = Math.floor(((performance.now() - startedAt) * requestsPerSecond) / 1_000);
    const lateMax = Math.ceil((lateMaxMs * requestsPerSecond) / 1_000);
    counts.skipped += Math.max(0, dueCount - counts.sent - counts.skipped - lateMax);
    while (counts.sent + counts.skipped < dueCount) {
      void fire(startedAt + ((counts.sent + counts.skipped + 1) * 1_000) / requestsPerSecond);
    }
  }, tickMs);

  const figures = () => ({
    ...counts,
    reasons: { ...reasons },
    resent: sender.resent(),
    latency: latencies.quantiles(),
  });
  async function stop(): Promise<LoadFigures> {
    clearInterval(timer);
    if (counts.inFlight > 0) {
      await new Promise<void>((resolve) => {
        isEmpty = resolve;
      });
    }
    sender.close();
    return figures();
  }
  return { figures, stop };
}

type Answer =
  | Readonly<{ kind: "answered"; status: number; body: string; madeBySluice: string | undefined }>
  | Readonly<{ kind: "lost"; because: string }>;
type Verdict = Readonly<{ as: "wellServed" | "badServed" | "failed"; because?: string }>;

function judge(answer: Answer, isSlow: boolean): Verdict {
  if (answer.kind === "lost") return { as: "failed", because: answer.because };
  if (answer.madeBySluice !== undefined) return { as: "failed", because: answer.madeBySluice };
  if (answer.status >= 400) return { as: "badServed", because: `status ${answer.status}` };
  return isSlow ? { as: "badServed", because: "slow" } : { as: "wellServed" };
}

/**
 * Keeps connections like a careful client. HTTP lets a server close an idle one at any time (RFC 9112, 9.3.1), so what
 * cannot be repeated goes over a connection of its own, and the rest is sent once more when a kept one was closed
 * before any answer. Whatever still goes wrong then is the other side's doing.
 */
function createSender({ baseUrl, timeoutMs = 15_000 }: LoadOptions) {
  const origin = new URL(baseUrl);
  const kept = new Agent({ keepAlive: true, scheduling: "lifo", timeout: timeoutMs });
  kept.on("free", (socket) => socket.setTimeout(Math.min(idleTimeoutMs, socket.timeout || idleTimeoutMs)));
  let resentCount = 0;

  async function send(shot: Shot): Promise<Answer> {
    if (!idempotent.has(shot.method)) return (await exchange(shot, false)).answer;
    const first = await exchange(shot, kept);
    if (!first.isStale) return first.answer;
    resentCount += 1;
    return (await exchange(shot, false)).answer;
  }

  function exchange(shot: Shot, agent: Agent | false): Promise<Readonly<{ answer: Answer; isStale: boolean }>> {
    return new Promise((resolve) => {
      const asked = request({
        agent,
        host: origin.hostname,
        port: origin.port || 80,
        method: shot.method,
        path: shot.path,
        headers: headersOf(shot),
      });
      // One limit for the whole exchange: a socket's own timeout starts anew with every byte.
      const timer = setTimeout(() => asked.destroy(Object.assign(new Error(), { code: "timeout" })), timeoutMs);
      const settle = (answer: Answer, isStale = false) => {
        clearTimeout(timer);
        resolve({ answer, isStale });
      };
      asked.once("response", (incoming) => collect(incoming, settle));
      asked.once("error", (error) => settle({ kind: "lost", because: codeOf(error) }, isStale(asked, error)));
      asked.end(shot.body);
    });
  }
  return { send, resent: () => resentCount, close: () => kept.destroy() };
}

function headersOf({ headers, body }: Shot): Record<string, string | number> {
  return body === undefined
    ? { ...headers }
    : { "content-type": "application/json", "content-length": Buffer.byteLength(body), ...headers };
}

function collect(incoming: IncomingMessage, settle: (answer: Answer) => void): void {
  let body = "";
  incoming.setEncoding("utf8");
  incoming.on("data", (chunk: string) => {
    body += chunk;
  });
  incoming.once("error", (error) => settle({ kind: "lost", because: `cut short: ${codeOf(error)}` }));
  incoming.once("end", () => {
    const made = incoming.headers["x-sluice-error"];
    settle({ kind: "answered", status: incoming.statusCode ?? 0, body, madeBySluice: made?.toString() });
  });
}

function isStale(asked: ClientRequest, error: Error): boolean {
  return asked.reusedSocket && ["ECONNRESET", "EPIPE"].includes(codeOf(error));
}

function codeOf(error: Error): string {
  return "code" in error ? String(error.code) : error.message;
}
