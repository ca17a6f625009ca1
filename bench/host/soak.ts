// npm run soak -- --requests 1000000: deployments by every strategy to their end, promoted, aborted, bad and rolled back,
// under open-loop traffic of every kind, while control plane, PostgreSQL, supervisor, router and replicas are killed in each
// phase and the host is upgraded. Ends with 1 when a request failed that was not in flight on what was killed on purpose, or
// when a deployment ended as it must not.
import { parseArgs } from "node:util";
import { random } from "../judge/random.ts";
import { type Blow, victims } from "./chaos.ts";
import { isIn, type Life, live, phases, ways } from "./life.ts";
import type { Loss } from "./loss.ts";
import { explain, keepDiary, sorted } from "./report.ts";
import { setStage, strategyKinds } from "./stage.ts";
import { startTraffic } from "./traffic.ts";

const { values } = parseArgs({
  options: {
    requests: { type: "string", default: "20000" },
    rate: { type: "string", default: "300" },
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
const blows: Blow[] = [];
const surprises: string[] = [];
const outcomes: Record<string, number> = {};
let told = 0;
const progress = setInterval(tell, 5_000);
try {
  for (const life of shuffledForEver()) {
    if (traffic.sent() >= wanted) break;
    const lived = await live(stage, life, diary.note);
    if (lived.blow !== undefined) blows.push(lived.blow);
    if (lived.surprise !== undefined) surprises.push(lived.surprise);
    outcomes[lived.outcome] = (outcomes[lived.outcome] ?? 0) + 1;
    keepStories();
  }
} finally {
  clearInterval(progress);
  await traffic.stop();
  keepStories();
  await stage.end();
}
report();

/** Every meeting of strategy, way, victim and phase, each once before any comes twice; in an order by the seed. */
function* shuffledForEver(): Generator<Life> {
  const { uniform } = random(values.seed);
  const lives: readonly Life[] = strategyKinds.flatMap((strategy) =>
    ways.flatMap((way) =>
      victims.flatMap((victim) => phases.filter(isIn(way)).map((phase) => ({ strategy, way, victim, phase }))),
    ),
  );
  for (;;)
    yield* lives
      .map((life) => ({ life, at: uniform() }))
      .toSorted((a, b) => a.at - b.at)
      .map(({ life }) => life);
}

/** While what happened around them is still remembered. */
function keepStories(): void {
  for (const loss of sorted(traffic.losses.slice(told), blows).failed)
    stories.set(loss, diary.around(loss.startMs, loss.endMs, stage.dataFolder));
  told = traffic.losses.length;
}

function tell(): void {
  const { failed, hit } = sorted(traffic.losses, blows);
  const lives = Object.values(outcomes).reduce((sum, n) => sum + n, 0);
  console.error(
    `${traffic.sent()} of ${wanted} sent, ${failed.length} failed, ${hit.length} in flight on what was killed; ${lives} deployments, ${blows.length} blows`,
  );
}

function report(): void {
  const { failed, hit } = sorted(traffic.losses, blows);
  const figures = {
    seed: values.seed,
    seconds: Math.round((Date.now() - begunMs) / 1000),
    deployments: outcomes,
    sent: traffic.sent(),
    requests: traffic.counts,
    failed: failed.length + (traffic.lossCount() - traffic.losses.length),
    inFlightOnWhatWasKilled: hit.length,
    badServedByBadReleases: traffic.badServed(),
    latency: traffic.latency(),
    blows: Object.fromEntries(victims.map((victim) => [victim, summary(victim, hit)])),
    surprises,
  };
  console.log(values.json ? JSON.stringify(figures) : JSON.stringify(figures, undefined, 2));
  explain(failed, (loss) => stories.get(loss) ?? []);
  for (const surprise of surprises) console.error(`ended as it must not: ${surprise}`);
  process.exitCode = figures.failed === 0 && surprises.length === 0 ? 0 : 1;
}

function summary(victim: Blow["victim"], hit: readonly Loss[]) {
  const struck = blows.filter((blow) => blow.victim === victim);
  return {
    times: struck.length,
    inFlight: sorted(hit, struck).hit.length,
    recoveredMsMax: Math.max(0, ...struck.map(({ recoveredMs }) => recoveredMs)),
  };
}
