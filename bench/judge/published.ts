// What others measured on the published families, 500 canaries each, with a simulator and peers of their own in NumPy. Ours
// are an independent port: `npm run bench:judge -- --check` holds our figures against these.

/** Share rolled back, in percent; for bad releases also the median time in seconds, null: never. */
export interface Figure {
  readonly percent: number;
  readonly medianS?: number | null;
}

export type Figures = Readonly<Record<"judge" | "kayenta" | "flagger" | "argo", Figure>>;

export const measuredOn = 500;

export const figures: Readonly<Record<string, Figures>> = {
  "aa-plain": good(0.4, 1.2, 0.6, 0),
  "aa-high-rate": good(0.2, 1.4, 0, 0),
  "aa-low": good(0, 0.4, 8.2, 66.8),
  "aa-zero-err": good(0, 0.6, 1.6, 0.2),
  "aa-high-err": good(0, 0.8, 2, 0.4),
  "aa-autocorr": good(0, 0, 26.4, 31),
  "aa-bursty": good(0, 0, 97.6, 99.6),
  "aa-pareto": good(0, 0.2, 63, 42.2),
  "aa-incident": good(0.2, 0.2, 64, 100),
  "aa-warmup": good(0, 0, 4.2, 6.2),
  "aa-pods": good(1.8, 11.8, 2.8, 1.2),
  "aa-gc": good(0.2, 0.6, 72.8, 63.6),
  "aa-tiny-lat": good(0, 6.8, 1.2, 0.8),
  "aa-retries": good(1.4, 0.6, 50.4, 37.4),
  "err-0.1-0.5": bad([100, 455], [59.4, 1800], [53, 1740], [17.2, null]),
  "err-1-3": bad([100, 162], [100, 600], [100, 420], [100, 240]),
  "err-5-10": bad([100, 115], [100, 600], [100, 600], [100, 480]),
  "err-0-0.5": bad([100, 180], [95, 600], [52, 1800], [19.6, null]),
  outage: bad([100, 10], [100, 600], [100, 360], [100, 240]),
  "lat-10": bad([100, 365], [100, 600], [29, null], [14, null]),
  "lat-50": bad([100, 80], [100, 600], [100, 420], [100, 240]),
  "lat-25-bursty": bad([100, 100], [28.2, null], [99.6, 660], [99.8, 420]),
  "p99-2x5": bad([100, 310], [98.4, 1200], [99.8, 660], [100, 480]),
  "leak-lat": bad([100, 330], [100, 600], [100, 900], [100, 780]),
  "endpoint-err": bad([100, 250], [88.2, 1200], [77, 1440], [48, null]),
  "err-masked": bad([100, 150], [99.8, 600], [100, 600], [100, 420]),
  "low-err-1-20": bad([100, 295], [65.2, 1800], [100, 480], [100, 240]),
};

function good(judge: number, kayenta: number, flagger: number, argo: number): Figures {
  return {
    judge: { percent: judge },
    kayenta: { percent: kayenta },
    flagger: { percent: flagger },
    argo: { percent: argo },
  };
}

type Found = readonly [percent: number, medianS: number | null];

function bad(judge: Found, kayenta: Found, flagger: Found, argo: Found): Figures {
  const figure = ([percent, medianS]: Found): Figure => ({ percent, medianS });
  return { judge: figure(judge), kayenta: figure(kayenta), flagger: figure(flagger), argo: figure(argo) };
}
