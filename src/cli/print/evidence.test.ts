// What a person sees of the evidence, reviewed as prose and as a picture.
import { expect, test } from "vitest";
import { type Counts, type Interval, nativeBuckets } from "../../domain/evidence.ts";
import { evidenceView } from "../../domain/judge/view.ts";
import { plain } from "../screen.ts";
import { evidenceLines } from "./evidence.ts";

const look = { colors: plain, width: 100 };

test("a bad release: the evidence crosses both lines, and the routes say where", () => {
  const view = evidenceView(recorded(40, 0.05), { isOver: false });
  expect(view.judgement).toBe("fail");
  expect(`\n${evidenceLines([{ service: "api", node: "api", view }], look).join("\n")}`).toMatchInlineSnapshot(`
    "
    api  errors: 1 % against 0.023 % on stable, most on POST /expenses: 5.1 % against 0.11 %; odds over 1,000,000:1 against this being chance

    odds:1
            │·····×······            ▆▆▆▆████████████
            │·····×······        ▄▄▄▄████████████████
            │·····×······    ████████████████████████
        100 │┄┄┄┄┄┄┄┄┄┄┄┄▇▇▇▇████████████████████████ roll back
         20 │┄┄┄┄┄┄┄┄▆▆▆▆████████████████████████████ hold
            │▂▁▁▁▆▆▆▆████████████████████████████████
          1 │████████████████████████████████████████
            │████████████████████████████████████████
            └──────────────────────────────────────── 3 min at 10 %
      errors ▂▂▂▂▃▃▃▃▄▄▄▄▅▅▅▅▆▆▆▆▆▆▆▆████████████████
    × 1 interval could not be judged; the last: Prometheus answered 422: too many samples

    route                   requests  errors   p50    p99     latency 41 ms to 146 ms
    all routes      new     975       1 %      63 ms  144 ms  █▂·▄▂▂▄▄▄··▄·▃▂▂▄···▂··▂
                    stable  8,775     0.023 %  65 ms  145 ms  █▅·▅▅▅▅▅▅··▅·▅▅▅▅···▅··▅
    GET /expenses   new     780       0 %      65 ms  145 ms  █▄·▄▄▄█▄█··█·▄▄▄█···▄··▄
                    stable  7,020     0 %      65 ms  145 ms  █▆·▅▅▆▆▅▆··▆·▅▆▆▆···▅··▆
    POST /expenses  new     195       5.1 %    50 ms  86 ms   █··▄···▄·····▃··········
                    stable  1,755     0.11 %   65 ms  145 ms  █▅·▅▅▅▃▅▃··▅·▅▅▅▅···▅··▅
    up to 3 % slower is taken for alike"
  `);
});

test("the table is what E is the weighted average of", () => {
  const view = evidenceView(recorded(40, 0.05), { isOver: false });
  const lines = evidenceLines([{ service: "api", node: "api", view }], { ...look, hasTable: true });
  expect(`\n${lines.slice(-7).join("\n")}`).toMatchInlineSnapshot(`
    "
    ln E            errors  latency  tail  warm-up  outage
    all routes      15.25   -1.76    0.00  -207.22  -0.11
    GET /expenses   -1.01   -1.76    0.00
    POST /expenses  15.25   -1.76    0.00
    weight of all   0.40    0.20     0.16  0.01     0.02
    weight of each  0.06    0.03     0.03
    ln E 14.46: E is the average of these, by weight"
  `);
});

test("a service that was compared with nothing says why", () => {
  const because = "a first deployment: there is no version to compare with";
  expect(evidenceLines([{ service: "api", node: "api", because }], look)).toEqual([`api  not compared: ${because}`]);
});

test("no peak is lost on the way to a small screen", () => {
  const view = evidenceView(recorded(1000, 0), { isOver: true });
  expect(view.points.length).toBeLessThanOrEqual(301);
  expect(view.points.at(-1)?.endMs).toBe(1000 * 5000);
});

function recorded(count: number, errors: number) {
  return {
    beginning: {
      history: { intervals: [], podLogSd: 0.01 },
      strata: ["GET /expenses", "POST /expenses"],
      buckets: nativeBuckets,
    },
    intervals: Array.from({ length: count }, (_, t): Interval | { startMs: number; endMs: number; missing: string } => {
      const time = { startMs: 5000 * t, endMs: 5000 * (t + 1) };
      if (t === 5) return { ...time, missing: "Prometheus answered 422: too many samples" };
      return {
        ...time,
        stable: { "GET /expenses": side(180, 0), "POST /expenses": side(45, t % 20 === 0 ? 1 : 0) },
        candidate: {
          "GET /expenses": side(20, 0),
          "POST /expenses": side(5, (t * errors * 5) % 1 < errors * 5 ? 1 : 0),
        },
      };
    }),
    steps: [{ fromMs: 0, share: 0.1 }],
  };
}

function side(requests: number, errors: number): Counts {
  const latency = new Array<number>(120).fill(0);
  for (let i = 0; i < requests - errors; i++) latency[70 + ((i * i) % 31)] = (latency[70 + ((i * i) % 31)] ?? 0) + 1;
  return { requests, errors, latency };
}
