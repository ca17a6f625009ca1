// The health document: what this service is made of and how each part is. 503 means "send me no traffic".
export type Status = "healthy" | "degraded" | "unhealthy";
export type Finding = Readonly<{ status: Status; detail?: string; tookMs?: number }>;
export type Check = () => Finding | Promise<Finding>;
export type HealthDocument = Readonly<{
  service: string;
  version: string;
  status: Status;
  uptimeSeconds: number;
  checks: Readonly<Record<string, Finding>>;
}>;

const rank: Record<Status, number> = { healthy: 0, degraded: 1, unhealthy: 2 };
const checkTimeoutMs = 1_500;

export function createHealth(about: Readonly<{ service: string; version: string; checks: Record<string, Check> }>) {
  const { checks, ...identity } = about;
  let running: Promise<HealthDocument> | undefined;

  async function examine(): Promise<HealthDocument> {
    const findings = await Promise.all(
      Object.entries(checks).map(async ([name, check]) => [name, await inTime(check)] as const),
    );
    const status = findings.map(([, found]) => found.status).reduce(worse, "healthy");
    return { ...identity, status, uptimeSeconds: Math.floor(process.uptime()), checks: Object.fromEntries(findings) };
  }

  /** Callers at the same moment share one examination, so that asking often costs little. */
  return (): Promise<HealthDocument> => {
    running ??= examine().finally(() => {
      running = undefined;
    });
    return running;
  };
}

export function worse(a: Status, b: Status): Status {
  return rank[a] >= rank[b] ? a : b;
}

async function inTime(check: Check): Promise<Finding> {
  const from = performance.now();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Finding>((resolve) => {
    const detail = `no answer within ${checkTimeoutMs} ms`;
    timer = setTimeout(() => resolve({ status: "degraded", detail }), checkTimeoutMs);
  });
  try {
    const found = await Promise.race([Promise.resolve().then(check), late]);
    return { ...found, tookMs: Math.round(performance.now() - from) };
  } catch (error) {
    return { status: "unhealthy", detail: error instanceof Error ? error.message : String(error) };
  } finally {
    clearTimeout(timer);
  }
}
