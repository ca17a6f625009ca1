// Crash schedules for as long as asked: `npm run crash -- --schedules 20000 --seed 1`. Exit status 1 when one is violated.
//   --only SEED    one schedule again, alone, with the smallest one that fails likewise and its history
//   --every        each strategy × weather × port call × {before, after}: the calm run's decisions, exactly
//   --threads N    one for each core unless given
//   --json         the figures as one line
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, cpus, tmpdir, totalmem } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { build } from "esbuild";

if (isMainThread) await main();
else await work(workerData);

async function main() {
  const { values } = parseArgs({
    options: {
      schedules: { type: "string", default: "20000" },
      seed: { type: "string", default: "1" },
      only: { type: "string" },
      every: { type: "boolean", default: false },
      threads: { type: "string", default: String(availableParallelism()) },
      json: { type: "boolean", default: false },
    },
  });
  const folder = mkdtempSync(join(tmpdir(), "sluice-crash-"));
  const program = join(folder, "schedules.mjs");
  await build({
    entryPoints: [resolve(import.meta.dirname, "../../src/testing/schedules.ts")],
    outfile: program,
    bundle: true,
    format: "esm",
    platform: "node",
    logLevel: "warning",
  });
  try {
    if (values.only === undefined) await many({ ...values, program });
    else await one(Number(values.only), program);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Threads take the next schedule from one counter, so none waits for another. */
async function many({ program, seed, schedules, every, threads, json }) {
  const { everySchedule } = await import(pathToFileURL(program).href);
  const total = every ? (await everySchedule()).length : Number(schedules);
  const counter = new Int32Array(new SharedArrayBuffer(4));
  const started = performance.now();
  const outcomes = {};
  let done = 0;
  let violated = 0;
  let simulatedMs = 0;
  const told = (message) => {
    if (message.outcomes !== undefined) {
      for (const [kind, count] of Object.entries(message.outcomes)) outcomes[kind] = (outcomes[kind] ?? 0) + count;
      return;
    }
    done += message.done;
    simulatedMs += message.simulatedMs;
    for (const { name, violations, replay } of message.failed) {
      violated += 1;
      if (violated <= 20) console.log(`${name}\n  ${violations.join("\n  ")}\n  replay: npm run crash -- ${replay}`);
    }
    if (process.stderr.isTTY) process.stderr.write(`\r${done} of ${total} … `);
  };
  await Promise.all(
    Array.from({ length: Number(threads) }, async () => {
      const worker = new Worker(new URL(import.meta.url), {
        workerData: { program, seed: Number(seed), total, every, counter },
      });
      worker.on("message", told);
      await new Promise((resolve, reject) => worker.on("error", reject).on("exit", resolve));
    }),
  );
  if (process.stderr.isTTY) process.stderr.write("\r");
  const seconds = (performance.now() - started) / 1000;
  const schedulesPerSecond = Math.round(done / seconds);
  const simulatedHoursPerSecond = Number((simulatedMs / 3_600_000 / seconds).toFixed(1));
  const [{ model = "unknown" } = {}] = cpus();
  const machine = `${cpus().length} × ${model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}`;
  const figures = {
    schedules: done,
    violations: violated,
    schedulesPerSecond,
    simulatedHoursPerSecond,
    machine,
    threads: Number(threads),
  };
  if (json) console.log(JSON.stringify(figures));
  else {
    for (const [kind, count] of Object.entries(outcomes).sort()) console.log(`${String(count).padStart(7)}  ${kind}`);
    console.log(`${machine}; ${threads} threads, each schedule a whole deployment by the real engine on virtual time`);
    const rates = `${schedulesPerSecond} schedules/s, ${simulatedHoursPerSecond} simulated hours/s`;
    console.log(`${done} schedules, ${violated} violations, ${rates}, ${every ? "every port call" : `seed ${seed}`}`);
  }
  process.exitCode = violated === 0 && done === total ? 0 : 1;
}

async function work({ program, seed, total, every, counter }) {
  Error.stackTraceLimit = 0; // answers that do not come are thrown by the thousand
  const { checkSchedule, checkExactly, everySchedule, seedOf, told } = await import(pathToFileURL(program).href);
  const all = every ? await everySchedule() : undefined;
  const outcomes = {};
  let done = 0;
  let simulated = 0;
  let failed = [];
  const report = () => {
    parentPort.postMessage({ done, failed, simulatedMs: simulated });
    done = 0;
    simulated = 0;
    failed = [];
  };
  for (;;) {
    const i = Atomics.add(counter, 0, 1);
    if (i >= total) break;
    const own = seedOf(seed, i);
    const { schedule, violations, outcome, simulatedMs } = every
      ? await checkExactly(all[i])
      : await checkSchedule(own, { shrinks: false });
    const kind = `${schedule.weather}: ${outcome}`;
    outcomes[kind] = (outcomes[kind] ?? 0) + 1;
    done += 1;
    simulated += simulatedMs;
    if (violations.length > 0)
      failed.push({ name: told(schedule), violations, replay: every ? "--every" : `--only=${own}` });
    if (done === 200 || failed.length > 0) report();
  }
  report();
  parentPort.postMessage({ outcomes });
}

async function one(seed, program) {
  const { checkSchedule, told } = await import(pathToFileURL(program).href);
  const drawn = await checkSchedule(seed, { shrinks: false });
  const isWell = drawn.violations.length === 0;
  console.log(`${told(drawn.schedule)}\n  ${drawn.violations.join("\n  ") || "all holds"}`);
  const least = isWell ? drawn : await checkSchedule(seed, { shrinks: true });
  if (!isWell) console.log(`the smallest that fails:\n${told(least.schedule)}\n  ${least.violations.join("\n  ")}`);
  console.log(`\n${least.history.map((line) => line.slice(0, 160)).join("\n")}`);
  process.exitCode = isWell ? 0 : 1;
}
