// `sluice/health`, for services: an endpoint that says how the service is, part by part. No dependencies, nothing of
// Sluice's own: it may be copied into a repository that does not want the package.
import type { IncomingMessage, ServerResponse } from "node:http";

export type HealthStatus = "healthy" | "degraded" | "unhealthy";

export interface Finding {
  readonly status: HealthStatus;
  /** In words: "connection refused". */
  readonly message?: string;
}

/** Well when it returns (nothing, true or a finding that says so); not well when it returns false or throws. */
export type Check = () => unknown;

export interface Part {
  readonly check: Check;
  /** False: when it fails the service is degraded, and goes on getting traffic. Default true. */
  readonly isVital?: boolean;
  /** In milliseconds; without an answer by then it has failed. Default: that of the whole. */
  readonly timeoutMs?: number;
}

export interface HealthOptions {
  /** By name: database, cache, payments … */
  readonly checks: Readonly<Record<string, Check | Part>>;
  /** Of each check, in milliseconds. Default 1000. */
  readonly timeoutMs?: number;
  /** An answer serves all who ask within so many milliseconds. Default 1000. */
  readonly cachedMs?: number;
  /** Said along with every answer: a version, a region. */
  readonly about?: Readonly<Record<string, unknown>>;
  /** From SIGTERM on the answer is 503, so that no balancer sends more while it finishes. Default true. */
  readonly endsOnSigterm?: boolean;
}

export interface HealthAnswer {
  readonly status: HealthStatus;
  readonly checks: Readonly<Record<string, Finding & { readonly latencyMs: number }>>;
}

export interface HealthEndpoint {
  /** For node:http and Express: `app.get("/health", health.node)`. */
  node(request: IncomingMessage, response: ServerResponse): void;
  /** For Hono, Fastify and whatever speaks Request and Response: `app.get("/health", () => health.response())`. */
  response(): Promise<Response>;
  answer(): Promise<HealthAnswer>;
  /** From now on the answer is 503. */
  end(): void;
}

export function createHealth(options: HealthOptions): HealthEndpoint {
  const { checks, timeoutMs = 1_000, cachedMs = 1_000, about = {}, endsOnSigterm = true } = options;
  const parts = Object.entries(checks).map(([name, given]): [string, Required<Part>] => {
    const part = typeof given === "function" ? { check: given } : given;
    return [name, { isVital: true, timeoutMs, ...part }];
  });
  let kept: { readonly atMs: number; readonly answer: Promise<HealthAnswer> } | undefined;
  let isEnding = false;

  async function examine(): Promise<HealthAnswer> {
    const found = await Promise.all(parts.map(async ([name, part]) => ({ name, part, finding: await tried(part) })));
    const isUnhealthy = found.some(({ part, finding }) => part.isVital && finding.status === "unhealthy");
    const isWell = found.every(({ finding }) => finding.status === "healthy");
    return {
      status: isUnhealthy ? "unhealthy" : isWell ? "healthy" : "degraded",
      checks: Object.fromEntries(found.map(({ name, finding }) => [name, finding])),
    };
  }

  const answer = async (): Promise<HealthAnswer> => {
    if (kept === undefined || performance.now() - kept.atMs > cachedMs)
      kept = { atMs: performance.now(), answer: examine() };
    const { status, checks: findings } = await kept.answer;
    if (!isEnding) return { status, checks: findings };
    const stopping = { status: "unhealthy", message: "it is being stopped", latencyMs: 0 } as const;
    return { status: "unhealthy", checks: { ...findings, stopping } };
  };
  const end = () => {
    isEnding = true;
  };
  const said = async () => {
    const found = await answer();
    return { status: found.status === "unhealthy" ? 503 : 200, body: JSON.stringify({ ...about, ...found }) };
  };
  if (endsOnSigterm) onSigterm(end);
  return {
    answer,
    end,
    response: async () => {
      const { status, body } = await said();
      return new Response(body, { status, headers });
    },
    node: (_request, response) => {
      void said().then(({ status, body }) => {
        response.writeHead(status, headers);
        response.end(body);
      });
    },
  };
}

/** Degraded from 90 % of the limit on: time to look, not to stop serving. */
export function memoryBelow(limitMiB: number): Part {
  return {
    isVital: false,
    check: (): Finding => {
      const usedMiB = Math.round(process.memoryUsage.rss() / 2 ** 20);
      return { status: usedMiB < limitMiB * 0.9 ? "healthy" : "degraded", message: `${usedMiB} of ${limitMiB} MiB` };
    },
  };
}

/** `state` says "closed", "half-open" or "open". An open breaker degrades the service: it answers without that part. */
export function circuitBreaker(state: () => string): Part {
  return {
    isVital: false,
    check: (): Finding => {
      const now = state().toLowerCase();
      const status = now === "closed" ? "healthy" : now === "open" ? "unhealthy" : "degraded";
      return { status, message: `the circuit is ${now}` };
    },
  };
}

const headers = { "content-type": "application/json", "cache-control": "no-store" };

async function tried({ check, timeoutMs }: Required<Part>): Promise<Finding & { latencyMs: number }> {
  const from = performance.now();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
  });
  const finding = await Promise.race([Promise.resolve().then(check), late]).then(
    findingOf,
    (error: unknown): Finding => {
      return { status: "unhealthy", message: error instanceof Error ? error.message : String(error) };
    },
  );
  clearTimeout(timer);
  return { ...finding, latencyMs: Math.round(performance.now() - from) };
}

function findingOf(value: unknown): Finding {
  if (value === false) return { status: "unhealthy" };
  return isFinding(value) ? value : { status: "healthy" };
}

function isFinding(value: unknown): value is Finding {
  if (typeof value !== "object" || value === null || !("status" in value)) return false;
  return ["healthy", "degraded", "unhealthy"].includes(String(value.status));
}

/** To listen for a signal is to keep it from ending the process: where nobody else listens, it is sent once more. */
function onSigterm(act: () => void): void {
  process.once("SIGTERM", () => {
    act();
    if (process.listenerCount("SIGTERM") === 0) process.kill(process.pid, "SIGTERM");
  });
}
