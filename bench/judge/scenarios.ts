// What is simulated: a service, and what its new version does to it. The 27 named ones are those of the published tables.

export interface Scenario {
  readonly name: string;
  /** A good release must not be rolled back; a bad one should be, soon. */
  readonly isBad: boolean;
  readonly note: string;
  readonly durationS: number;
  /** Requests per second, both versions together, and the candidate's share. */
  readonly rate: number;
  readonly weight: number;
  readonly mix: readonly number[];
  readonly mediansMs: readonly number[];
  /** Standard deviation of log latency. */
  readonly sigma: number;
  /** Share of requests with an extra Pareto(1.5) factor. */
  readonly pareto: number;
  readonly errorRate: number;
  readonly traffic: "flat" | "bursty";
  /** Log latency per log(load / mean load), both versions. */
  readonly loadSlope: number;
  /** Shared AR(1) on log latency, time constant 60 s: standard deviation. */
  readonly driftSd: number;
  /** Pods: sd of a fixed offset of log latency, sd of an AR(1) with 120 s. The candidate is one pod of ten. */
  readonly pods: { readonly fixedSd: number; readonly driftSd: number };
  /** Pauses: chance per pod and second, longest in ms. */
  readonly pauses: { readonly chance: number; readonly ms: number };
  /** One incident of both versions: seconds, added error rate, latency factor. */
  readonly incident: { readonly seconds: number; readonly errorRate: number; readonly factor: number } | null;
  /** Cold start: factor 1 + 4·exp(−i / requests) on the i-th request. */
  readonly coldRequests: number;
  /** Mean size of sticky retry clumps of errors, both versions. */
  readonly clump: number;
  readonly candidate: {
    readonly errorRate?: number;
    readonly latency?: number;
    readonly tail?: { readonly share: number; readonly factor: number };
    /** Latency factor grows linearly to 1 + this at the end. */
    readonly leak?: number;
    readonly fromS?: number;
    /** Only this route is affected. */
    readonly route?: number;
  };
  /** This route gets its first traffic late: seconds; on the candidate alone with `newRoute`. */
  readonly lateRoute: { readonly route: number; readonly fromS: number; readonly onCandidateOnly: boolean } | null;
}

const service: Omit<Scenario, "name" | "isBad" | "note"> = {
  durationS: 1800,
  rate: 50,
  weight: 0.1,
  mix: [0.55, 0.25, 0.15, 0.05],
  mediansMs: [100, 160, 60, 250],
  sigma: 0.6,
  pareto: 0,
  errorRate: 0.001,
  traffic: "flat",
  loadSlope: 0,
  driftSd: 0,
  pods: { fixedSd: 0, driftSd: 0 },
  pauses: { chance: 0, ms: 0 },
  incident: null,
  coldRequests: 0,
  clump: 1,
  candidate: {},
  lateRoute: null,
};

type Change = Partial<typeof service>;
const good = (name: string, note: string, change: Change = {}): Scenario => ({
  ...service,
  name,
  isBad: false,
  note,
  ...change,
});
const bad = (name: string, note: string, change: Change): Scenario => ({
  ...service,
  name,
  isBad: true,
  note,
  ...change,
});

const incident = { seconds: 180, errorRate: 0.2, factor: 3 };
const unequalPods = { fixedSd: 0.02, driftSd: 0.03 };

/** The published ones. */
export const published: readonly Scenario[] = [
  good("aa-plain", "50 requests/s, 0.1 % errors"),
  good("aa-high-rate", "400 requests/s", { rate: 400 }),
  good("aa-low", "1 request/s, 1 % errors", { rate: 1, errorRate: 0.01 }),
  good("aa-zero-err", "no errors at all", { errorRate: 0 }),
  good("aa-high-err", "5 % errors", { errorRate: 0.05 }),
  good("aa-autocorr", "latency drifts, shared", { driftSd: 0.3 }),
  good("aa-bursty", "4x bursts, latency rises with load", { traffic: "bursty", loadSlope: 0.5 }),
  good("aa-pareto", "heavy tail", { pareto: 0.1, sigma: 1 }),
  good("aa-incident", "shared 3-min incident: +20 % errors, 3x latency", { incident }),
  good("aa-warmup", "first 150 requests slow", { coldRequests: 50 }),
  good("aa-pods", "pods differ by 2 % and drift by 3 %", { pods: unequalPods }),
  good("aa-gc", "pauses of up to 800 ms", { pauses: { chance: 0.01, ms: 800 } }),
  good("aa-tiny-lat", "2 % slower: not worth a rollback", { candidate: { latency: 1.02 } }),
  good("aa-retries", "errors in retry clumps of mean 3", { clump: 3, errorRate: 0.003 }),
  bad("err-0.1-0.5", "errors 0.1 to 0.5 %", { candidate: { errorRate: 0.005 } }),
  bad("err-1-3", "errors 1 to 3 %", { errorRate: 0.01, candidate: { errorRate: 0.03 } }),
  bad("err-5-10", "errors 5 to 10 %", { errorRate: 0.05, candidate: { errorRate: 0.1 } }),
  bad("err-0-0.5", "errors 0 to 0.5 %", { errorRate: 0, candidate: { errorRate: 0.005 } }),
  bad("outage", "every request fails", { candidate: { errorRate: 1 } }),
  bad("lat-10", "latency +10 %", { candidate: { latency: 1.1 } }),
  bad("lat-50", "latency +50 %", { candidate: { latency: 1.5 } }),
  bad("lat-25-bursty", "latency +25 % under bursts and drift", {
    traffic: "bursty",
    loadSlope: 0.5,
    driftSd: 0.3,
    candidate: { latency: 1.25 },
  }),
  bad("p99-2x5", "2 % of requests 5x slower", { candidate: { tail: { share: 0.02, factor: 5 } } }),
  bad("leak-lat", "latency grows to +100 %", { candidate: { leak: 1 } }),
  bad("endpoint-err", "one route of 5 %: errors 0.1 to 10 %", { candidate: { errorRate: 0.1, route: 3 } }),
  bad("err-masked", "errors 0.1 to 1 % during a shared incident", { incident, candidate: { errorRate: 0.01 } }),
  bad("low-err-1-20", "1 request/s, errors 1 to 20 %", { rate: 1, errorRate: 0.01, candidate: { errorRate: 0.2 } }),
];

const newRoute = { route: 3, fromS: 300, onCandidateOnly: true };

/** Beyond the published ones: where the page's judge was said to be weak, or was never measured. */
export const beyond: readonly Scenario[] = [
  good("aa-short", "bake of 5 min", { durationS: 300 }),
  good("aa-long", "bake of 2 h", { durationS: 7200 }),
  good("aa-pods-4", "pods differ by 4 % and drift by 3 %", { pods: { fixedSd: 0.04, driftSd: 0.03 } }),
  good("aa-retries-5", "errors in retry clumps of mean 5", { clump: 5, errorRate: 0.005 }),
  good("aa-new-route", "a slow route that only the new version has", { lateRoute: newRoute }),
  bad("err-short", "errors 1 to 3 %, bake of 5 min", {
    durationS: 300,
    errorRate: 0.01,
    candidate: { errorRate: 0.03 },
  }),
  bad("err-long", "errors 0.1 to 0.5 %, bake of 2 h", { durationS: 7200, candidate: { errorRate: 0.005 } }),
  bad("pods-lat-25", "latency +25 %, unequal pods", { pods: unequalPods, candidate: { latency: 1.25 } }),
  bad("retries-x4", "errors 0.3 to 1.2 %, in retry clumps", {
    clump: 3,
    errorRate: 0.003,
    candidate: { errorRate: 0.012 },
  }),
  bad("late-route-err", "a route that appears after 5 min: errors 0.1 to 20 %", {
    lateRoute: { ...newRoute, onCandidateOnly: false },
    candidate: { errorRate: 0.2, route: 3 },
  }),
];
