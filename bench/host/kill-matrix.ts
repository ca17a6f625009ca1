// npm run kill-matrix: who is killed × in which phase × under which strategy, with failed requests, milliseconds to
// recovery and what was adopted, as a table.
import { parseArgs } from "node:util";
import { dark, type Frame, trafficSum } from "../../src/domain/frame.ts";
import type { StrategyKind } from "../../src/domain/strategy.ts";
import { isHit, strike, victims } from "./chaos.ts";
import { journey, type Stage, setStage, strategies } from "./stage.ts";
import { startTraffic } from "./traffic.ts";

const { values } = parseArgs({ options: { strategy: { type: "string" }, rate: { type: "string", default: "200" } } });
const kinds = (Object.keys(strategies) as StrategyKind[]).filter((kind) => kind === (values.strategy ?? kind));

let failedInAll = 0;
console.log("| strategy | phase | killed | requests | failed | in flight on it | recovered ms | adopted |");
console.log("|---|---|---|---|---|---|---|---|");
for (const kind of kinds) {
  const frames = journey(kind, { from: "v1", to: "v2" });
  for (const phase of frames.keys()) for (const victim of victims) await cell({ kind, frames, phase, victim });
}
process.exitCode = failedInAll === 0 ? 0 : 1;

async function cell(o: {
  kind: StrategyKind;
  frames: readonly Frame[];
  phase: number;
  victim: (typeof victims)[number];
}) {
  const stage = await setStage();
  try {
    for (const frame of o.frames.slice(0, o.phase)) await stage.hold(frame);
    const traffic = startTraffic({ port: stage.entryPort, perSecond: Number(values.rate) });
    await new Promise((resolve) => setTimeout(resolve, 200));
    const frame = o.frames[o.phase];
    if (frame !== undefined) await stage.ask(frame);
    const striking = strike(stage, o.victim); // the release goes on meanwhile: an upgrade waits for requests that wait for it
    if (frame !== undefined) await stage.hold(frame);
    await lighten(stage, o);
    const blow = await striking;
    await traffic.stop();
    if (blow === undefined) return;
    const hit = traffic.losses.filter((loss) => isHit(loss, blow));
    const failed = traffic.losses.length - hit.length;
    failedInAll += failed;
    const cells = [o.kind, nameOf(frame), o.victim, traffic.sent(), failed, hit.length, blow.recoveredMs, blow.adopted];
    console.log(`| ${cells.join(" | ")} |`);
    for (const loss of traffic.losses.filter((one) => !hit.includes(one)))
      console.error(`  failed: ${loss.kind}, ${loss.because}`);
  } finally {
    await stage.end();
  }
}

/** While a service is dark its requests wait: the cell goes on until somebody serves again. */
async function lighten(stage: Stage, { frames, phase }: { frames: readonly Frame[]; phase: number }): Promise<void> {
  for (let at = phase; trafficSum(frames[at] ?? dark) === 0 && at + 1 < frames.length; at++)
    await stage.hold(frames[at + 1] ?? dark);
}

/** "v1 100/90, v2 50/10": capacity and traffic. */
function nameOf(frame: Frame | undefined): string {
  const sides = Object.entries(frame?.revisions ?? {}).map(
    ([name, { capacity, traffic }]) => `${name} ${capacity}/${traffic}`,
  );
  return sides.join(", ") || "dark";
}
