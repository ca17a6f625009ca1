// Plays simulated canaries to our judge and to its peers, and prints the tables of docs/judge.md.
import { performance } from "node:perf_hooks";
import { parseArgs } from "node:util";
import { nativeBuckets } from "../../src/domain/evidence.ts";
import { begin, observe } from "../../src/domain/judge/observe.ts";
import { defaults, type Parameters, page } from "../../src/domain/judge/parameters.ts";
import { isSuspect, verdict } from "../../src/domain/judge/verdict.ts";
import { shareBetween } from "./binomial.ts";
import { check } from "./check.ts";
import { argo, flagger, kayenta, type Peer } from "./peers.ts";
import { beyond, published, type Scenario } from "./scenarios.ts";
import { type Canary, routes, simulate, tickS } from "./simulator.ts";

interface Outcome {
  /** Seconds to rollback; null: never. */
  readonly failedS: number | null;
  readonly isHeld: boolean;
  readonly passedS: number | null;
}

const peers: Record<string, Peer> = { kayenta, flagger, argo };

export function bench(args: readonly string[], print: (text: string) => void): void {
  const options = {
    reps: { type: "string", default: "100" },
    only: { type: "string" },
    published: { type: "boolean", default: false },
    page: { type: "boolean", default: false },
    check: { type: "boolean", default: false },
  } as const;
  const { values } = parseArgs({ args: [...args], options });
  const only = values.only?.split(",");
  const chosen = [...published, ...(values.published || values.check ? [] : beyond)].filter(
    ({ name }) => only?.includes(name) ?? true,
  );
  const results = chosen.map((scenario) => {
    const result = score(scenario, Number(values.reps), values.page ? page : defaults);
    process.stderr.write(`\r${scenario.name.padEnd(20)}`);
    return result;
  });
  process.stderr.write("\r");
  const [bad, good] = [
    results.filter(({ scenario }) => scenario.isBad),
    results.filter(({ scenario }) => !scenario.isBad),
  ];
  if (good.length > 0) print(goodTable(good));
  if (bad.length > 0) print(badTable(bad));
  if (values.check) print(check(Object.fromEntries(results.map((result) => [result.scenario.name, timesOf(result)]))));
  print(costs());
}

function timesOf({ judge, peers: others }: Result) {
  return { judge: judge.map(({ failedS }) => failedS), ...others };
}

interface Result {
  readonly scenario: Scenario;
  readonly judge: readonly Outcome[];
  readonly peers: Readonly<Record<string, readonly (number | null)[]>>;
}

function score(scenario: Scenario, reps: number, parameters: Parameters): Result {
  const judge: Outcome[] = [];
  const others: Record<string, (number | null)[]> = Object.fromEntries(Object.keys(peers).map((name) => [name, []]));
  for (let number = 0; number < reps; number++) {
    const canary = simulate(scenario, number);
    judge.push(play(canary, scenario, parameters));
    for (const [name, peer] of Object.entries(peers)) others[name]?.push(peer(canary, scenario));
  }
  return { scenario, judge, peers: others };
}

export function play(canary: Canary, scenario: Scenario, parameters: Parameters): Outcome {
  const timing = { plannedMs: 1000 * scenario.durationS, intervalMs: 1000 * tickS };
  let state = begin({
    history: canary.history,
    strata: routes(scenario),
    buckets: nativeBuckets,
    share: scenario.weight,
    parameters: { ...parameters, ...timing },
  });
  let [isHeld, passedS]: [boolean, number | null] = [false, null];
  for (const interval of canary.intervals) {
    state = observe(state, interval);
    isHeld ||= isSuspect(state);
    const judgement = verdict(state);
    if (judgement === "pass") passedS ??= interval.endMs / 1000;
    if (judgement === "fail") return { failedS: interval.endMs / 1000, isHeld, passedS };
  }
  return { failedS: null, isHeld, passedS };
}

function goodTable(results: readonly Result[]): string {
  const rows = results.map(({ scenario, judge, peers: others }) => [
    scenario.name,
    percent(judge, ({ failedS }) => failedS !== null),
    interval(judge.filter(({ failedS }) => failedS !== null).length, judge.length),
    percent(judge, ({ isHeld }) => isHeld),
    percent(judge, ({ passedS }) => passedS !== null),
    ...Object.values(others).map((times) => percent(times, (time) => time !== null)),
    scenario.note,
  ]);
  const all = results.flatMap(({ judge }) => judge);
  const failed = all.filter(({ failedS }) => failedS !== null).length;
  return `\nNothing is wrong: % of good releases rolled back (${results[0]?.judge.length} canaries each)\n${table(
    ["family", "judge", "95 % interval", "ever held", "passed early", ...Object.keys(peers), ""],
    rows,
  )}all families: ${failed} of ${all.length} rolled back\n`;
}

function badTable(results: readonly Result[]): string {
  const rows = results.map(({ scenario, judge, peers: others }) => [
    scenario.name,
    found(judge.map(({ failedS }) => failedS)),
    ...Object.values(others).map(found),
    scenario.note,
  ]);
  const ratios = Object.keys(peers).map((name) => {
    const logs = results.map(({ scenario, judge, peers: others }) => {
      const mean = (times: readonly (number | null)[]) =>
        times.reduce((sum: number, time) => sum + (time ?? scenario.durationS), 0) / times.length;
      return Math.log(mean(judge.map(({ failedS }) => failedS)) / mean(others[name] ?? []));
    });
    return `${Math.exp(logs.reduce((sum, log) => sum + log, 0) / logs.length).toFixed(2)} x ${name}'s`;
  });
  return `\nThe release is bad: share found when below 100 %, median time to rollback\n${table(
    ["family", "judge", ...Object.keys(peers), ""],
    rows,
  )}mean time to rollback (never = the whole bake), geometric mean over families: ${ratios.join(", ")}\n`;
}

/** What one interval costs at 4 routes and 240 buckets, and how large the state is after half an hour. */
function costs(): string {
  const scenario = published[0];
  if (scenario === undefined) return "";
  const canary = simulate(scenario, 0);
  let state = begin({ history: canary.history, strata: routes(scenario), buckets: nativeBuckets });
  const times = canary.intervals.map((interval) => {
    const before = performance.now();
    state = observe(state, interval);
    return performance.now() - before;
  });
  const sorted = Float64Array.from(times).sort();
  const at = (q: number) => (sorted[Math.floor(q * (sorted.length - 1))] ?? 0).toFixed(2);
  const kilobytes = Math.round(JSON.stringify(state).length / 1000);
  return `\nobserve at 4 routes x 240 buckets: median ${at(0.5)} ms, p99 ${at(0.99)} ms; state after 360 intervals: ${kilobytes} kB of JSON\n`;
}

function found(times: readonly (number | null)[]): string {
  const share = times.filter((time) => time !== null).length / times.length;
  const sorted = times.map((time) => time ?? Number.POSITIVE_INFINITY).sort((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)] ?? Number.POSITIVE_INFINITY;
  const time = Number.isFinite(median) ? `${median} s` : "never";
  return share < 0.9995 ? `${Number((100 * share).toFixed(1))} % ${time}` : time;
}

function percent<T>(values: readonly T[], is: (value: T) => boolean): string {
  return ((100 * values.filter(is).length) / values.length).toFixed(1);
}

function interval(k: number, n: number): string {
  return shareBetween(k, n, 0.05)
    .map((share) => (100 * share).toFixed(1))
    .join(" to ");
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((cell, i) => Math.max(cell.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) =>
        i === 0 || i === head.length - 1 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0),
      )
      .join("  ")
      .trimEnd();
  return `${[head, widths.map((width) => "-".repeat(width)), ...rows].map(line).join("\n")}\n`;
}
