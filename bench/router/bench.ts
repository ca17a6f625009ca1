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
  readonly at: readonly AtRate[];
}

/** At a fixed rate, and the replica asked directly at the same. */
interface AtRate {
  readonly perSecond: number;
  readonly measured: Measured;
  readonly direct: Measured;
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
  ? { warm: 40_000, closed: 60_000, closedMsMax: 2_000, openMs: 1_300, rounds: 1 }
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
  const missing: Missing[] = [];
  const runs: { running: Running; first: Omit<Figures, "at"> }[] = [];
  for (const proxy of proxies.filter(({ name }) => !only || only.includes(name))) {
    const running = await start(proxy).catch((error: unknown) => (error instanceof Error ? error.message : `${error}`));
    if (typeof running === "string") {
      console.error(`${proxy.name} is left out: ${running}`);
      missing.push({ name: proxy.name, why: running });
    } else runs.push({ running, first: await throughput(proxy, running) });
  }
  const ours = runs.find((r) => r.first.name === "sluice")?.first.requestsPerSecond ?? 20_000;
  const haproxy = runs.find((r) => r.first.name === "haproxy")?.first.requestsPerSecond ?? ours;
  const shared = Math.round(Math.min(ours, haproxy) / 2 / 500) * 500;
  // The last is the one that the goal is about.
  const rates = [...(isQuick ? [] : [2_000, 10_000]), shared].filter((rate) => rate > 0);
  const directly = await openLoops(replicaPort, rates);
  const figures: Figures[] = [];
  for (const { running, first } of runs) {
    const isWithoutIdle = isQuick && first.name === "sluice-all";
    const bearable = rates.map((rate) => Math.min(rate, Math.round(first.requestsPerSecond / 2)));
    const at = (await openLoops(running.port, bearable)).map((one, i) => ({
      ...one,
      direct: directly[i]?.measured ?? one.measured,
    }));
    figures.push({ ...first, at, idleRssMiB: isWithoutIdle ? Number.NaN : await idleMemory(running) });
  }
  print(figures, missing);
}

interface Missing {
  readonly name: string;
  readonly why: string;
}

async function start(proxy: Contender): Promise<Running> {
  const missing = proxy.missing();
  if (missing !== undefined) throw new Error(missing);
  const home = join(folder, proxy.name);
  mkdirSync(home);
  const running = await proxy.start({ folder: home, replicaPort });
  started.push(running);
  return running;
}

async function openLoops(port: number, rates: readonly number[]): Promise<readonly Omit<AtRate, "direct">[]> {
  const all: Omit<AtRate, "direct">[] = [];
  for (const perSecond of rates)
    all.push({ perSecond, measured: await ask({ kind: "open", port, connections, ms: size.openMs, perSecond }) });
  return all;
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
  const script = join(import.meta.dirname, "load.js");
  return spawn(
    "sh",
    ["-c", 'command -v taskset >/dev/null && exec taskset -c 1 "$@"; exec "$@"', "sh", process.execPath, script],
    {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    },
  );
}

function print(figures: readonly Figures[], missing: readonly Missing[]): void {
  const log = isJson ? console.error : console.log;
  log(`one core each for the proxy and for load with replica; ${connections} keep-alive connections, 120-byte answers`);
  log("proxy      CPU µs/request   requests/s   RSS MiB   with 10,000 idle   failed");
  for (const f of figures)
    log(
      `${f.name.padEnd(10)}${f.cpuMicrosPerRequest.toFixed(1).padStart(13)}${String(f.requestsPerSecond).padStart(15)}` +
        `${f.rssMiB.toFixed(0).padStart(10)}${known(f.idleRssMiB, 0).padStart(19)}${String(f.failed).padStart(9)}`,
    );
  for (const { name, why } of missing) log(`${name.padEnd(10)} not measured: ${why}`);
  log("\nlatency at fixed rates, ms (added: less what the replica takes when asked directly)");
  log("proxy        rate/s      p50      p99    p99.9   added p50   added p99 added p99.9");
  for (const f of figures)
    for (const { perSecond, measured: m, direct } of f.at) {
      const found = [m.p50Ms, m.p99Ms, m.p999Ms];
      const added = [m.p50Ms - direct.p50Ms, m.p99Ms - direct.p99Ms, m.p999Ms - direct.p999Ms];
      const columns = [...found.map((v) => known(v, 3).padStart(9)), ...added.map((v) => known(v, 3).padStart(12))];
      log(`${f.name.padEnd(10)}${String(perSecond).padStart(9)}${columns.join("")}`);
    }
  log(`\n${verdicts(figures).join("\n")}\n${((performance.now() - startedAt) / 1_000).toFixed(0)} s`);
  if (isJson) console.log(JSON.stringify({ proxies: figures.map(asJson), ...(missing.length > 0 ? { missing } : {}) }));
}

function known(value: number, digits: number): string {
  return Number.isFinite(value) ? value.toFixed(digits) : "-";
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

/** At half of the slower one's capacity. */
function last(f: Figures): Measured {
  const none = { requests: 0, failed: 0, ms: 0, p50Ms: Number.NaN, p99Ms: Number.NaN, p999Ms: Number.NaN };
  return f.at.at(-1)?.measured ?? none;
}

/** What was not measured (idle connections of "everything on" in a quick run) is null. */
function asJson(f: Figures): Record<string, number | string | null> {
  const round = (v: number): number | null => (Number.isFinite(v) ? Math.round(v * 1_000) / 1_000 : null);
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
