// The real API server on a journal that is held in memory, so that the page is tested against what it will meet: its
// routes, its guards, its content policy and its verbs.
import { EventEmitter, once } from "node:events";
import { type Build, orderOf } from "../../src/domain/build.ts";
import type { DeploymentId, Event } from "../../src/domain/event.ts";
import type { Counts, Interval } from "../../src/domain/evidence.ts";
import type { EnvironmentHealth } from "../../src/domain/health.ts";
import type { ProjectGraph } from "../../src/domain/project-graph.ts";
import { fold } from "../../src/domain/run.ts";
import { listen } from "../../src/server/listen.ts";
import type { Places, Records, Traffic } from "../../src/server/records.ts";
import { createServer } from "../../src/server/server.ts";
import { emptyJournal, newestFirst, withEvents } from "../src/journal.ts";

export interface PageServer {
  /** Signs a browser in, once. */
  readonly loginUrl: string;
  readonly url: string;
  readonly events: readonly Event[];
  /** Stops and starts again at the same port: every stream is cut. */
  restart(): Promise<void>;
  /** Writes a fact after the last of its deployment. */
  write(deployment: DeploymentId, fact: Event["fact"]): void;
  close(): Promise<void>;
}

export interface Served {
  readonly folder: string;
  readonly events: readonly Event[];
  readonly traffic?: () => Traffic;
}

export async function servePage({ folder, events: recorded, traffic }: Served): Promise<PageServer> {
  const events = [...recorded];
  const changed = new EventEmitter();
  const write = (deployment: DeploymentId, fact: Event["fact"]): Event => {
    const last = events.findLast((event) => event.deployment === deployment);
    const position = (last?.position ?? -1) + 1;
    const seq = (events.at(-1)?.seq ?? 0) + 1;
    const event = { ...linked(last), deployment, position, seq, at: Date.now(), hash: `hash-${seq}`, fact };
    events.push(event);
    changed.emit("more");
    return event;
  };
  const start = async (port: number) => {
    const stop = new AbortController();
    const { app, auth } = createServer({
      records: recordsOf(events, { write, changed }),
      places: placesOf(traffic),
      clock: { now: Date.now, sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)) },
      token: "a token of this test",
      user: "ada",
      version: "0.0.0",
      newId: () => `d-${events.length}`,
      pageFolder: folder,
      signal: stop.signal,
      log: console.error,
    });
    const listening = await listen(app, { port });
    const close = async (): Promise<void> => {
      stop.abort();
      await listening.close();
    };
    return { port: listening.port, auth, close };
  };
  let current = await start(0);
  const url = `http://127.0.0.1:${current.port}`;
  return {
    url,
    get loginUrl() {
      return `${url}/login?code=${current.auth.newCode()}`;
    },
    events,
    write,
    restart: async () => {
      await current.close();
      current = await start(current.port);
    },
    close: () => current.close(),
  };
}

function linked(last: Event | undefined): Pick<Event, "schema" | "workspace" | "previous"> {
  return { schema: 1, workspace: "example", previous: last?.hash ?? "" };
}

interface Wire {
  readonly write: (deployment: DeploymentId, fact: Event["fact"]) => Event;
  readonly changed: EventEmitter;
}

function recordsOf(events: readonly Event[], { write, changed }: Wire): Records {
  const of = (deployment: DeploymentId) => events.filter((event) => event.deployment === deployment);
  const runs = () => newestFirst(withEvents(emptyJournal, events)).map(({ run }) => run);
  return {
    journal: {
      id: "example",
      read: async (deployment, from = 0) => of(deployment).slice(from),
      append: async (deployment, position, fact) =>
        of(deployment).length === position ? write(deployment, fact) : undefined,
    },
    evidence: { put: async () => {}, get: async ({ step }) => observed(step, events[0]?.at ?? 0) },
    environments: {
      list: async () => [{ name: "production", stands: {}, open: [] }],
      stands: async () => ({ stands: {} }),
    },
    releases: {
      keep: async () => false,
      get: async (id) =>
        id === built.id ? { ...built, at: 0, frozen: { ...built, projects: exampleProjects } } : undefined,
      byVersion: async () => undefined,
      list: async () => [{ ...built, at: 0 }],
    },
    builds,
    feed: {
      after: async (seq) => events.filter((event) => event.seq > seq),
      changed: async (seq, signal) => {
        if ((events.at(-1)?.seq ?? 0) <= seq) await once(changed, "more", { signal }).catch(() => undefined);
      },
    },
    deployments: async ({ rowsMax }) =>
      runs()
        .map(({ id }) => id)
        .slice(0, rowsMax),
    now: async () => Date.now(),
  };
}

const exampleHealth: readonly EnvironmentHealth[] = [
  {
    environment: "production",
    status: "degraded",
    certificates: [],
    services: [
      {
        service: "api-gateway",
        status: "degraded",
        replicas: [
          {
            id: "api-gateway-4b2d7-1",
            status: "degraded",
            state: "ready",
            restarts: 0,
            parts: [
              { name: "database", status: "healthy", note: "2 ms" },
              { name: "payments", status: "unhealthy", note: "the circuit is open" },
            ],
          },
        ],
      },
      {
        service: "user-service",
        status: "healthy",
        replicas: [{ id: "user-service-1a2b-1", status: "healthy", state: "ready", restarts: 0, parts: [] }],
      },
    ],
  },
];

const built = { id: "r-0123456789ab", version: "v5" };

const example: readonly (readonly [name: string, needs?: string])[] = [
  ["web", "ui client"],
  ["expense-service", "database http"],
  ["user-service", "database http"],
  ["api-gateway", "http client"],
  ["client", "shapes"],
  ["database", "shapes"],
  ["http", "shapes"],
  ["ui"],
  ["shapes"],
];
const exampleNames = example.map(([name]) => name);
const exampleProjects: ProjectGraph = {
  projects: example.map(([name, needs = ""]) => ({
    name,
    dir: `packages/${name}`,
    needs: needs
      .split(" ")
      .filter(Boolean)
      .map((other) => ({
        project: exampleNames.indexOf(other),
        by: name === "api-gateway" && other === "client" ? "imported" : "declared",
      })),
  })),
  findings: ["undeclared: api-gateway imports client"],
};

/** Half a minute of a bake in which the new version fails a little and is slower; five minutes of stable before it. */
function observed(step: number, at: number): readonly Interval[] {
  const startsAt = at + Math.max(0, step) * 60_000;
  return Array.from({ length: step < 0 ? 60 : 18 }, (_, i) => {
    const startMs = step < 0 ? at - 300_000 + i * 5_000 : startsAt + i * 5_000;
    return {
      startMs,
      endMs: startMs + 5_000,
      stable: { "GET /expenses": side(180, i % 9 === 0 ? 1 : 0, 0), "POST /expenses": side(40, 0, 4) },
      candidate: step < 0 ? {} : { "GET /expenses": side(20, i % 3 === 0 ? 1 : 0, 3), "POST /expenses": side(5, 0, 6) },
    };
  });
}

function side(requests: number, errors: number, slower: number): Counts {
  const latency = new Array<number>(120).fill(0);
  for (let i = 0; i < requests - errors; i++) {
    const b = 60 + slower + ((i * i) % 23);
    latency[b] = (latency[b] ?? 0) + 1;
  }
  return { requests, errors, latency };
}

function placesOf(traffic: (() => Traffic) | undefined): Places {
  return {
    intend: () => Promise.reject(new Error("nothing is deployed here")),
    restart: () => Promise.reject(new Error("nothing is restarted here")),
    publicUrl: async () => "http://shop.localhost:8080",
    health: async () => exampleHealth,
    waiting: () => ["expense-service-4c81e has 1 of 2 replicas ready"],
    metrics: async () => "",
    counted: async () => ({ intervals: [], replicas: [] }),
    pushMetrics: async () => undefined,
    logs: async function* ({ service }) {
      yield { service, line: "listening on 3000" };
    },
    shelves: { read: async () => undefined, write: async () => {} },
    secretValues: () => ({}),
    hookSecret: () => "hook",
    checkSchedule: () => {},
    putSecrets: () => ({}),
    maintain: async () => true,
    inMaintenance: async () => ({}),
    jobs: {
      list: async () => [],
      run: () => Promise.reject(new Error("no job is run here")),
      lines: async () => [],
    },
    artifacts: { has: async () => false, arrived: async () => 0, take: async () => 0, finish: async () => undefined },
    ...(traffic === undefined ? {} : { traffic }),
  };
}

/** For tests: whether a deployment is in this phase. */
export function phaseOf(events: readonly Event[], deployment: DeploymentId): string | undefined {
  return fold(events.filter((event) => event.deployment === deployment))?.phase.kind;
}

const shop = {
  name: "shop",
  url: "https://github.com/acme/shop.git",
  tasks: ["lint", "test"],
  affected: true,
  branches: ["main", "release/*"],
  trusted: ["main"],
  labels: [],
  schedule: "0 3 * * *",
};
const order = {
  ...orderOf(shop, "refs/heads/main", { kind: "push", by: "ada" }),
  commit: "9fceb02d0ae598e95dc970b74767f19372d61af8",
};
const ran = { order, askedAt: Date.now() - 90_000, startedAt: Date.now() - 88_000, runner: "linux-1", attempt: 1 };
const exampleBuilds: readonly Build[] = [
  { id: "b-3", order, askedAt: Date.now() - 4_000, attempt: 1, state: "queued" },
  { ...ran, id: "b-2", state: "running" },
  {
    ...ran,
    id: "b-1",
    state: "failed",
    endedAt: Date.now() - 60_000,
    because: "sluice run lint test ended with code 1",
  },
];

const builds: Records["builds"] = {
  putRepository: async () => {},
  repositories: async () => [shop],
  lastGood: async () => undefined,
  request: async (order) => ({ id: "b-3", order, state: "queued", askedAt: Date.now(), attempt: 1 }),
  list: async () => exampleBuilds,
  get: async (id) => exampleBuilds.find((build) => build.id === id),
  cancel: async () => undefined,
  claim: async () => undefined,
  beat: async () => undefined,
  end: async () => false,
  log: async () => 0,
  readLog: async (id, from) =>
    Buffer.from(id === "b-3" ? "" : "$ sluice run test\napp#test  done  1.2 s\n").subarray(from),
};
