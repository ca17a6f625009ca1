// What `sluice judge` says, reviewed as prose; and how it refuses what it cannot answer.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import type { Counts, Interval } from "../domain/evidence.ts";
import { oldAgainstOld } from "../domain/judge/old-against-old.ts";
import { recommendedSteps, seriousFaults } from "../domain/judge/power.ts";
import { type Recording, replay } from "../domain/judge/replay.ts";
import { parametersOf } from "./judge-questions.ts";
import { aaLines, powerLines, replayLines } from "./print/judge.ts";
import { intervalsFrom } from "./recorded-file.ts";
import { plain } from "./screen.ts";

const look = { colors: plain, width: 70 };
const folder = mkdtempSync(join(tmpdir(), "sluice-judge-"));
afterAll(() => rmSync(folder, { recursive: true }));

const buckets = { log2Edges: [1, 2, 3, 4, 5, 6, 7, 8] };
const side = (requests: number, errors: number): Counts => ({
  requests,
  errors,
  latency: [0, 0, 0, requests - errors, 0, 0, 0],
});

function recorded(badFrom: number): Recording {
  const intervals = Array.from(
    { length: 60 },
    (_, i): Interval => ({
      startMs: i * 5_000,
      endMs: (i + 1) * 5_000,
      stable: { "GET /": side(900, 3) },
      candidate: { "GET /": side(100, i < badFrom ? 0 : 4) },
      buckets,
    }),
  );
  const before = intervals.map(({ stable }) => stable);
  return {
    beginning: {
      history: { intervals: before, podLogSd: 0 },
      strata: ["GET /"],
      buckets,
      parameters: { plannedMs: 300_000 },
    },
    intervals,
  };
}

test("a replay says what would have been different, with a line of the evidence", () => {
  const was = recorded(12);
  const changed = { ...was, beginning: { ...was.beginning, parameters: { ...was.beginning.parameters, alpha: 0.05 } } };
  const lines = replayLines(
    {
      deployment: "d-1",
      parameters: { alpha: 0.05 },
      replayed: [{ service: "api", was: replay(was), with: replay(changed) }],
    },
    look,
  );
  expect(`\n${lines.join("\n")}\n`).toMatchInlineSnapshot(`
    "
    d-1 judged again with alpha 0.05

    api
                held  rolled back  shown healthy  highest odds
    as judged   80 s  85 s         –              over 1,000,000:1
    with these  90 s  90 s         –              over 1,000,000:1

    as judged   ▁▁▁▁▁▁▁▁▁▁▁▁▁▂▆█████████████████████████████████████████
    with these  ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▃▆████████████████████████████████████████
                odds over time; ▂ none, ▅ suspicion, █ rolled back

    It would have been rolled back 5 s later.
    "
  `);
});

test("old against old is a table of the replicas and what follows from it", () => {
  const replicas = { a: side(40, 0), b: side(41, 0), c: side(39, 0) };
  const counted = Array.from({ length: 60 }, (_, i) => ({
    startMs: i * 5_000,
    endMs: (i + 1) * 5_000,
    buckets,
    replicas: Object.fromEntries(Object.entries(replicas).map(([name, counts]) => [name, { "GET /": counts }])),
  }));
  expect(`\n${aaLines(oldAgainstOld(counted), look).join("\n")}\n`).toMatchInlineSnapshot(`
    "
    Old against old: each replica against the others

       replica  requests  errors  is faster in  odds against chance
    ✓  a        2,400     0 %     50 %          1:1
    ✓  b        2,460     0 %     50 %          1:1
    ✓  c        2,340     0 %     50 %          1:1

    No spread between replicas is shown: fewer than four say nothing of it; up to 3 % slower is tolerated.
    ✓ The replicas are alike: a canary on this traffic is judged fairly.
    "
  `);
});

test("power is a table of weights and steps to copy", () => {
  const traffic = { strata: { "GET /": side(30_000, 60) }, lastedMs: 600_000, buckets, podLogSd: 0 };
  const steps = recommendedSteps({ traffic, withinMs: 600_000 });
  const lines = powerLines(
    {
      environment: "production",
      service: "api",
      withinMs: 600_000,
      traffic,
      faults: seriousFaults(traffic),
      shares: [
        { share: 0.01, foundAfterMs: [null, 500_000], smallest: { errorRate: null, slowdown: 1.4 } },
        { share: 0.1, foundAfterMs: [95_000, 80_000], smallest: { errorRate: 0.011, slowdown: 1.12 } },
      ],
      steps,
    },
    look,
  );
  expect(`\n${lines.join("\n")}\n`).toMatchInlineSnapshot(`
    "
    api in production  50 requests/s, errors 0.2 %, over 10 min

    weight  errors of 1 %  50 % slower  found within 10 min: errors from  slower by
    1 %     not in time    8 min        none                              40 %
    10 %    95 s           80 s         1.1 %                             12 %

    Steps that follow from it:
    strategy: { kind: "canary", steps: [
      { setWeight: 5 }, { bake: "11m" },  // a serious fault shows after 7 min at 5 %
      { setWeight: 25 }, { bake: "4m" },  // a serious fault shows after 2 min at 25 %
      { setWeight: 50 }, { bake: "3m" },  // a serious fault shows after 105 s at 50 %
      { setWeight: 100 },
    ] }
    "
  `);
});

test("parameters are set by name, and what is none is told with those that are", () => {
  expect(parametersOf({ alpha: "5%", set: ["hold=10", "requireProof=true"] })).toEqual({
    alpha: 0.05,
    hold: 10,
    requireProof: true,
  });
  expect(() => parametersOf({ set: ["holdd=10"] })).toThrow("--set holdd=10 names no parameter and its value");
  expect(() => parametersOf({ set: ["hold=x"] })).toThrow("names no parameter and its value");
  expect(() => parametersOf({ set: [], alpha: "0%" })).toThrow("--alpha 0% is not a percentage above 0");
});

test("a file of intervals is read as two sides or as replicas, and what is neither is told where it is wrong", async () => {
  const file = join(folder, "intervals.json");
  const write = (value: unknown) => writeFileSync(file, typeof value === "string" ? value : JSON.stringify(value));
  write(recorded(60).intervals);
  expect(await intervalsFrom(file)).toHaveProperty("intervals.length", 60);
  write([{ startMs: 0, endMs: 1, replicas: { a: {} } }]);
  expect(await intervalsFrom(file)).toHaveProperty("replicas.length", 1);
  write([{ startMs: 0, endMs: 1 }]);
  await expect(intervalsFrom(file)).rejects.toThrow("holds no list of intervals");
  write("not JSON");
  await expect(intervalsFrom(file)).rejects.toThrow("is not JSON");
});
