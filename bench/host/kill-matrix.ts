// npm run kill-matrix: who is killed × in which phase × under which strategy, each in a deployment of its own under traffic,
// as a table: failed requests, milliseconds to recovery, what was adopted, how the deployment ended. Ends with 1 as the soak.
import { parseArgs } from "node:util";
import { victims } from "./chaos.ts";
import { type Life, live, phases } from "./life.ts";
import { explain, keepDiary, sorted } from "./report.ts";
import { setStage, strategyKinds } from "./stage.ts";
import { startTraffic } from "./traffic.ts";

const { values } = parseArgs({
  options: {
    strategy: { type: "string", multiple: true },
    victim: { type: "string", multiple: true },
    phase: { type: "string", multiple: true },
    rate: { type: "string", default: "200" },
    json: { type: "boolean", default: false },
  },
});

let isFine = true;
let [struck, failedInAll] = [0, 0];
const diary = keepDiary();
const stage = await setStage();
const titles = [
  "strategy",
  "phase",
  "killed",
  "requests",
  "failed",
  "in flight on it",
  "back after ms",
  "adopted",
  "ended",
];
if (!values.json) console.log(`| ${titles.join(" | ")} |\n|${"---|".repeat(titles.length)}`);
try {
  for (const life of cells()) await cell(life);
} finally {
  await stage.end();
}
if (!values.json) console.log(`\n${struck} kills and upgrades, ${failedInAll} failed requests`);
process.exitCode = isFine ? 0 : 1;

/** Walking back is seen in a deployment that is aborted; everything else in one that goes to its end. */
function cells(): readonly Life[] {
  const asked = <T extends string>(all: readonly T[], some: readonly string[] | undefined) =>
    all.filter((one) => some === undefined || some.includes(one));
  return asked(strategyKinds, values.strategy).flatMap((strategy) =>
    asked(phases, values.phase).flatMap((phase) =>
      asked(victims, values.victim).map((victim): Life => {
        return { strategy, phase, victim, way: phase === "retreat" ? "aborted" : "to its end" };
      }),
    ),
  );
}

/** No row where the strategy has no such phase, or nobody was there to be killed. */
async function cell(life: Life): Promise<void> {
  const traffic = startTraffic({ port: stage.entryPort, perSecond: Number(values.rate) });
  const { outcome, blow, surprise } = await live(stage, life, diary.note);
  await traffic.stop();
  const { failed, hit } = sorted(traffic.losses, blow === undefined ? [] : [blow]);
  struck += blow === undefined ? 0 : 1;
  failedInAll += failed.length;
  isFine &&= failed.length === 0 && surprise === undefined;
  if (blow !== undefined) {
    const { strategy, phase, victim } = life;
    const row = [
      strategy,
      phase,
      victim,
      traffic.sent(),
      failed.length,
      hit.length,
      blow.recoveredMs,
      blow.adopted,
      outcome,
    ];
    if (values.json) console.log(JSON.stringify(Object.fromEntries(titles.map((title, i) => [title, row[i]]))));
    else console.log(`| ${row.join(" | ")} |`);
  }
  explain(failed, (loss) => diary.around(loss.startMs, loss.endMs, stage.dataFolder));
  if (surprise !== undefined) console.error(`ended as it must not: ${surprise}`);
}
