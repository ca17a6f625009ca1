// The host as the control plane sees it. Every call throws Temporary while nobody answers, and Problem when the host
// says what is wrong.
import { Problem, Temporary } from "../domain/problem.ts";
import type { SeenJobRun, SeenScheduledJob } from "../domain/scheduled-job.ts";
import type { DesiredService, Fence, MaintenanceWish, SeenService, ServiceKey } from "./api.ts";
import type { JobSpec, SeenJob } from "./jobs.ts";
import { hostPaths } from "./paths.ts";
import type { ScheduledJob } from "./schedule/schedules.ts";
import { ask } from "./socket-request.ts";
import type { CountedInterval } from "./table.ts";

export interface HostHealth {
  readonly pid: number;
  readonly startedAt: number;
  readonly version: string;
  /** Folder that its processes were started from. */
  readonly programs: string;
  readonly journal?: string;
  readonly router: { readonly pid: number | undefined; readonly answers: boolean };
  /** Who starts it again when both are gone; undefined where there are no named pipes. */
  readonly keeper?: number;
  readonly services: readonly ServiceKey[];
  readonly adopted: number;
}

/** The host refused: `present` outranks what was sent. */
export class HostFenced extends Error {
  override readonly name = "HostFenced";
  readonly present: Fence;
  constructor(message: string, present: Fence) {
    super(message);
    this.present = present;
  }
}

export interface HostClient {
  put(service: ServiceKey, desired: DesiredService): Promise<void>;
  get(service: ServiceKey): Promise<SeenService | undefined>;
  remove(service: ServiceKey, fence: Fence): Promise<void>;
  /** False when there is no such service. */
  maintain(service: ServiceKey, wish: MaintenanceWish): Promise<boolean>;
  services(): Promise<readonly ServiceKey[]>;
  claim(journal: string): Promise<void>;
  metrics(): Promise<string>;
  intervals(query: { service: ServiceKey; since: number }): Promise<readonly CountedInterval[]>;
  logs(query: LogQuery): Promise<readonly { readonly replica: string; readonly lines: readonly string[] }[]>;
  /** Starts it, or finds the one that was started under this key. */
  startJob(job: JobSpec): Promise<SeenJob>;
  seeJob(key: string): Promise<SeenJob | undefined>;
  /** Starts it and waits for its end. */
  runJob(job: JobSpec): Promise<Extract<SeenJob, { state: "ended" }>>;
  /** From now on these are the environment's jobs, by schedule and by hand. */
  putSchedule(
    environment: string,
    asked: { readonly journal: string; readonly jobs: readonly ScheduledJob[] },
  ): Promise<void>;
  schedules(): Promise<readonly SeenScheduledJob[]>;
  /** Once for each id. */
  runScheduled(environment: string, name: string, id: string): Promise<SeenJobRun>;
  /** Plain HTTP beside HTTPS: answers ACME's challenges and sends all else on. Kept over restarts; 0 closes it. */
  plainPort(port: number): Promise<void>;
  health(): Promise<HostHealth>;
  /** Both processes are replaced by those in this folder, without a refused connection. Returns once the new ones answer. */
  upgrade(programs: string): Promise<void>;
  /** Drains and stops everything, or leaves the replicas running. Returns once the host no longer answers. */
  stop(options?: { keepReplicas?: boolean }): Promise<void>;
}

type LogQuery = { readonly lines?: number } & ({ readonly service: ServiceKey } | { readonly replica: string });

export function hostClient(dataFolder: string): HostClient {
  const { controlSocket: socket } = hostPaths(dataFolder);
  const call = async (method: "GET" | "PUT" | "POST" | "DELETE", path: string, body?: unknown) => {
    const answer = await ask({ socket, method, path, timeoutMs: 5_000, ...(body === undefined ? {} : { body }) });
    return answer.status === 404 ? undefined : understood(answer);
  };
  const json = async (...args: Parameters<typeof call>) => JSON.parse((await call(...args)) ?? "null");
  const client: HostClient = {
    put: async (service, desired) => void (await call("PUT", `/services/${service}`, desired)),
    get: async (service) => (await json("GET", `/services/${service}`)) ?? undefined,
    remove: async (service, fence) => void (await call("DELETE", `/services/${service}`, { fence })),
    maintain: async (service, wish) => (await call("PUT", `/maintenance/${service}`, wish)) !== undefined,
    services: () => json("GET", "/services"),
    claim: async (journal) => void (await call("POST", "/claim", { journal })),
    metrics: async () => (await call("GET", "/metrics")) ?? "",
    intervals: async ({ service, since }) =>
      (await json("GET", `/intervals?service=${encodeURIComponent(service)}&since=${since}`))?.intervals ?? [],
    logs: (query) => json("GET", `/logs?${new URLSearchParams(Object.entries(query).map(([k, v]) => [k, String(v)]))}`),
    startJob: (job) => json("POST", "/jobs", job),
    seeJob: async (key) => (await json("GET", `/jobs/${encodeURIComponent(key)}`)) ?? undefined,
    runJob: (job) => untilEnded(client, job),
    putSchedule: async (environment, asked) => void (await call("PUT", `/schedules/${environment}`, asked)),
    schedules: () => json("GET", "/schedules"),
    runScheduled: (environment, name, id) => json("POST", `/schedules/${environment}/${name}`, { id }),
    plainPort: async (port) => void (await call("PUT", "/plain-port", { port })),
    health: () => json("GET", "/health"),
    upgrade: async (programs) => {
      const { pid } = await client.health();
      await ask({ socket, method: "POST", path: "/upgrade", timeoutMs: 60_000, body: { programs } }).then(understood);
      for (let attempt = 0; attempt < 200; attempt++) {
        const now = await client.health().catch(() => undefined);
        if (now !== undefined && now.pid !== pid && now.router.answers) return;
        await pause(50);
      }
      throw new Problem("the upgraded host does not answer", "See host.log in the data folder");
    },
    stop: async (options) => {
      await call("POST", "/stop", options ?? {});
      while (await isAnswering(socket)) await pause(50);
    },
  };
  return client;
}

/** Whether somebody answers on this socket now. */
export function isAnswering(socket: string, path = "/health"): Promise<boolean> {
  return ask({ socket, method: "GET", path, timeoutMs: 2_000 }).then(
    (answer) => answer.status === 200,
    () => false,
  );
}

function understood({ status, text }: { status: number; text: string }): string {
  if (status === 200) return text;
  const { problem = text, mend = "See the host's log", present } = parsed(text);
  if (status === 409 && present !== undefined) throw new HostFenced(problem, present);
  if (status === 422) throw new Problem(problem, mend);
  if (status === 503) throw new Temporary(problem);
  throw new Error(`the host answered ${status}: ${problem}`);
}

function parsed(text: string): { problem?: string; mend?: string; present?: Fence } {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

/** A host that is being restarted is waited for: the job's key makes asking again harmless. */
async function untilEnded(client: HostClient, job: JobSpec): Promise<Extract<SeenJob, { state: "ended" }>> {
  const until = Date.now() + job.timeoutMs + 10_000;
  for (;;) {
    const seen = await client.startJob(job).catch((error: unknown) => {
      if (error instanceof Temporary && Date.now() < until) return undefined;
      throw error;
    });
    if (seen?.state === "ended") return seen;
    await pause(100);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
