// npm run bench:router [-- --quick] [-- --json] [-- --only=sluice,nginx]: what a proxied request costs, ours and others'.
// CPU time per request is the figure to compare by: it holds on a busy machine, where throughput does not.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Measured, Task } from "./load.ts";
import { type Proxy as Contender, cpuMicros, proxies, type Running, rssMiB } from "./proxies.ts";

interface Figures {
  readonly name: string;
  readonly requestsPerSecond: number;
  readonly cpuMicrosPerRequest: number;
  readonly rssMiB: number;
  readonly idleRssMiB: number;
  readonly failed: number;
  readonly at: Readonly<Record<number, Measured>>;
}

const isQuick = process.argv.includes("--quick");
const isJson = process.argv.includes("--json");
const only = process.argv
  .find((a) => a.startsWith("--only="))
  ?.slice(7)
  .split(",");
const connections = 64;
const idleConnections = 10_000;
/** By requests rather than by time: on a busy machine a time would measure how cold the code still is. */
const size = isQuick
  ? { warm: 50_000, closed: 80_000, closedMsMax: 4_000, openMs: 1_500, rounds: 1 }
  : { warm: 100_000, closed: 200_000, closedMsMax: 10_000, openMs: 5_000, rounds: 3 };

const folder = mkdtempSync(join(tmpdir(), "sluice-bench-run-"));
const startedAt = performance.now();
const started: Running[] = [];
const load = startLoad();
const replicaPort = await new Promise<number>((resolve) =>
  load.once("message", (m: { port: number }) => resolve(m.port)),
);
try {
  await main();
} finally {
  load.kill("SIGKILL");
  for (const running of started) running.stop();
  rmSync(folder, { recursive: true, force: true });
}

async function main(): Promise<void> {
  const isChosen = (p: Contender): boolean => (only ? only.includes(p.name) : !(isQuick && p.name === "sluice-all"));
  const chosen = proxies.filter(isChosen);
  const present = chosen.filter((p) => {
    const missing = p.missing();
    if (missing) console.error(`${p.name} is left out: ${missing}`);
    return !missing;
  });
  const runs: { running: Running; first: Omit<Figures, "at"> }[] = [];
  for (const proxy of present) {
    const home = join(folder, proxy.name);
    mkdirSync(home);
    const running = await proxy.start({ folder: home, replicaPort });
    started.push(running);
    runs.push({ running, first: await throughput(proxy, running) });
  }
  const ours = runs.find((r) => r.first.name === "sluice")?.first.requestsPerSecond ?? 20_000;
  const haproxy = runs.find((r) => r.first.name === "haproxy")?.first.requestsPerSecond ?? ours;
  const shared = Math.round(Math.min(ours, haproxy) / 2 / 500) * 500;
  const figures: Figures[] = [];
  for (const { running, first } of runs) {
    const rates = (isQuick ? [shared] : [2_000, 10_000, shared]).map((r) =>
      Math.min(r, Math.round(first.requestsPerSecond / 2)),
    );
    const at: Record<number, Measured> = {};
    for (const perSecond of rates)
      at[perSecond] = await ask({ kind: "open", port: running.port, connections, ms: size.openMs, perSecond });
    const idleRssMiB = await idleMemory(running);
    figures.push({ ...first, at, idleRssMiB });
  }
  const direct = await ask({ kind: "open", port: replicaPort, connections, ms: size.openMs, perSecond: shared });
  print(figures, { shared, direct });
}

async function throughput(proxy: Contender, running: Running): Promise<Omit<Figures, "at">> {
  await closedLoop(running, size.warm);
  const rounds: { perSecond: number; micros: number; failed: number }[] = [];
  for (let i = 0; i < size.rounds; i++) {
    const before = cpuMicros(running.pid);
    const m = await closedLoop(running, size.closed);
    rounds.push({
      perSecond: (m.requests / m.ms) * 1_000,
      micros: (cpuMicros(running.pid) - before) / m.requests,
      failed: m.failed,
    });
  }
  rounds.sort((a, b) => a.micros - b.micros);
  const middle = rounds[Math.floor(rounds.length / 2)] ?? { perSecond: 0, micros: Number.NaN, failed: 0 };
  return {
    name: proxy.name,
    requestsPerSecond: Math.round(middle.perSecond),
    cpuMicrosPerRequest: middle.micros,
    rssMiB: rssMiB(running.pid),
    idleRssMiB: 0,
    failed: rounds.reduce((sum, r) => sum + r.failed, 0),
  };
}

function closedLoop(running: Running, requests: number): Promise<Measured> {
  return ask({ kind: "closed", port: running.port, connections, requests, msMax: size.closedMsMax });
}

async function idleMemory(running: Running): Promise<number> {
  const m = await ask({ kind: "idle", port: running.port, connections: idleConnections });
  const mib = rssMiB(running.pid);
  await ask({ kind: "release" });
  return m.requests === idleConnections ? mib : Number.NaN;
}

function ask(task: Task): Promise<Measured> {
  return new Promise((resolve) => {
    load.once("message", (m: Measured) => resolve(m));
    load.send(task);
  });
}

function startLoad(): ChildProcess {
  const script = join(import.meta.dirname, "load.mjs");
  return spawn(
    "sh",
    ["-c", 'command -v taskset >/dev/null && exec taskset -c 1 "$@"; exec "$@"', "sh", process.execPath, script],
    {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    },
  );
}

function print(figures: readonly Figures[], o: { shared: number; direct: Measured }): void {
  const log = isJson ? console.error : console.log;
  log(`one core each for the proxy and for load with replica; ${connections} keep-alive connections, 120-byte answers`);
  log("proxy      CPU µs/request   requests/s   RSS MiB   with 10,000 idle   failed");
  for (const f of figures)
    log(
      `${f.name.padEnd(10)}${f.cpuMicrosPerRequest.toFixed(1).padStart(13)}${String(f.requestsPerSecond).padStart(15)}` +
        `${f.rssMiB.toFixed(0).padStart(10)}${f.idleRssMiB.toFixed(0).padStart(19)}${String(f.failed).padStart(9)}`,
    );
  log("\nlatency at fixed rates, ms (added: less what the replica takes when asked directly)");
  log("proxy        rate/s      p50      p99    p99.9   added p50   added p99");
  const row = (name: string, rate: number, m: Measured): void =>
    log(
      `${name.padEnd(10)}${String(rate).padStart(9)}${[m.p50Ms, m.p99Ms, m.p999Ms].map((v) => v.toFixed(3).padStart(9)).join("")}` +
        `${[m.p50Ms - o.direct.p50Ms, m.p99Ms - o.direct.p99Ms].map((v) => v.toFixed(3).padStart(12)).join("")}`,
    );
  row("direct", o.shared, o.direct);
  for (const f of figures) for (const [rate, m] of Object.entries(f.at)) row(f.name, Number(rate), m);
  log(`\n${verdicts(figures).join("\n")}\n${((performance.now() - startedAt) / 1_000).toFixed(0)} s`);
  if (isJson) console.log(JSON.stringify({ proxies: figures.map(asJson) }));
}

function verdicts(figures: readonly Figures[]): readonly string[] {
  const of = (name: string): Figures | undefined => figures.find((f) => f.name === name);
  const [ours, nginx, haproxy, caddy] = [of("sluice"), of("nginx"), of("haproxy"), of("caddy")];
  const line = (goal: string, value: number, max: number): string =>
    `${value <= max ? "reached" : "MISSED "}  ${goal}: ${value.toFixed(2)}`;
  const lines: string[] = [];
  if (ours && nginx)
    lines.push(line("CPU per request ≤ 2 × nginx", ours.cpuMicrosPerRequest / nginx.cpuMicrosPerRequest, 2));
  if (ours && caddy)
    lines.push(line("CPU per request ≤ 1/3 Caddy", ours.cpuMicrosPerRequest / caddy.cpuMicrosPerRequest, 1 / 3));
  if (ours && haproxy) lines.push(line("p99 ≤ 1.5 × HAProxy", last(ours).p99Ms / last(haproxy).p99Ms, 1.5));
  return lines;
}

function last(f: Figures): Measured {
  const rates = Object.keys(f.at).map(Number);
  return f.at[Math.max(...rates)] ?? { requests: 0, failed: 0, ms: 0, p50Ms: 0, p99Ms: 0, p999Ms: 0 };
}

function asJson(f: Figures): Record<string, number | string> {
  const round = (v: number): number => Math.round(v * 1_000) / 1_000;
  return {
    name: f.name,
    requestsPerSecond: f.requestsPerSecond,
    cpuMicrosPerRequest: round(f.cpuMicrosPerRequest),
    p50Ms: round(last(f).p50Ms),
    p99Ms: round(last(f).p99Ms),
    p999Ms: round(last(f).p999Ms),
    rssMiB: round(f.rssMiB),
    idleRssMiB: round(f.idleRssMiB),
  };
}
