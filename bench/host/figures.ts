// npm run bench:host: what the host costs and how quick it is: memory of supervisor, router and shims, time to adopt 100
// replicas, time from a crash to the restarted replica in service.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DesiredService } from "../../src/host/api.ts";
import type { HostClient } from "../../src/host/client.ts";
import { freePort } from "../../src/host/replica/free-port.ts";
import { startHost } from "../../src/host/start.ts";

const programs = import.meta.dirname;
const dataFolder = mkdtempSync(join(tmpdir(), "sluice-figures-"));
const client = await startHost({ dataFolder, programs });
try {
  const before = (await client.health()).pid;
  const emptyKiB = memoryKiB(before);
  // A shell that sleeps in place of a service: what is measured is the host, not Node a hundred times over.
  await client.put("bench/many", document(["sleep", "3600"], { replicas: 100, kind: "command" }));
  const startedMs = await took(() => untilReady(client, { key: "bench/many", count: 100 }));
  const supervisorKiB = memoryKiB((await client.health()).pid);
  const keeperOwnKiB = privateKiB((await client.health()).keeper ?? 0);
  const shims = (await client.get("bench/many"))?.revisions.v1?.replicas.map(({ pid }) => pid ?? 0) ?? [];
  const shimOwnKiB = median(shims.map(privateKiB));
  const shimResidentKiB = median(shims.map(memoryKiB));
  const adoptedMs = await took(async () => {
    process.kill((await client.health()).pid, "SIGKILL");
    await untilAdopted(before);
  });
  await client.put("bench/many", {
    ...document([], { replicas: 0, kind: "command" }),
    revisions: {},
    fence: { journal: "figures", seq: 2 },
  });
  await client.put("bench/web", document(["node", "service.js"], { replicas: 1, kind: "http" }));
  await untilReady(client, { key: "bench/web", count: 1 });
  const aloneMs: number[] = [];
  const restartedMs: number[] = [];
  const readyMs: number[] = [];
  for (let i = 0; i < 5; i++) {
    aloneMs.push(await took(startAlone));
    const pid = (await client.get("bench/web"))?.revisions.v1?.replicas[0]?.pid ?? 0;
    const crashedMs = performance.now();
    process.kill(-pid, "SIGKILL");
    await untilRestarted(client, pid);
    restartedMs.push(Math.round(performance.now() - crashedMs));
    await untilReady(client, { key: "bench/web", count: 1, not: pid });
    readyMs.push(Math.round(performance.now() - crashedMs));
    await new Promise((resolve) => setTimeout(resolve, 11_000)); // it lived long enough to be forgiven
  }
  const figures = {
    replicas: 100,
    startedMs,
    adoptedAfterKillMs: adoptedMs,
    supervisorMiB: mib(supervisorKiB),
    supervisorKiBPerReplica: Math.round((supervisorKiB - emptyKiB) / 100),
    keeperOwnKiB,
    shimOwnKiB,
    shimResidentKiB,
    crashToRestartedMs: restartedMs,
    crashToReadyMs: readyMs,
    serviceAloneToReadyMs: aloneMs,
  };
  if (process.argv.includes("--json")) console.log(JSON.stringify(figures));
  else console.log(inWords(figures).join("\n"));
} finally {
  await client.stop();
  rmSync(dataFolder, { recursive: true, force: true });
}

function document(command: readonly string[], o: { replicas: number; kind: "http" | "command" }): DesiredService {
  const probe = { intervalMs: 5_000, timeoutMs: 5_000, healthyThreshold: 1, unhealthyThreshold: 3 };
  return {
    fence: { journal: "figures", seq: 1 },
    revisions: {
      v1: {
        replicas: o.replicas,
        weight: 100,
        spec: {
          folder: programs,
          command,
          env: {},
          readiness:
            o.kind === "http"
              ? { ...probe, kind: "http", path: "/health" }
              : { ...probe, kind: "command", command: ["true"] },
          startWithinMs: o.kind === "http" ? 10_000 : 60_000,
          drainTimeoutMs: 1_000,
          graceMs: 2_000,
        },
      },
    },
    routes: [],
    ingress: [],
    entry: { environment: "bench", port: 0 },
    buffer: { maxMs: 0, maxBytes: 0 },
  };
}

async function took(act: () => Promise<unknown>): Promise<number> {
  const begunMs = performance.now();
  await act();
  return Math.round(performance.now() - begunMs);
}

async function untilReady(
  host: HostClient,
  { key, count, not }: { key: string; count: number; not?: number },
): Promise<void> {
  for (;;) {
    const side = (await host.get(key).catch(() => undefined))?.revisions.v1;
    if (side?.ready === count && side.replicas.every(({ pid }) => pid !== not)) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Its successor was started: ready it is later, when Node and the service have started. */
async function untilRestarted(host: HostClient, former: number): Promise<void> {
  for (;;) {
    const replica = (await host.get("bench/web").catch(() => undefined))?.revisions.v1?.replicas[0];
    if (replica?.pid !== undefined && replica.pid !== former) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** What the same service takes from its start to its first answer without any host: the part that nobody can spare. */
async function startAlone(): Promise<void> {
  const port = await freePort(new Set());
  const alone = spawn(process.execPath, [join(programs, "service.js")], {
    env: { PORT: String(port) },
    stdio: "ignore",
  });
  while (!(await isAnswering(port))) await new Promise((resolve) => setTimeout(resolve, 5));
  alone.kill("SIGKILL");
}

function isAnswering(port: number): Promise<boolean> {
  return fetch(`http://127.0.0.1:${port}/health`).then(
    () => true,
    () => false,
  );
}

async function untilAdopted(before: number): Promise<void> {
  for (;;) {
    const health = await client.health().catch(() => undefined);
    if (health !== undefined && health.pid !== before && health.adopted === 100) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function memoryKiB(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);
}

/** Without the pages that all shells of the machine share. */
function privateKiB(pid: number): number {
  const [, resident = 0, shared = 0] = readFileSync(`/proc/${pid}/statm`, "utf8").split(" ").map(Number);
  return (resident - shared) * 4;
}

type Figures = Readonly<Record<string, number | readonly number[] | undefined>>;

function inWords(figures: Figures): readonly string[] {
  const { startedMs, adoptedAfterKillMs, supervisorMiB, supervisorKiBPerReplica } = figures;
  const { keeperOwnKiB, shimOwnKiB, shimResidentKiB } = figures;
  const middle = (values: Figures[string]) => median(Array.isArray(values) ? values : []);
  return [
    `100 replicas started            ${startedMs} ms`,
    `100 replicas adopted            ${adoptedAfterKillMs} ms after the supervisor was killed`,
    `supervisor                      ${supervisorMiB} MiB with 100 replicas, ${supervisorKiBPerReplica} KiB for each`,
    `shim                            ${shimOwnKiB} KiB of its own, ${shimResidentKiB} KiB with the pages that all shells share`,
    `keeper                          ${keeperOwnKiB} KiB of its own`,
    `killed service started again    ${middle(figures.crashToRestartedMs)} ms after its end (of which 100 ms are the pause)`,
    `killed service ready again      ${middle(figures.crashToReadyMs)} ms after its end; alone it takes ${middle(figures.serviceAloneToReadyMs)} ms to its first answer`,
  ];
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

function mib(kib: number): number {
  return Math.round(kib / 102.4) / 10;
}
