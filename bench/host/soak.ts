// npm run soak -- --requests 1000000: deployments by every strategy to their end, promoted, aborted, bad and rolled back,
// under open-loop traffic of every kind, while control plane, PostgreSQL, supervisor, router, shims and replicas are killed in
// each phase and the host is upgraded. Ends with 1 when a request failed that was not in flight on what was killed on
// purpose, or when a deployment ended as it must not. At the default rate a million takes a quarter of an hour on two cores.
import { parseArgs } from "node:util";
import { type Blow, victims } from "./chaos.ts";
import { type Life, type Lived, live, phases, ways } from "./life.ts";
import type { Loss } from "./loss.ts";
import { explain, keepDiary, sorted, tableOf } from "./report.ts";
import { setStage, strategyKinds } from "./stage.ts";
import { startTraffic } from "./traffic.ts";
import { variously } from "./variety.ts";

const { values } = parseArgs({
  options: {
    requests: { type: "string", default: "60000" },
    rate: { type: "string", default: "1200" },
    seed: { type: "string", default: "1" },
    json: { type: "boolean", default: false },
  },
});
const wanted = Number(values.requests);
const begunMs = Date.now();
const diary = keepDiary();
const stage = await setStage();
const stories = new Map<Loss, readonly string[]>();
const traffic = startTraffic({
  port: stage.entryPort,
  perSecond: Number(values.rate),
  onLoss: ({ kind, because, on }) => diary.note(`lost: ${kind} ${on.join(" ")}: ${because}`),
});
const lives: (Life & Lived)[] = [];
const blows: Blow[] = [];
/** Losses before this one were judged: of a later one it is not known yet what was killed at its time. */
let judged = 0;
const progress = setInterval(tell, 5_000);
try {
  for (const life of variously(values.seed)) {
    if (traffic.sent() >= wanted) break;
    const lived = await live(stage, life, diary.note);
    lives.push({ ...life, ...lived });
    if (lived.blow !== undefined) blows.push(lived.blow);
    judge();
  }
} finally {
  clearInterval(progress);
  await traffic.stop();
  judge();
  await stage.end();
}
report();

/** While what happened around them is still remembered. */
function judge(): void {
  for (const loss of sorted(traffic.losses.slice(judged), blows).failed)
    stories.set(loss, diary.around(loss.startMs, loss.endMs, stage.dataFolder));
  judged = traffic.losses.length;
}

function tell(): void {
  const { failed, hit } = sorted(traffic.losses.slice(0, judged), blows);
  console.error(
    `${traffic.sent()} of ${wanted} sent, ${failed.length} failed, ${hit.length} in flight on what was killed; ${lives.length} deployments, ${blows.length} blows`,
  );
}

function report(): void {
  const { failed, hit } = sorted(traffic.losses, blows);
  const surprises = lives.flatMap(({ surprise }) => surprise ?? []);
  const figures = {
    seed: values.seed,
    seconds: Math.round((Date.now() - begunMs) / 1000),
    sent: traffic.sent(),
    heldUpSeconds: Math.round(traffic.heldUpMs() / 1000),
    failed: failed.length + (traffic.lossCount() - traffic.losses.length),
    inFlightOnWhatWasKilled: hit.length,
    badServedByBadReleases: traffic.badServed(),
    requests: traffic.counts,
    latency: traffic.latency(),
    deployments: strategyKinds.map((strategy) => ({ strategy, ...timesOf(ways, { strategy }) })),
    outcomes: countsOf(lives.map(({ outcome }) => outcome)),
    blows: victims.map((victim) => ({ victim, ...timesOf(phases, { victim }), ...lossesOf(victim, hit) })),
    surprises,
  };
  if (values.json) console.log(JSON.stringify(figures));
  else console.log(inWords(figures).join("\n"));
  explain(failed, (loss) => stories.get(loss) ?? []);
  for (const surprise of surprises) console.error(`ended as it must not: ${surprise}`);
  process.exitCode = figures.failed === 0 && surprises.length === 0 ? 0 : 1;
}

/** How often it met each way, or was struck in each phase. */
function timesOf(columns: typeof ways | typeof phases, of: Partial<Life>): Readonly<Record<string, number>> {
  const mine = lives.filter(({ strategy, victim, blow }) =>
    of.victim === undefined ? strategy === of.strategy : victim === of.victim && blow !== undefined,
  );
  return Object.fromEntries(
    columns.map((column) => [column, mine.filter(({ way, phase }) => way === column || phase === column).length]),
  );
}

function lossesOf(victim: Blow["victim"], hit: readonly Loss[]) {
  const struck = blows.filter((blow) => blow.victim === victim);
  return {
    inFlightOnIt: sorted(hit, struck).hit.length,
    recoveredMsMax: Math.max(0, ...struck.map(({ recoveredMs }) => recoveredMs)),
  };
}

function countsOf(names: readonly string[]): Readonly<Record<string, number>> {
  return Object.fromEntries([...new Set(names)].map((name) => [name, names.filter((one) => one === name).length]));
}

interface Figures {
  readonly seconds: number;
  readonly sent: number;
  readonly heldUpSeconds: number;
  readonly failed: number;
  readonly inFlightOnWhatWasKilled: number;
  readonly badServedByBadReleases: number;
  readonly requests: Readonly<Record<string, number>>;
  readonly latency: { readonly p50Ms: number; readonly p99Ms: number; readonly maxMs: number };
  readonly deployments: readonly Readonly<Record<string, string | number>>[];
  readonly outcomes: Readonly<Record<string, number>>;
  readonly blows: readonly Readonly<Record<string, string | number>>[];
}

function inWords(figures: Figures): readonly string[] {
  const counts = (of: Readonly<Record<string, number>>) =>
    Object.entries(of)
      .map(([name, count]) => `${name} ${count}`)
      .join(", ");
  const { latency } = figures;
  return [
    `${figures.sent} requests in ${figures.seconds} s, ${figures.failed} failed`,
    `  ${counts(figures.requests)}`,
    `  ${figures.inFlightOnWhatWasKilled} were in flight on what was killed on purpose`,
    `  ${figures.badServedByBadReleases} answers were errors that a bad release made itself`,
    `  latency from the moment each was due, kills and switches included: p50 ${latency.p50Ms} ms, p99 ${latency.p99Ms} ms, longest ${latency.maxMs} ms`,
    ...(figures.heldUpSeconds < 1 ? [] : [`  for ${figures.heldUpSeconds} s the machine was too busy to send any`]),
    "",
    `${lives.length} deployments: ${counts(figures.outcomes)}`,
    ...tableOf(figures.deployments),
    "",
    `${blows.length} blows, by the phase of the deployment`,
    ...tableOf(figures.blows),
  ];
}
