// Many rollouts at once: memory of everything, how late ticks are, and how both grow with their number. Two worker
// processes and the embedded PostgreSQL on this machine, simulated targets on real time.
// --history-days 365: each measurement twice, without history and on top of a year of it (--history-per-day deployments).
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { cpus, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { startEmbedded, stopEmbedded } from "../../src/adapters/postgres/embedded/server.ts";
import { openStore, type Store } from "../../src/adapters/postgres/store.ts";
import { plan } from "../../src/domain/plan.ts";
import type { Gate } from "../../src/domain/strategy.ts";
import { bake, comparisonCheck, errorsCheck, intent, service } from "../../src/testing/intents.ts";
import { fillPast } from "./history.ts";

const { values } = parseArgs({
  options: {
    rollouts: { type: "string", default: "100,1000,10000" },
    seconds: { type: "string", default: "60" },
    "tick-ms": { type: "string", default: "10000" },
    "history-days": { type: "string", default: "0" },
    "history-per-day": { type: "string", default: "50" },
    json: { type: "boolean", default: false },
  },
});
const seconds = Number(values.seconds);
const tickMs = Number(values["tick-ms"]);
const historyDays = Number(values["history-days"]);
const workers = 2;
/** Of ten rollouts, so many bake at 10 % of traffic; the rest wait for a person's approval there. */
const bakingOfTen = 7;

const approval: Gate = { kind: "approve", policy: { quorum: 1, roles: [] }, withinMs: 86_400_000 };

function intentOf(index: number) {
  const gate = index % 10 < bakingOfTen ? bake(86_400_000, [errorsCheck, comparisonCheck]) : approval;
  return intent({ web: service({ kind: "canary", steps: [{ kind: "setWeight", weight: 10 }, gate] }) });
}

/** Stable stands in each environment, and a new release is asked for. */
async function seed(store: Store, index: number): Promise<void> {
  const environment = `env-${index}`;
  const wanted = intentOf(index);
  const before = `before-${index}`;
  const request = { kind: "requested", environment, intent: wanted, by: "bench" } as const;
  await store.journal.append(before, 0, { ...request, release: { id: "r1", version: "1" } });
  await store.journal.append(before, 1, { kind: "planned", plan: plan(wanted, {}), stands: {} });
  await store.journal.append(before, 2, { kind: "ended", outcome: "succeeded", stands: { web: "web-1" } });
  await store.journal.append(`now-${index}`, 0, { ...request, release: { id: "r2", version: "2" } });
}

async function sideBySide(count: number, each: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < count) await each(next++);
  };
  await Promise.all(Array.from({ length: 8 }, lane));
}

/** Proportional set size in MiB: shared pages are counted once over all processes. */
function pssMiB(pids: readonly number[]): number {
  const each = pids.map((pid) => {
    try {
      return Number(/^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1] ?? 0);
    } catch {
      return 0; // it ended meanwhile
    }
  });
  return each.reduce((sum, kib) => sum + kib, 0) / 1024;
}

function withChildren(root: number): readonly number[] {
  const parents = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        return [
          [Number(name), Number(readFileSync(`/proc/${name}/stat`, "utf8").split(") ")[1]?.split(" ")[1])],
        ] as const;
      } catch {
        return []; // it ended meanwhile
      }
    });
  return [root, ...parents.filter(([, parent]) => parent === root).map(([pid]) => pid)];
}

function cpuSeconds(pids: readonly number[]): number {
  const ticks = pids.map((pid) => {
    try {
      const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
      return Number(fields[11]) + Number(fields[12]);
    } catch {
      return 0; // it ended meanwhile
    }
  });
  return ticks.reduce((sum, one) => sum + one, 0) / 100;
}

interface Counted {
  readonly late: readonly number[];
  /** Journals that were read because this process did not remember their rollout. */
  readonly reads: number;
}

async function count(child: ChildProcess): Promise<Counted> {
  const answer = once(child, "message");
  child.send("count");
  const [counted] = (await answer) as [Counted];
  return counted;
}

/** Until every rollout has been started and for two rounds nobody was late: what follows is everyday life. */
async function settled(children: readonly ChildProcess[]): Promise<void> {
  for (let calm = 0; calm < 2; ) {
    await sleep(tickMs);
    const late = (await Promise.all(children.map(count))).flatMap((one) => one.late).sort((a, b) => a - b);
    calm = late.length > 0 && quantile(late, 0.99) < 1000 ? calm + 1 : 0;
    console.error(`settling: ${late.length} ticks, p99 ${Math.round(quantile(late, 0.99))} ms late`);
  }
}

function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0;
}

/** On top of so many days of history. */
async function measure(rollouts: number, days: number) {
  const folder = mkdtempSync(join(tmpdir(), "sluice-bench-many-"));
  try {
    const { url } = await startEmbedded(folder);
    const perDay = Number(values["history-per-day"]);
    const past = days === 0 ? undefined : await fillPast({ url, days, perDay, environments: rollouts });
    if (past !== undefined)
      console.error(`${past.deployments} deployments of ${days} days, ${past.events} facts, ${past.packed} packed`);
    const store = await openStore({ url, workspace: "bench", connectionsMax: 8 });
    await sideBySide(rollouts, (index) => seed(store, index));
    await store.close();
    const children = await Promise.all(
      Array.from({ length: workers }, async () => {
        const child = fork(join(import.meta.dirname, "many-worker.js"), {
          env: { ...process.env, URL_OF_DATABASE: url, TICK_MS: String(tickMs) },
        });
        await once(child, "message");
        return child;
      }),
    );
    const postmaster = Number(readFileSync(join(folder, "postgres", "data", "postmaster.pid"), "utf8").split("\n")[0]);
    await settled(children);
    const pids = () => [...children.map((child) => child.pid ?? 0), ...withChildren(postmaster)];
    const cpuBefore = cpuSeconds(pids());
    const pss: number[] = [];
    for (let second = 0; second < seconds; second += 5) {
      await sleep(5000);
      pss.push(pssMiB(pids()));
    }
    const cores = (cpuSeconds(pids()) - cpuBefore) / seconds;
    const counted = await Promise.all(children.map(count));
    const late = counted.flatMap((one) => one.late).sort((a, b) => a - b);
    const workersMiB = pssMiB(children.map((child) => child.pid ?? 0));
    for (const child of children) child.send("stop");
    await Promise.all(children.map((child) => once(child, "exit")));
    return {
      rollouts,
      historyDays: days,
      historyDeployments: past?.deployments ?? 0,
      ticksPerSecond: Math.round(late.length / seconds),
      lateP50Ms: Math.round(quantile(late, 0.5)),
      lateP99Ms: Math.round(quantile(late, 0.99)),
      lateMaxMs: Math.round(late.at(-1) ?? 0),
      readAgain: counted.reduce((sum, { reads }) => sum + reads, 0),
      pssMiB: Math.round(Math.max(...pss)),
      workersMiB: Math.round(workersMiB),
      databaseMiB: Math.round((pss.at(-1) ?? 0) - workersMiB),
      cores: Number(cores.toFixed(2)),
    };
  } finally {
    await stopEmbedded(folder);
    rmSync(folder, { recursive: true, force: true });
  }
}

const { model = "unknown" } = cpus()[0] ?? {};
console.log(
  `${cpus().length} × ${model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}`,
);
console.log(
  `${workers} workers and the embedded PostgreSQL; simulated targets on real time; a tick every ${tickMs / 1000} s; ` +
    `${bakingOfTen * 10} % bake (errors and comparison judged), ${100 - bakingOfTen * 10} % wait for approval; ${seconds} s`,
);
const rows = [];
for (const rollouts of values.rollouts.split(",").map(Number)) {
  for (const days of historyDays > 0 ? [0, historyDays] : [0]) {
    const row = await measure(rollouts, days);
    rows.push(row);
    if (!values.json)
      console.log(
        Object.entries(row)
          .map(([name, value]) => `${name} ${value}`)
          .join("  "),
      );
  }
}
const fresh = rows.filter((row) => row.historyDays === 0);
const [first, last] = [fresh[0], fresh.at(-1)];
if (first !== undefined && last !== undefined && last.rollouts > first.rollouts) {
  const slopeKiB = ((last.pssMiB - first.pssMiB) * 1024) / (last.rollouts - first.rollouts);
  console.log(`${slopeKiB.toFixed(1)} KiB for each more rollout from ${first.rollouts} to ${last.rollouts}`);
}
console.log(JSON.stringify({ rows }));
