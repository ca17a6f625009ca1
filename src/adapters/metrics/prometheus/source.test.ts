// A Prometheus that answers badly, or not, or against another: one sentence each, and never a number that is not so.
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { isGap, isInterval, nativeBuckets } from "../../../domain/evidence.ts";
import { begin, observe } from "../../../domain/judge/observe.ts";
import { verdict } from "../../../domain/judge/verdict.ts";
import { Problem, Temporary } from "../../../domain/problem.ts";
import type { SampleQuery } from "../../../engine/ports.ts";
import type { Place } from "./client.ts";
import { isSelector, ready } from "./queries.ts";
import { readPrometheus, samplePrometheus } from "./source.ts";

const now = 1_700_000_100_000;
const asked = { environment: "production", service: "web", stable: "old", candidate: "new", since: now - 75_000 };
const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

type Answering = (query: string, response: ServerResponse, headers: NodeJS.Dict<string | string[]>) => void;

/** Prometheus as far as its HTTP API goes, at the moment `now`. */
async function prometheus(answer: Answering): Promise<Place> {
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const part of request) body += part;
    response.setHeader("date", new Date(now).toUTCString());
    answer(new URLSearchParams(body).get("query") ?? "", response, request.headers);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

/** Counters that rise by so much every 15 s, up to now. */
function counting(
  perScrape: Readonly<Record<"old" | "new", number>>,
  { skips = [] as readonly number[] } = {},
): Answering {
  return (query, response) => {
    const side = query.includes('"old"') ? "old" : "new";
    const times = Array.from({ length: 9 }, (_, i) => i).filter((i) => !skips.includes(i));
    const values = times.map((i) => [(now - (8 - i) * 15_000) / 1000, String(1000 + i * perScrape[side])]);
    const metric = {
      job: "gateway",
      instance: "g1",
      route: "GET /",
      ...(query.includes("_bucket") ? { le: "+Inf" } : {}),
    };
    const isErrors = query.includes("errors");
    const result = isErrors ? [] : [{ metric, values }];
    response.end(JSON.stringify({ status: "success", data: { resultType: "matrix", result } }));
  };
}

interface At {
  readonly i: number;
  readonly side: "old" | "new";
  readonly role: "requests" | "errors" | "latency";
}
interface Spoilt {
  readonly isMissing?: boolean;
  /** Instead of what was counted. */
  readonly value?: number | undefined;
  readonly restartedAt?: number;
  readonly edges?: readonly string[];
  readonly times?: number;
}
type Spoiling = (at: At) => Spoilt;

/** As often as one likes, for as long as is asked for: 90 and 10 requests between two scrapes, unless it is spoilt. */
function scraping({ everyMs, offsetMs }: { everyMs: number; offsetMs: number }, spoil: Spoiling): Answering {
  return (query, response) => {
    const side = query.includes('"old"') ? "old" : "new";
    const role = query.includes("_bucket") ? "latency" : query.includes("errors") ? "errors" : "requests";
    const lastMs = Number(/\[(\d+)s\]/.exec(query)?.[1]) * 1000;
    const count = Math.floor((lastMs - offsetMs) / everyMs);
    const series = new Map<string, [number, string][]>();
    for (let i = 0; i <= count; i++) {
      const {
        isMissing = false,
        value,
        restartedAt = 0,
        edges = ["0.1", "+Inf"],
        times = 1,
      } = spoil({ i, side, role });
      if (isMissing) continue;
      const began = restartedAt === 0 ? 1000 : 0;
      const perScrape = role === "errors" ? 0 : side === "old" ? 90 : 10;
      for (const le of role === "latency" ? edges : [""]) {
        const all = series.get(le) ?? [];
        all.push([
          (now - offsetMs - (count - i) * everyMs) / 1000,
          String(value ?? times * (began + (i - restartedAt) * perScrape)),
        ]);
        series.set(le, all);
      }
    }
    const labels = { job: "gateway", instance: "g1", route: "GET /" };
    const result = [...series].map(([le, values]) => ({ metric: { ...labels, ...(le === "" ? {} : { le }) }, values }));
    response.end(JSON.stringify({ status: "success", data: { resultType: "matrix", result } }));
  };
}

const read = (...places: readonly Place[]) =>
  readPrometheus(asked, { places, queries: ready.sluice, intervalMs: 15_000 }, () => now);
const requests = async (...places: readonly Place[]) =>
  (await read(...places))
    .filter(isInterval)
    .map((one) => [one.stable["GET /"]?.requests, one.candidate["GET /"]?.requests]);
const saying =
  (status: number, body: unknown): Answering =>
  (_, response) => {
    response.writeHead(status).end(typeof body === "string" ? body : JSON.stringify(body));
  };

test("raw counters become whole intervals of both sides", async () => {
  const place = await prometheus(counting({ old: 90, new: 10 }));
  expect(await requests(place)).toEqual(Array(5).fill([90, 10]));
});

describe("what cannot be answered is Temporary, in a sentence that says what to do", () => {
  const data = { resultType: "matrix", result: [] };
  test.each<[string, Answering, RegExp]>([
    [
      "422",
      saying(422, { status: "error", errorType: "execution", error: "too many samples" }),
      /could not execute the query \(422: too many samples\); narrow the selectors/,
    ],
    [
      "partial data",
      saying(200, { status: "success", data, warnings: ["store-2 is away"] }),
      /answered only in part: store-2 is away/,
    ],
    [
      "503",
      saying(503, { status: "error", errorType: "timeout", error: "query timed out" }),
      /answered 503: query timed out/,
    ],
    [
      "nothing",
      saying(200, { status: "success", data }),
      /has nothing for sluice_requests_total\{.*\}; look whether it scrapes/,
    ],
    [
      "a query that it does not know",
      saying(400, { status: "error", errorType: "bad_data", error: "parse error" }),
      /does not understand the query: parse error \(Mend/,
    ],
    ["a token that it refuses", saying(401, "no"), /refused the token \(401\) \(Name the secret/],
    [
      "something that is no Prometheus",
      saying(200, "<html>"),
      /answered 200, but not as Prometheus does: <html> \(Let metrics/,
    ],
    ["a wrong address", saying(404, "not found"), /has no \/api\/v1\/query/],
    ["a connection that breaks", (_, response) => void response.destroy(), /hung up/],
    [
      "a clock that is off",
      (query, response) => {
        response.setHeader("date", new Date(now + 240_000).toUTCString());
        counting({ old: 90, new: 10 })(query, response, {});
      },
      /the clock of .* is 24[01] s ahead of ours; set both by NTP/,
    ],
    [
      "scrapes too far apart",
      counting({ old: 90, new: 10 }, { skips: [1, 2, 3, 5, 6, 7] }),
      /scrapes every 60 s, and metrics.prometheus.interval is 15 s; set it to "60s"/,
    ],
  ])("%s", async (_, answer, words) => {
    const place = await prometheus(answer);
    const refused = await read(place).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(Temporary);
    expect(String(refused)).toMatch(words);
  });

  test("nobody there", async () => {
    await expect(read({ url: "http://127.0.0.1:9" })).rejects.toThrow("cannot be reached: nothing listens there");
  });
});

describe("two replicas of Prometheus", () => {
  test("that agree are one", async () => {
    const places = await Promise.all([counting({ old: 90, new: 10 }), counting({ old: 88, new: 10 })].map(prometheus));
    const observations = await read(...places);
    expect(observations.every((one) => isInterval(one) && one.remark === undefined)).toBe(true);
  });

  test("of which one is away are read from the other, and it is said so", async () => {
    const place = await prometheus(counting({ old: 90, new: 10 }));
    const [one] = (await read({ url: "http://127.0.0.1:9" }, place)).filter(isInterval);
    expect(one?.remark).toBe("without http://127.0.0.1:9 cannot be reached: nothing listens there");
  });

  test("of which one missed scrapes are read from the more complete one, and it is said so", async () => {
    const whole = await prometheus(counting({ old: 90, new: 10 }));
    const holey = await prometheus(counting({ old: 90, new: 10 }, { skips: [4, 5, 6] }));
    const observations = await read(holey, whole);
    expect(observations.every(isInterval)).toBe(true);
    const [first] = observations.filter(isInterval);
    expect(first?.remark).toMatch(new RegExp(`^from ${whole.url}: ${holey.url} has .*not scraped for 60 s$`));
  });

  test("that both saw all and counted differently are not believed", async () => {
    const places = await Promise.all(
      [counting({ old: 900, new: 100 }), counting({ old: 300, new: 30 })].map(prometheus),
    );
    const [first] = (await read(...places)).filter(isGap);
    expect(first?.missing).toMatch(
      /counted 1000 requests, .* counted 330 requests in the same interval: they do not scrape the same/,
    );
  });
});

describe("scrapes every 5 to 60 s", () => {
  test.each([5, 10, 15, 30, 60])(
    "%i s: every request is counted once, in the interval in which it came",
    async (seconds) => {
      const everyMs = seconds * 1000;
      // Prometheus spreads its scrapes: they fall on no edge of an interval.
      const place = await prometheus(scraping({ everyMs, offsetMs: 0.4 * everyMs }, () => ({})));
      const observations = await readPrometheus(
        { ...asked, since: now - 20 * everyMs },
        { places: [place], queries: ready.sluice, intervalMs: everyMs },
        () => now,
      );
      const counted = observations.filter(isInterval).map((one) => one.stable["GET /"]?.requests);
      expect(counted.length).toBeGreaterThanOrEqual(16);
      expect(new Set(counted)).toEqual(new Set([90]));
    },
  );
});

test("native histograms are compared at the edges of their schema, whatever both sides' schemas are", async () => {
  /** All between 62.5 ms and the next edge: a quarter of an octave for the one, an eighth for the other. */
  const native: Answering = (query, response, headers) => {
    if (!query.includes("_bucket"))
      return scraping({ everyMs: 15_000, offsetMs: 0 }, () => ({}))(query, response, headers);
    const [perScrape, high] = query.includes('"old"') ? [90, 2 ** -3.75] : [10, 2 ** -3.875];
    const histograms = Array.from({ length: 9 }, (_, i) => {
      const count = String((i + 1) * perScrape);
      return [(now - (8 - i) * 15_000) / 1000, { count, sum: "1", buckets: [[0, "0.0625", String(high), count]] }];
    });
    const metric = { job: "gateway", instance: "g1", route: "GET /" };
    response.end(
      JSON.stringify({ status: "success", data: { resultType: "matrix", result: [{ metric, histograms }] } }),
    );
  };
  const intervals = (await read(await prometheus(native))).filter(isInterval);
  expect(intervals.length).toBeGreaterThan(3);
  for (const { stable, candidate, buckets } of intervals) {
    const edges = buckets?.log2Edges ?? [];
    const low = edges.indexOf(Math.log2(62.5));
    expect(edges[low + 1]).toBeCloseTo(Math.log2(62.5) + 0.25, 6);
    expect([stable["GET /"]?.latency[low], candidate["GET /"]?.latency[low]]).toEqual([90, 10]);
  }
});

describe("what the judge makes of fifteen minutes in which nothing is wrong but the numbers", () => {
  const judged = async (...answers: readonly Answering[]) => {
    const places = await Promise.all(answers.map(prometheus));
    const since = now - 60 * 15_000;
    const observations = await readPrometheus(
      { ...asked, since },
      { places, queries: ready.sluice, intervalMs: 15_000 },
      () => now,
    );
    const buckets = observations.filter(isInterval)[0]?.buckets ?? nativeBuckets;
    const beginning = begin({ history: { intervals: [], podLogSd: 0 }, strata: ["GET /"], buckets });
    return verdict(observations.reduce(observe, beginning), { isOver: true });
  };
  const spoilt = (how: Spoiling) => scraping({ everyMs: 15_000, offsetMs: 4_000 }, how);
  const late = 30; // scrapes

  test.each<[string, Spoiling, string]>([
    ["nothing", () => ({}), "pass"],
    ["one restart of each side", ({ i }) => ({ restartedAt: i >= late ? late : 0 }), "pass"],
    ["every fourth scrape missing", ({ i }) => ({ isMissing: i % 4 === 2 }), "pass"],
    ["the last scrapes late", ({ i }) => ({ isMissing: i > 63 }), "pass"],
    ["buckets that change once", ({ i }) => ({ edges: i >= late ? ["0.2", "+Inf"] : ["0.1", "+Inf"] }), "pass"],
    [
      "errors that run backwards",
      ({ i, role }) => ({ value: role === "errors" && i >= late ? 9_000 - i : undefined }),
      "errored",
    ],
    [
      "NaN",
      ({ i, side, role }) => ({ value: i >= late && side === "new" && role === "requests" ? Number.NaN : undefined }),
      "errored",
    ],
    ["buckets that change at every scrape", ({ i }) => ({ edges: [`0.${1 + (i % 7)}`, "+Inf"] }), "errored"],
    ["scrapes that end", ({ i }) => ({ isMissing: i >= late }), "errored"],
    [
      "a gateway that forgets the candidate",
      ({ i, side }) => ({ isMissing: side === "new" && i >= late }),
      "inconclusive",
    ],
    ["a candidate that nobody asks", ({ side }) => ({ value: side === "new" ? 7 : undefined }), "inconclusive"],
  ])("%s", async (_, how, expected) => {
    expect(await judged(spoilt(how))).toBe(expected);
  });

  test("two replicas that count differently: errored; of which one has holes: as if there were only the other", async () => {
    expect(
      await judged(
        spoilt(() => ({})),
        spoilt(() => ({ times: 3 })),
      ),
    ).toBe("errored");
    expect(
      await judged(
        spoilt(({ i }) => ({ isMissing: i % 9 > 4 })),
        spoilt(() => ({})),
      ),
    ).toBe("pass");
  });
});

describe("a number for a check", () => {
  const sample = (place: Place, query: string) => {
    const wanted: SampleQuery = {
      environment: "production",
      service: "web",
      revision: "new",
      source: "prometheus",
      query,
    };
    return samplePrometheus(wanted, { places: [place], queries: ready.sluice, intervalMs: 15_000 }, () => now);
  };
  const vector = (...values: readonly string[]): Answering =>
    saying(200, {
      status: "success",
      data: { resultType: "vector", result: values.map((value) => ({ metric: {}, value: [now / 1000, value] })) },
    });

  test("is what an expression comes to, with the revision filled in", async () => {
    let seen = "";
    const place = await prometheus((query, response, headers) => {
      seen = query;
      vector("81.5")(query, response, headers);
    });
    expect(await sample(place, 'max(cpu{revision="$revision",env="$environment"})')).toEqual({ value: 81.5 });
    expect(seen).toBe('max(cpu{revision="new",env="production"})');
  });

  test("is missing where there is none, and refused where there are several", async () => {
    expect(await sample(await prometheus(vector()), "cpu")).toHaveProperty("missing");
    expect(await sample(await prometheus(vector("NaN")), "cpu")).toHaveProperty("missing");
    await expect(sample(await prometheus(vector("1", "2")), "cpu")).rejects.toThrow(Problem);
  });
});

test("every ready query is a selector with its revision in it, and what is not one is told", () => {
  for (const { requests: one, errors, latency } of Object.values(ready)) {
    for (const selector of [one, errors, latency ?? one]) {
      expect(selector).toContain("$revision");
      expect(isSelector(selector)).toBe(true);
    }
  }
  for (const wrong of ["rate(x[5m])", 'sum(x{a="b"})', "x / y", 'x{a="b"}[5m]', "", '{a="b"', "x{a=b}"]) {
    expect([wrong, isSelector(wrong)]).toEqual([wrong, false]);
  }
});

test("the token is sent, and asked for no further than to the address named", async () => {
  let told: unknown;
  const place = await prometheus((query, response, headers) => {
    told = headers.authorization;
    counting({ old: 90, new: 10 })(query, response, headers);
  });
  await read({ ...place, token: "secret" });
  expect(told).toBe("Bearer secret");
});
