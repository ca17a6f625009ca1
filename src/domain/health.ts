// A service's own answer about its health, part by part: application, database, cache, memory, circuit breakers. Three
// shapes are understood: { status, checks: { database: { status } } } as a map or a list, the `health+json` draft (checks
// as lists by "component:measure"), and Spring's { status: "UP", components }.

export type HealthStatus = "healthy" | "degraded" | "unhealthy";

export interface Health {
  /** The worst that is said: a service that calls itself healthy with an unhealthy part is degraded. */
  readonly status: HealthStatus;
  readonly parts: readonly HealthPart[];
}

interface HealthPart {
  readonly name: string;
  readonly status: HealthStatus;
  /** What it says of itself: "connection refused", "812 ms". */
  readonly note?: string;
}

/** The tree of an environment: its services, their replicas, the parts that these list. */
export interface EnvironmentHealth {
  readonly environment: string;
  readonly status: HealthStatus;
  readonly services: readonly ServiceHealth[];
  /** Those that its public port shows. */
  readonly certificates: readonly CertificateHealth[];
}

export interface CertificateHealth {
  /** "shop.example" */
  readonly name: string;
  /** Degraded when it ends soon or could not be renewed, unhealthy when it has ended or was never there. */
  readonly status: HealthStatus;
  /** Whole days until its end. */
  readonly daysLeft?: number;
  readonly because?: string;
}

export interface ServiceHealth {
  readonly service: string;
  readonly status: HealthStatus;
  readonly replicas: readonly ReplicaHealth[];
}

export interface ReplicaHealth {
  readonly id: string;
  readonly status: HealthStatus;
  /** "ready", "starting", "backing off" … */
  readonly state: string;
  readonly because?: string;
  readonly restarts: number;
  /** How it ended the last time that nobody had asked it to; `at` in ms since 1970. */
  readonly lastExit?: { readonly at: number; readonly because: string };
  readonly parts: readonly HealthPart[];
}

const partsMax = 50;
const noteCharsMax = 200;

/** Undefined when the body says nothing about health. `isWell`: whether the answer as a whole was a success. */
export function parseHealth(body: string, isWell: boolean): Health | undefined {
  const value = parse(body);
  if (!isRecord(value)) return undefined;
  const parts = partsOf(value.checks ?? value.components ?? value.details).slice(0, partsMax);
  const said = statusOf(value.status);
  if (said === undefined && parts.length === 0) return undefined;
  return { status: overall(isWell ? (said ?? "healthy") : "unhealthy", parts), parts };
}

/** The worst of several: one replica, one service or one environment. */
export function worst(statuses: readonly HealthStatus[]): HealthStatus {
  if (statuses.includes("unhealthy")) return "unhealthy";
  return statuses.includes("degraded") ? "degraded" : "healthy";
}

const dayMs = 86_400_000;
/** Authorities' are renewed with a third left: at a sixth something has kept failing. */
const soonShare = 1 / 6;

export function certificateHealth(seen: {
  readonly name: string;
  readonly life: { readonly notBefore: number; readonly notAfter: number } | undefined;
  /** Why it could not be renewed. */
  readonly because?: string | undefined;
  readonly now: number;
}): CertificateHealth {
  const { name, life, because, now } = seen;
  const why = because === undefined ? {} : { because };
  if (life === undefined) return { name, status: "unhealthy", ...why };
  const leftMs = life.notAfter - now;
  const isSoon = leftMs < (life.notAfter - life.notBefore) * soonShare;
  const status = leftMs <= 0 ? "unhealthy" : isSoon || because !== undefined ? "degraded" : "healthy";
  return { name, status, daysLeft: Math.max(0, Math.floor(leftMs / dayMs)), ...why };
}

function overall(said: HealthStatus, parts: readonly HealthPart[]): HealthStatus {
  const isHurt = parts.some((part) => part.status !== "healthy");
  return said === "healthy" && isHurt ? "degraded" : said;
}

function partsOf(checks: unknown): readonly HealthPart[] {
  if (Array.isArray(checks)) return checks.flatMap((check) => partOf(isRecord(check) ? check.name : undefined, check));
  return isRecord(checks) ? Object.entries(checks).flatMap(([name, check]) => partOf(name, check)) : [];
}

function partOf(name: unknown, check: unknown): readonly HealthPart[] {
  const [said] = Array.isArray(check) ? check : [check];
  const status = statusOf(isRecord(said) ? said.status : said);
  if (typeof name !== "string" || status === undefined) return [];
  const note = isRecord(said) ? noteOf(said) : undefined;
  return [{ name, status, ...(note === undefined ? {} : { note }) }];
}

function noteOf(check: Readonly<Record<string, unknown>>): string | undefined {
  const text = [check.message, check.error, check.output, check.reason, check.detail].find(
    (one) => typeof one === "string" && one !== "",
  );
  if (typeof text === "string") return text.slice(0, noteCharsMax);
  const ms = check.latencyMs ?? check.responseTimeMs ?? check.durationMs ?? check.tookMs;
  return typeof ms === "number" ? `${ms} ms` : undefined;
}

const words: Readonly<Record<string, HealthStatus>> = {
  healthy: "healthy",
  ok: "healthy",
  pass: "healthy",
  up: "healthy",
  true: "healthy",
  closed: "healthy",
  degraded: "degraded",
  warn: "degraded",
  warning: "degraded",
  half_open: "degraded",
  "half-open": "degraded",
  unhealthy: "unhealthy",
  fail: "unhealthy",
  error: "unhealthy",
  down: "unhealthy",
  out_of_service: "unhealthy",
  false: "unhealthy",
  open: "unhealthy",
};

function statusOf(value: unknown): HealthStatus | undefined {
  return typeof value === "string" || typeof value === "boolean" ? words[String(value).toLowerCase()] : undefined;
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined; // "OK" is an answer too, without parts
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
