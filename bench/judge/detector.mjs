// The judge behind the canary harness's protocol: JSON lines in, one reply a tick. A thin adapter, no special cases.
//   run "node bench/judge/detector.mjs"              the judge as it ships
//   run --traces "node bench/judge/detector.mjs --page"   with the parameters of the published page, for exactness
import { createInterface } from "node:readline";
import { load } from "./load.mjs";

const { begin, observe, verdict, page } = await load(new URL("./detector.ts", import.meta.url));
const parameters = process.argv.includes("--page") ? page : {};
const running = new Map();
const startMs = 0;

for await (const line of createInterface({ input: process.stdin })) {
  const message = JSON.parse(line);
  if (message.type === "start") running.set(message.id, start(message));
  if (message.type === "tick") process.stdout.write(`${JSON.stringify(tick(message))}\n`);
  if (message.type === "end") running.delete(message.id);
}

function start(message) {
  const strata = Array.from({ length: message.endpoints }, (_, e) => `route ${e}`);
  const buckets = { log2Edges: message.bucketEdgesMs.map(Math.log2) };
  const history = { intervals: message.history.map(counts), podLogSd: message.podLogSd };
  const timing = { intervalMs: 1000 * message.tickSeconds, plannedMs: 1000 * message.durationSeconds };
  const state = begin({ history, strata, buckets, share: message.weight, parameters: { ...parameters, ...timing } });
  return { state, tickMs: 1000 * message.tickSeconds };
}

function tick({ id, t, stable, canary }) {
  const canaryRun = running.get(id);
  const endMs = startMs + 1000 * t;
  const interval = { startMs: endMs - canaryRun.tickMs, endMs, stable: counts(stable), candidate: counts(canary) };
  canaryRun.state = observe(canaryRun.state, interval);
  return { id, action: action(verdict(canaryRun.state)), logE: canaryRun.state.logE };
}

function action(judgement) {
  return judgement === "fail" || judgement === "pass" || judgement === "hold" ? judgement : "none";
}

function counts({ n, err, hist }) {
  return Object.fromEntries(
    n.map((requests, e) => [`route ${e}`, { requests, errors: err[e], latency: dense(hist[e]) }]),
  );
}

/** [bucket, count, bucket, count, …] in ascending order to one count a bucket, trailing zeros left out. */
function dense(pairs) {
  const latency = pairs.length === 0 ? [] : new Array(pairs.at(-2) + 1).fill(0);
  for (let i = 0; i < pairs.length; i += 2) latency[pairs[i]] = pairs[i + 1];
  return latency;
}
