// What Prometheus answers, as series of samples. Every way in which it can fail to answer whole becomes one sentence:
// half an answer would look like half the traffic.

import type { Ms } from "../../../domain/frame.ts";
import { Problem, Temporary } from "../../../domain/problem.ts";
import { edge, exponentialEdges, type UpTo } from "../layout.ts";
import type { Labels, Series } from "../targets.ts";

export interface Answer {
  readonly status: number;
  readonly body: string;
}

interface Said {
  readonly status?: string;
  readonly data?: { readonly resultType?: string; readonly result?: unknown };
  readonly errorType?: string;
  readonly error?: string;
  readonly warnings?: readonly string[];
}

/** The raw samples of a range selector, or of an instant query one each. */
export function seriesOf(
  { status, body }: Answer,
  { url, unitMs }: { url: string; unitMs: number },
): readonly Series[] {
  const said = understood(body);
  if (said?.status === "error" || status >= 400) throw refusal(status, said, url);
  if (said?.status !== "success") {
    throw new Problem(
      `${url} answered ${status}, but not as Prometheus does: ${body.slice(0, 80)}`,
      "Let metrics.prometheus.url be the address below which /api/v1/query is",
    );
  }
  // Thanos, Mimir and remote reads answer with what they have and say so here.
  const partial = (said.warnings ?? []).filter((warning) => !warning.startsWith("PromQL info"));
  if (partial.length > 0) throw new Temporary(`${url} answered only in part: ${partial.join("; ").slice(0, 300)}`);
  const { resultType, result } = said.data ?? {};
  if (resultType === "scalar" && Array.isArray(result)) {
    return [{ labels: {}, samples: [sample([Number(result[0]), String(result[1])])] }];
  }
  if (!Array.isArray(result)) throw new Temporary(`${url} answered without data`);
  return result.map((one: RawSeries) => ({
    labels: one.metric ?? {},
    samples: [
      ...(one.values ?? (one.value === undefined ? [] : [one.value])).map(sample),
      ...(one.histograms ?? (one.histogram === undefined ? [] : [one.histogram])).map(([at, histogram]) => ({
        atMs: Math.round(at * 1000),
        value: nativeUpTo(histogram, unitMs),
      })),
    ],
  }));
}

type RawSample = readonly [number, string];
interface RawHistogram {
  readonly count: string;
  readonly buckets?: readonly (readonly [rule: number, low: string, high: string, count: string])[];
}
interface RawSeries {
  readonly metric?: Labels;
  readonly values?: readonly RawSample[];
  readonly value?: RawSample;
  readonly histograms?: readonly (readonly [number, RawHistogram])[];
  readonly histogram?: readonly [number, RawHistogram];
}

function sample([at, text]: RawSample) {
  const words: Readonly<Record<string, number>> = {
    "+Inf": Number.POSITIVE_INFINITY,
    "-Inf": Number.NEGATIVE_INFINITY,
  };
  return { atMs: Math.round(Number(at) * 1000), value: words[text] ?? Number(text) };
}

/** Buckets that are left out are empty, so the count is known at every edge of the schema that the others show. */
function nativeUpTo({ count, buckets = [] }: RawHistogram, unitMs: number): UpTo {
  const bounds = buckets.map(([, low, high, n]) => ({ low: Number(low), high: Number(high), n: Number(n) }));
  const scale = scaleOf(bounds) ?? 3;
  const total = Number(count);
  const below = (ms: Ms) =>
    bounds.reduce((sum, { high, n }) => (edge(high * unitMs) <= ms * (1 + 1e-9) ? sum + n : sum), 0);
  const edges = exponentialEdges(scale, unitMs).map(({ ms }): [Ms, number] => [ms, below(ms)]);
  return new Map([...edges, [Number.POSITIVE_INFINITY, total]]);
}

/** From the ratio of a bucket's edges, 2^(1/2^schema); the bucket around zero has none. */
function scaleOf(bounds: readonly { readonly low: number; readonly high: number }[]): number | undefined {
  const [first] = bounds.filter(({ low, high }) => low > 0 && Number.isFinite(high));
  return first === undefined ? undefined : Math.round(-Math.log2(Math.log2(first.high / first.low)));
}

function understood(body: string): Said | undefined {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

/** A question that will never be answered is a Problem; what may pass is Temporary. */
function refusal(status: number, said: Said | undefined, url: string): Error {
  const words = said?.error ?? `HTTP ${status}`;
  if (status === 401 || status === 403) {
    return new Problem(
      `${url} refused the token (${status})`,
      "Name the secret that holds it: metrics.prometheus.token: { secret: … }",
    );
  }
  if (status === 400 || said?.errorType === "bad_data") {
    return new Problem(`${url} does not understand the query: ${words}`, "Mend metrics.prometheus.queries");
  }
  if (status === 404) {
    return new Problem(`${url} has no /api/v1/query`, "Let metrics.prometheus.url be the address of Prometheus");
  }
  if (status === 422) {
    return new Temporary(
      `${url} could not execute the query (422: ${words}); narrow the selectors of metrics.prometheus.queries, or raise its --query.max-samples`,
    );
  }
  return new Temporary(`${url} answered ${status}: ${words}`);
}
