// npm run soak -- --requests 1000000: releases by every strategy, back and forth, under traffic of every kind, while the
// host's processes and replicas are killed and the host is upgraded. Ends with status 1 when a request failed that was not
// in flight on a process killed on purpose.
import { parseArgs } from "node:util";
import type { StrategyKind } from "../../src/domain/strategy.ts";
import { type Blow, isHit, strike, type Victim, victims } from "./chaos.ts";
import { journey, type Stage, setStage, strategies } from "./stage.ts";
import { type Loss, startTraffic } from "./traffic.ts";

const { values } = parseArgs({
  options: {
    requests: { type: "string", default: "20000" },
    rate: { type: "string", default: "300" },
    json: { type: "boolean", default: false },
  },
});

const begunMs = Date.now();
const stage = await setStage();
const traffic = startTraffic({ port: stage.entryPort, perSecond: Number(values.rate) });
const blows: (Blow & { victim: Victim })[] = [];
let releases = 0;
try {
  let [from, to] = ["v1", "v2"];
  while (traffic.sent() < Number(values.requests)) {
    for (const kind of Object.keys(strategies) as StrategyKind[]) {
      await release(stage, { kind, from, to });
      [from, to] = [to, from];
      releases += 1;
    }
  }
} finally {
  await traffic.stop();
  await stage.end();
}
report();

/** One blow in each release, at another frame and to another victim each time. */
async function release(on: Stage, { kind, from, to }: { kind: StrategyKind; from: string; to: string }): Promise<void> {
  const frames = journey(kind, { from, to });
  const struck = (releases * 5 + Math.floor(releases / frames.length)) % frames.length;
  for (const [i, frame] of frames.entries()) {
    await on.ask(frame);
    if (i === struck) {
      const victim = victims[(releases + Math.floor(releases / victims.length)) % victims.length] ?? "router";
      const blow = await strike(on, victim);
      if (blow !== undefined) blows.push({ ...blow, victim });
    }
    await on.hold(frame);
  }
}

function report(): void {
  const { failed, hit } = sorted(traffic.losses);
  const figures = {
    seconds: Math.round((Date.now() - begunMs) / 1000),
    releases,
    requests: traffic.counts,
    sent: traffic.sent(),
    failed: failed.length,
    inFlightOnWhatWasKilled: hit.length,
    blows: Object.fromEntries(
      victims.map((victim) => [victim, summary(blows.filter((blow) => blow.victim === victim))]),
    ),
  };
  console.log(values.json ? JSON.stringify(figures) : JSON.stringify(figures, undefined, 2));
  for (const loss of failed.slice(0, 20))
    console.error(`failed: ${loss.kind}, ${loss.because.trim()}${sinceBlow(loss)}`);
  process.exitCode = failed.length === 0 ? 0 : 1;
}

/** ", 3 ms after the end of the router": where to look first. */
function sinceBlow(loss: Loss): string {
  const last = blows.filter(({ atMs }) => atMs <= loss.endMs).at(-1);
  if (last === undefined) return "";
  return `, begun ${loss.startMs - (last.goneMs ?? last.atMs)} ms and ended ${loss.endMs - (last.goneMs ?? last.atMs)} ms after the blow to the ${last.victim}`;
}

function sorted(losses: readonly Loss[]): { failed: readonly Loss[]; hit: readonly Loss[] } {
  const hit = losses.filter((loss) => blows.some((blow) => isHit(loss, blow)));
  return { failed: losses.filter((loss) => !hit.includes(loss)), hit };
}

function summary(struck: readonly Blow[]): { times: number; recoveredMsMax: number } {
  return { times: struck.length, recoveredMsMax: Math.max(0, ...struck.map(({ recoveredMs }) => recoveredMs)) };
}
