// The judge in whole lives: the example product on a real host, router and PostgreSQL, under open-loop load. Releases with
// faults must be found and taken back, an outage of the database that both sides share must not be blamed on anybody, and
// the same version against itself must stand. Times are shortened: intervals of 1 s, one bake of a few minutes.
//   npm run bench:judge-lives -- --aa 20            everything (about 25 min)
//   npm run bench:judge-lives -- --only errors,outage --aa 0
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Client } from "pg";
import { changes, demoSecrets, makeProduct, type Product } from "../../src/cli/demo/product.ts";
import { environment, measured } from "../../src/cli/demo/scenario.ts";
import { type ControlPlane, startControlPlane, stopMachine } from "../../src/compose/control.ts";
import { type Config, freezeConfig, parseConfig } from "../../src/domain/config/config.ts";
import type { Release } from "../../src/domain/release.ts";
import { fold } from "../../src/domain/run.ts";
import { expenseJourney } from "../../src/testing/expense-journey.ts";
import { startLoad } from "../../src/testing/load.ts";
import { loadConfig } from "../../src/workspace/config-file.ts";
import { buildRelease } from "../../src/workspace/release-build.ts";

const { values } = parseArgs({
  options: {
    aa: { type: "string", default: "20" },
    only: { type: "string" },
    "requests-per-second": { type: "string", default: "60" },
    "bake-seconds": { type: "string", default: "180" },
    "aa-seconds": { type: "string", default: "30" },
  },
});

type Env = Readonly<Record<string, string>>;

interface Life {
  readonly name: string;
  /** What the candidate does otherwise than stable. */
  readonly faults: Env;
  readonly expected: "rolled back" | "succeeded";
  readonly seconds: number;
  /** What happens to both sides meanwhile. */
  readonly meanwhile?: (plane: ControlPlane) => Promise<void>;
}

/** What every version does, so that there is something to get worse: 1 % of errors, 20 ms on top of its own time. */
const usual: Env = { FAULT_ERROR_SHARE: "0.01", FAULT_LATENCY_MS: "20", FAULT_LATENCY_SHARE: "1" };
const bakeSeconds = Number(values["bake-seconds"]);

const lives: readonly Life[] = [
  { name: "errors", faults: { FAULT_ERROR_SHARE: "0.03" }, expected: "rolled back", seconds: bakeSeconds },
  { name: "latency", faults: { FAULT_LATENCY_MS: "33" }, expected: "rolled back", seconds: bakeSeconds },
  {
    name: "route",
    faults: { FAULT_ROUTE: "PUT /expenses", FAULT_ERROR_SHARE: "0.2" },
    expected: "rolled back",
    seconds: bakeSeconds,
  },
  { name: "leak", faults: { FAULT_LEAK_MS_PER_MIN: "15" }, expected: "rolled back", seconds: 2 * bakeSeconds },
  { name: "outage", faults: {}, expected: "succeeded", seconds: Math.min(90, bakeSeconds), meanwhile: databaseOutage },
  {
    name: "demonstration v3",
    faults: { FAULT_ERROR_SHARE: demonstrationShare() },
    expected: "rolled back",
    seconds: 60,
  },
  ...Array.from({ length: Number(values.aa) }, (_, i): Life => {
    return { name: `A/A ${i + 1}`, faults: {}, expected: "succeeded", seconds: Number(values["aa-seconds"]) };
  }),
];

const folder = await mkdtemp(join(tmpdir(), "sluice-judge-lives-"));
const data = join(folder, "data");
const plane = await startControlPlane({ dataFolder: data, workspace: "tally", intervalMs: 1000 });
try {
  const example = resolve(import.meta.dirname, "../../examples/expense-tracker");
  const product = await makeProduct(example, join(folder, "tally"), data);
  plane.secrets.put(environment, demoSecrets());
  const first = await releaseOf(product, { version: 1, env: usual, seconds: 1 });
  const [standing] = await live(plane, first);
  console.log(
    `stable: ${written(usual)}; 1 s intervals; half of the traffic, ${values["requests-per-second"]} requests a second in all`,
  );
  const load = startLoad({
    baseUrl: (await plane.machine.publicUrl(environment)) ?? "",
    requestsPerSecond: Number(values["requests-per-second"]),
    journey: expenseJourney({ month: new Date().toISOString().slice(0, 7) }),
  });
  await sleep(40_000);
  const wrong = standing === "succeeded" ? await all(plane, product, first) : ["the first deployment did not succeed"];
  const { sent, failed, badServed, reasons } = await load.stop();
  console.log(
    `${sent} requests, ${failed} failed, ${badServed} badly served by faulty versions and in the outage: ${JSON.stringify(reasons)}`,
  );
  if (failed > 0) wrong.push(`${failed} requests failed`);
  for (const line of wrong) console.log(`✗ ${line}`);
  console.log(wrong.length === 0 ? "holds" : "does not hold");
  process.exitCode = wrong.length === 0 ? 0 : 1;
} finally {
  await plane.close().catch(() => {});
  await stopMachine(data, { keepServices: false }).catch(() => {});
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}

async function all(plane: ControlPlane, product: Product, first: Release): Promise<string[]> {
  const wrong: string[] = [];
  const wanted = values.only?.split(",");
  let version = 1;
  for (const life of lives.filter(({ name }) => name.startsWith("A/A") || (wanted?.includes(name) ?? true))) {
    version += 1;
    // A/A: the same version but for its name, which makes it a revision of its own.
    const env = { ...usual, ...life.faults, RELEASE: String(version) };
    const release = await releaseOf(product, { version, env, seconds: life.seconds, base: first });
    const [[outcome, because, seconds]] = await Promise.all([live(plane, release), life.meanwhile?.(plane)]);
    const isRight = outcome === life.expected;
    const found = seconds === undefined ? "" : ` after ${seconds} s`;
    console.log(`${isRight ? "✓" : "✗"} ${life.name} (${written(life.faults)}): ${outcome}${found}: ${because}`);
    if (!isRight) wrong.push(`${life.name}: ${outcome}, not ${life.expected}`);
    await sleep(5_000);
  }
  return wrong;
}

/** Outcome, the words of the last judgement, and for a failure the seconds from the first share of traffic to the verdict. */
async function live(plane: ControlPlane, release: Release): Promise<readonly [string, string, number | undefined]> {
  const id = await plane.deploy({ release, environment, by: "bench" });
  for (;;) {
    const events = await plane.store.journal.read(id);
    const run = fold(events);
    if (run?.phase.kind === "ended") {
      const { outcome, detectedAfterMs } = measured(Number(release.version), run, events);
      const judged = events.findLast(({ fact }) => fact.kind === "judged" && fact.verdict === "fail");
      const last = judged ?? events.findLast(({ fact }) => fact.kind === "judged");
      const words = last?.fact.kind === "judged" ? last.fact.because : "not judged";
      return [outcome, words, detectedAfterMs === undefined ? undefined : Math.round(detectedAfterMs / 1000)];
    }
    await sleep(250);
  }
}

interface Wanted {
  readonly version: number;
  readonly env: Env;
  readonly seconds: number;
  readonly base?: Release;
}

async function releaseOf({ root }: Product, { version, env, seconds, base }: Wanted): Promise<Release> {
  const config = shortened((await loadConfig(root)).config, env, seconds);
  const reused = base === undefined ? {} : { base, only: [] };
  return buildRelease({ root, config, data, version: String(version), ...reused });
}

function shortened(config: Config, env: Env, seconds: number): Config {
  const frozen = freezeConfig(config);
  const { after: _, ...production } = frozen.environments.production ?? {};
  const expenses = frozen.services["expense-service"];
  const parsed = parseConfig({
    ...frozen,
    services: { ...frozen.services, "expense-service": { ...expenses, env: { ...expenses?.env, ...env } } },
    environments: {
      production: {
        ...production,
        jobs: {},
        strategy: { kind: "canary", steps: [{ setWeight: 50 }, { bake: `${seconds}s` }, { setWeight: 100 }] },
        bake: "0s",
        hold: { within: "2m" },
        // Absolute limits would find some of these first, and on a busy machine in both versions; here the judge is asked.
        checks: { errorRateMax: "60%", latency: { p99: "30s" } },
      },
    },
  });
  if (parsed.ok) return parsed.config;
  throw new Error(`the configuration does not parse: ${JSON.stringify(parsed.problems)}`);
}

/** Twenty seconds, half a minute in, without the table that every request needs. */
async function databaseOutage(plane: ControlPlane): Promise<void> {
  await sleep(30_000);
  const client = new Client(await plane.store.provisionDatabase({ environment, name: "postgres" }));
  await client.connect();
  await client.query("alter table expense_service.expense rename to expense_gone");
  await sleep(20_000);
  await client.query("alter table expense_service.expense_gone rename to expense");
  await client.end();
}

/** What version 3 of `npm run demo` carries. */
function demonstrationShare(): string {
  const put = changes.find(({ version }) => version === 3)?.put ?? "";
  return /FAULT_ERROR_SHARE: "([\d.]+)"/.exec(put)?.[1] ?? "";
}

function written(env: Env): string {
  const pairs = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  return pairs.length === 0 ? "nothing is wrong" : pairs.join(" ");
}
