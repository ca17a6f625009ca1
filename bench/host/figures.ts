// npm run bench:host: what the host costs and how quick it is: memory of supervisor, router and shims, time to adopt 100
// replicas, time from a crash to the restarted replica in service.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DesiredService } from "../../src/host/api.ts";
import type { HostClient } from "../../src/host/client.ts";
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
  const crashedMs: number[] = [];
  for (let i = 0; i < 5; i++) {
    const replica = (await client.get("bench/web"))?.revisions.v1?.replicas[0];
    process.kill(-(replica?.pid ?? 0), "SIGKILL");
    crashedMs.push(await took(() => untilReady(client, { key: "bench/web", count: 1, not: replica?.pid ?? 0 })));
    await new Promise((resolve) => setTimeout(resolve, 11_000)); // it lived long enough to be forgiven
  }
  console.log(
    JSON.stringify(
      {
        replicas: 100,
        startedMs,
        adoptedAfterKillMs: adoptedMs,
        supervisorMiB: mib(supervisorKiB),
        supervisorKiBPerReplica: Math.round((supervisorKiB - emptyKiB) / 100),
        shimOwnKiB,
        shimResidentKiB,
        crashToReadyMs: crashedMs,
      },
      undefined,
      2,
    ),
  );
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
          startWithinMs: 60_000,
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

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

function mib(kib: number): number {
  return Math.round(kib / 102.4) / 10;
}
