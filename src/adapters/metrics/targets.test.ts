// Counters as they come out of real scrapes, with all that goes wrong there: whole requests on the right side, or none.
import { expect, test } from "vitest";
import { type Interval, isGap, type Observation } from "../../domain/evidence.ts";
import { cut, type Side, withFewRoutes } from "./spans.ts";
import { type Labels, type Role, type Scraped, type Series, spansOf } from "./targets.ts";

const reading = { routeLabels: ["route"], unitMs: 1000, isShared: false };

/** Values at these seconds, of one counter of one replica. */
function counter(values: Readonly<Record<number, number>>, labels: Labels = {}): Series {
  return {
    labels: { job: "shop", instance: "a", ...labels },
    samples: Object.entries(values).map(([second, value]) => ({ atMs: Number(second) * 1000, value })),
  };
}

function of(side: Side, role: Role, ...series: readonly Series[]): Scraped {
  return { side, role, series };
}

function observed(
  scraped: readonly Scraped[],
  more: Partial<Parameters<typeof cut>[0]> & { isShared?: boolean } = {},
): readonly Observation[] {
  const found = spansOf(scraped, { ...reading, isShared: more.isShared ?? false });
  const sides = [...new Set(scraped.map(({ side }) => side))];
  return cut({ ...found, sides, sinceMs: 0, nowMs: 60_000, intervalMs: 15_000, ...more });
}

function requests(observations: readonly Observation[], side: Side): readonly (number | string)[] {
  return observations.map((one) =>
    isGap(one) ? one.missing : Object.values(one[side]).reduce((sum, counts) => sum + counts.requests, 0),
  );
}

const every15 = { 0: 100, 15: 110, 30: 130, 45: 160, 60: 200 };

test("what a counter rose by is counted in the interval in which it rose", () => {
  expect(requests(observed([of("stable", "requests", counter(every15))]), "stable")).toEqual([10, 20, 30, 40]);
});

test("scrapes that fall between the edges are shared out evenly, and no request is lost or counted twice", () => {
  const seen = requests(
    observed([of("stable", "requests", counter({ 5: 0, 20: 30, 35: 60, 50: 90, 65: 120 }))], {
      nowMs: 66_000,
      sinceMs: 15_000,
    }),
    "stable",
  );
  expect(seen).toEqual([30, 30, 30]);
});

test("a restart counts what came after it, whatever the replica had counted before", () => {
  const seen = observed([of("stable", "requests", counter({ 0: 1000, 15: 1010, 30: 7, 45: 17, 60: 27 }))]);
  expect(requests(seen, "stable")).toEqual([10, 7, 10, 10]);
});

test("a busy replica that restarted is seen by what all of its counters do together", () => {
  const series = (fast: number) => ({ 0: 90, 15: 95, 30: fast, 45: fast + 5, 60: fast + 10 });
  const seen = observed([
    of("stable", "requests", counter({ 0: 100, 15: 110, 30: 80, 45: 90, 60: 100 })),
    of(
      "stable",
      "latency",
      counter(series(70), { le: "0.1" }),
      counter({ 0: 100, 15: 110, 30: 80, 45: 90, 60: 100 }, { le: "+Inf" }),
    ),
  ]);
  expect(requests(seen, "stable")).toEqual([10, 80, 10, 10]);
  expect((seen[1] as Interval).stable.all?.latency).toEqual([70, 10]);
});

test("a counter that runs backwards while others rise is no restart: the interval is a gap", () => {
  const seen = observed([
    of("stable", "requests", counter(every15)),
    of("stable", "errors", counter({ 0: 5, 15: 5, 30: 4, 45: 4, 60: 4 })),
  ]);
  expect(requests(seen, "stable")).toEqual([10, "stable: shop a: a counter ran backwards", 30, 40]);
});

test("a count that is not a number is a gap, on both sides of it", () => {
  const seen = observed([of("stable", "requests", counter({ ...every15, 30: Number.NaN }))]);
  expect(requests(seen, "stable")).toEqual([10, ...Array(2).fill("stable: shop a: a count is not a number"), 40]);
});

test("latency buckets that change midway are a gap, and what comes after is compared again", () => {
  const seen = observed([
    of("stable", "requests", counter(every15)),
    of(
      "stable",
      "latency",
      counter({ 0: 10, 15: 20 }, { le: "0.1" }),
      counter({ 30: 40, 45: 70, 60: 110 }, { le: "0.2" }),
      counter(every15, { le: "+Inf" }),
    ),
  ]);
  expect(requests(seen, "stable")).toEqual([10, "stable: shop a: the latency buckets changed", 30, 40]);
});

test("the first error of a replica that was scraped before counts, though its series is new", () => {
  const seen = observed([
    of("stable", "requests", counter(every15)),
    of("stable", "errors", counter({ 45: 3, 60: 4 })),
  ]);
  expect(seen.map((one) => (isGap(one) ? one : one.stable.all?.errors))).toEqual([0, 0, 3, 1]);
});

test("totals of a replica that is seen for the first time are not taken for requests of this moment", () => {
  const late = counter({ 30: 90_000, 45: 90_010, 60: 90_020 }, { instance: "b" });
  const seen = observed([of("stable", "requests", counter(every15), late)]);
  expect(requests(seen, "stable")).toEqual([10, 20, 40, 50]);
});

test("a scrape that is missing is bridged, several are a gap", () => {
  const one = counter({ 0: 0, 15: 10, 45: 30, 60: 40, 75: 50, 90: 60 });
  expect(requests(observed([of("stable", "requests", one)]), "stable")).toEqual([10, 10, 10, 10]);
  const several = counter({ 0: 0, 15: 10, 60: 40, 75: 50, 90: 60 });
  const seen = observed([of("stable", "requests", several)], { nowMs: 90_000 });
  expect(requests(seen, "stable")).toEqual([10, ...Array(3).fill("stable: shop a: not scraped for 45 s"), 10, 10]);
});

test("an interval waits for a late scrape, but not for ever", () => {
  const quick = counter({ 0: 0, 15: 10, 30: 20, 45: 30, 60: 40 });
  const slow = counter({ 0: 0, 15: 10, 30: 20, 44: 30 }, { instance: "b" });
  const scraped = [of("stable", "requests", quick, slow)];
  expect(requests(observed(scraped, { nowMs: 50_000 }), "stable")).toEqual([20, 20]);
  expect(requests(observed(scraped, { nowMs: 62_000 }), "stable")).toEqual([20, 20]);
  expect(requests(observed(scraped, { nowMs: 90_000 }), "stable").slice(0, 3)).toEqual([20, 20, 20]);
});

test("a side that was seen and is not any more is a gap; before it was first seen it had no request", () => {
  const stable = of("stable", "requests", counter({ ...every15, 75: 250, 90: 300, 105: 350, 120: 400 }));
  const candidate = of("candidate", "requests", counter({ 30: 0, 45: 5, 60: 10 }, { instance: "c" }));
  const seen = observed([stable, candidate], { nowMs: 120_000 });
  expect(requests(seen, "candidate")).toEqual([
    0,
    0,
    5,
    5,
    ...Array(4).fill("no report of the new version for this interval"),
  ]);
});

test("a gateway that was scraped and shows nothing of a side counted nothing of it", () => {
  const stable = of("stable", "requests", counter(every15));
  const candidate = of("candidate", "requests", counter({ 45: 3, 60: 6 }));
  expect(requests(observed([stable, candidate], { isShared: true }), "candidate")).toEqual([0, 0, 3, 3]);
});

test("old and new version are compared at the edges that both of their histograms know", () => {
  const latency = (side: Side, les: readonly string[]) =>
    of(side, "latency", ...les.map((le, i) => counter({ 0: 0, 15: 10 * (i + 1), 30: 20 * (i + 1) }, { le })));
  const seen = observed(
    [
      of("stable", "requests", counter({ 0: 0, 15: 30, 30: 60 })),
      latency("stable", ["0.1", "0.2", "+Inf"]),
      of("candidate", "requests", counter({ 0: 0, 15: 30, 30: 60 })),
      latency("candidate", ["0.1", "0.3", "+Inf"]),
    ],
    { nowMs: 30_000 },
  );
  expect(seen[1]).toMatchObject({ stable: { all: { latency: [10, 20] } }, candidate: { all: { latency: [10, 20] } } });
  expect((seen[1] as Interval).buckets?.log2Edges).toEqual([1, Math.log2(100), Math.log2(100) + 1]);
});

test("routes are told apart by their labels, the twenty busiest by name and the rest together", () => {
  const routes = Array.from({ length: 25 }, (_, i) =>
    counter({ 0: 0, 15: i + 1, 30: 2 * (i + 1) }, { route: `/r${i}` }),
  );
  const { spans } = spansOf([of("stable", "requests", ...routes)], reading);
  const [span] = withFewRoutes(spans);
  expect(Object.keys(span?.rises ?? {})).toHaveLength(21);
  expect(span?.rises.other?.requests).toBe(1 + 2 + 3 + 4 + 5);
  expect(span?.rises["/r24"]?.requests).toBe(25);
});
