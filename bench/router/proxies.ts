// The proxies under comparison, each on one core with keep-alive to clients and replica, as its own documentation says.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { homedir } from "node:os";
import { join } from "node:path";
import { bindListener } from "../../src/host/listeners.ts";
import type { Listener, RoutedService, RouterTable } from "../../src/host/table.ts";
import type { TwinSettings } from "../../src/host/twin.ts";

export interface Running {
  readonly pid: number;
  readonly port: number;
  stop(): void;
}

export interface Proxy {
  readonly name: string;
  /** Why it cannot be measured here, or undefined. */
  readonly missing: () => string | undefined;
  readonly start: (o: { folder: string; replicaPort: number }) => Promise<Running>;
}

const caddyVersion = "v2.10.2";
const caddy = join(homedir(), ".cache/sluice-bench/caddy");

export const proxies: readonly Proxy[] = [
  { name: "sluice", missing: () => undefined, start: (o) => startSluice({ ...o, service: {} }) },
  { name: "sluice-all", missing: () => undefined, start: (o) => startSluice({ ...o, ...everything(o.folder) }) },
  { name: "nginx", missing: () => unlessInstalled("nginx"), start: startNginx },
  { name: "haproxy", missing: () => unlessInstalled("haproxy"), start: startHaproxy },
  { name: "caddy", missing: unlessCaddy, start: startCaddy },
];

/** Sessions, limits, an allow-list, trust, a full access log: all that costs something for each request. */
function everything(folder: string): {
  service: Partial<RoutedService>;
  table: Partial<RouterTable>;
  listener: Partial<Listener>;
} {
  return {
    service: {
      sticky: { cookie: "seat" },
      ejection: { failuresInRow: 5, forMs: 10_000 },
      routeClasses: ["GET /api/orders/{id}", "POST /api/orders"],
      answerBytesMax: 1e7,
      rateLimit: { perSecond: 1e9, burst: 1e9 },
      allow: [{ path: "/admin", from: ["10.0.0.0/8"] }],
      slowStartMs: 1_000,
      bodyBytesMax: 1e6,
    },
    table: { stickySecret: "bench" },
    listener: {
      trusted: ["10.0.0.0/8"],
      connectionsPerClientMax: 1e6,
      accessLog: { file: join(folder, "access.log"), samplePercent: 100 },
    },
  };
}

async function startSluice(o: {
  folder: string;
  replicaPort: number;
  service: Partial<RoutedService>;
  table?: Partial<RouterTable>;
  listener?: Partial<Listener>;
}): Promise<Running> {
  const replicas = [{ id: "r1", port: o.replicaPort }];
  const table: RouterTable = {
    version: 1,
    ...o.table,
    listeners: [{ id: "entry", rules: [{ path: "/", service: "bench/web" }], ...o.listener }],
    services: {
      "bench/web": {
        revisions: { v1: { weight: 90, replicas }, v2: { weight: 10, replicas } },
        routes: [],
        buffer: { maxMs: 1_000, maxBytes: 1e6 },
        ...o.service,
      },
    },
  };
  const tableFile = join(o.folder, "table.json");
  writeFileSync(tableFile, JSON.stringify(table));
  const listener = bindListener({ host: "127.0.0.1", port: 0, usedFor: "the bench" });
  const script = join(import.meta.dirname, "router.js");
  const settings: TwinSettings = {
    dataFolder: o.folder,
    commands: { supervisor: ["-e", ""], router: [script] },
    routerSocket: join(o.folder, "router.sock"),
    tableFile,
    logFile: join(o.folder, "router.log"),
    listeners: { entry: 4 },
  };
  const flags = process.env.SLUICE_BENCH_NODE_FLAGS?.split(" ") ?? [];
  const child = pinned([process.execPath, ...flags, script], {
    stdio: ["ignore", "inherit", "inherit", "ipc", listener.fd],
    env: { ...process.env, SLUICE_TWIN: JSON.stringify(settings) },
  });
  return running(child, listener.port, () => listener.close());
}

async function startNginx(o: { folder: string; replicaPort: number }): Promise<Running> {
  const port = await freePort();
  const file = join(o.folder, "nginx.conf");
  writeFileSync(
    file,
    `daemon off; worker_processes 1; pid ${o.folder}/nginx.pid; error_log ${o.folder}/nginx.log crit;
events { worker_connections 15000; }
http {
  access_log off; keepalive_requests 100000000; keepalive_timeout 75s; tcp_nodelay on;
  client_body_temp_path ${o.folder}/n1; proxy_temp_path ${o.folder}/n2; fastcgi_temp_path ${o.folder}/n3; uwsgi_temp_path ${o.folder}/n4; scgi_temp_path ${o.folder}/n5;
  upstream replica { server 127.0.0.1:${o.replicaPort}; keepalive 128; keepalive_requests 100000000; }
  server { listen 127.0.0.1:${port} backlog=4096; location / {
    proxy_pass http://replica; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host;
    proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto $scheme; proxy_set_header X-Request-Id $request_id; } }
}`,
  );
  return running(pinned(["nginx", "-e", join(o.folder, "nginx.log"), "-c", file], { stdio: "ignore" }), port);
}

async function startHaproxy(o: { folder: string; replicaPort: number }): Promise<Running> {
  const port = await freePort();
  const file = join(o.folder, "haproxy.cfg");
  writeFileSync(
    file,
    `global
  nbthread 1
  no strict-limits
  maxconn 12000
defaults
  mode http
  timeout connect 5s
  timeout client 75s
  timeout server 60s
  option forwardfor
  http-reuse always
frontend entry
  bind 127.0.0.1:${port} backlog 4096
  http-request set-header X-Forwarded-Proto http
  unique-id-format %{+X}o%ci:%cp_%Ts_%rt
  unique-id-header X-Request-Id
  default_backend replica
backend replica
  server r1 127.0.0.1:${o.replicaPort}
`,
  );
  return running(pinned(["haproxy", "-db", "-q", "-f", file], { stdio: "ignore" }), port);
}

async function startCaddy(o: { folder: string; replicaPort: number }): Promise<Running> {
  const port = await freePort();
  const file = join(o.folder, "Caddyfile");
  writeFileSync(
    file,
    `{\n  admin off\n  auto_https off\n  persist_config off\n  log {\n    level ERROR\n  }\n}\nhttp://:${port} {\n  bind 127.0.0.1\n  reverse_proxy 127.0.0.1:${o.replicaPort}\n}\n`,
  );
  const env = { ...process.env, GOMAXPROCS: "1", HOME: o.folder, XDG_DATA_HOME: o.folder, XDG_CONFIG_HOME: o.folder };
  return running(pinned([caddy, "run", "--config", file, "--adapter", "caddyfile"], { stdio: "ignore", env }), port);
}

function unlessInstalled(program: string): string | undefined {
  return onPath(program) ? undefined : `${program} is not installed (Debian: apt-get install ${program})`;
}

/** Built once, when Go is there, and kept in the user's cache. */
function unlessCaddy(): string | undefined {
  if (existsSync(caddy)) return undefined;
  if (!onPath("go")) return "Go is not installed, and Caddy is built with it";
  console.error(`building Caddy ${caddyVersion} once, with Go: some minutes`);
  mkdirSync(join(homedir(), ".cache/sluice-bench"), { recursive: true });
  try {
    const env = { ...process.env, GOBIN: join(homedir(), ".cache/sluice-bench") };
    execFileSync("go", ["install", `github.com/caddyserver/caddy/v2/cmd/caddy@${caddyVersion}`], {
      env,
      stdio: "ignore",
      timeout: 900_000,
    });
  } catch (error) {
    return `Caddy could not be built: ${error instanceof Error ? error.message : error}`;
  }
  return undefined;
}

function onPath(program: string): boolean {
  const folders = [...(process.env.PATH ?? "").split(":"), "/usr/sbin"];
  return folders.some((folder) => existsSync(join(folder, program)));
}

/** The proxy has core 0 for itself, the load has core 1. */
function pinned(command: readonly string[], o: Parameters<typeof spawn>[2]): ChildProcess {
  const [program = "", ...args] = onPath("taskset") ? ["taskset", "-c", "0", ...command] : command;
  const env = { ...process.env, ...o.env, PATH: `${process.env.PATH}:/usr/sbin` };
  return spawn(program, args, { ...o, env });
}

async function running(child: ChildProcess, port: number, close?: () => void): Promise<Running> {
  for (let i = 0; i < 200; i++) {
    if (child.exitCode !== null) throw new Error(`the proxy ended with exit code ${child.exitCode}`);
    const isThere = await fetch(`http://127.0.0.1:${port}/`).then(
      (r) => r.ok && r.text().then(() => true),
      () => false,
    );
    if (isThere) break;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  const stop = (): void => {
    close?.();
    for (const pid of [...childrenOf(child.pid ?? 0), child.pid ?? 0]) if (pid > 1) process.kill(pid, "SIGKILL");
  };
  return { pid: child.pid ?? 0, port, stop };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function childrenOf(pid: number): readonly number[] {
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "utf8");
      return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]) === pid ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
}

/** User and system time of a process and its children. */
export function cpuMicros(pid: number): number {
  const ticks = [pid, ...childrenOf(pid)].map((p) => {
    const stat = readFileSync(`/proc/${p}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return Number(fields[11]) + Number(fields[12]);
  });
  return ticks.reduce((sum, t) => sum + t, 0) * 10_000;
}

export function rssMiB(pid: number): number {
  const kib = [pid, ...childrenOf(pid)].map((p) =>
    Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${p}/status`, "utf8"))?.[1] ?? 0),
  );
  return kib.reduce((sum, k) => sum + k, 0) / 1_024;
}
