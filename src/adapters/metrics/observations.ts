// From what was counted to what the judge is shown: the same for every source whose replicas or gateways tell their counters.
import { isInterval, type Observation, type ReplicaInterval } from "../../domain/evidence.ts";
import type { Ms } from "../../domain/frame.ts";
import type { MetricSource } from "../../engine/ports.ts";
import { cut, type Side, type Span, withFewRoutes } from "./spans.ts";
import { type Reading, type Scraped, spansOf } from "./targets.ts";

export type Asked = Parameters<MetricSource["read"]>[0];

export interface Wanted {
  readonly asked: Asked;
  readonly reading: Reading;
  readonly intervalMs: Ms;
  readonly nowMs: Ms;
}

export interface Observed {
  readonly observations: readonly Observation[];
  readonly spans: readonly Span[];
  /** Between two reports, usually; 0 while none reported twice. */
  readonly spacingMs: Ms;
}

/** "nothing" when a side was not seen at all for longer than it takes to be seen: it will not be waited for. */
export function observationsOf(scraped: readonly Scraped[], wanted: Wanted): Observed | "nothing" {
  const { asked, reading, intervalMs, nowMs } = wanted;
  const sides = sidesOf(asked).map(({ side }) => side);
  const isEarly = nowMs - asked.since <= 4 * intervalMs;
  const unseen = sides.filter((side) => isUnseen(side, scraped));
  const isNothing = unseen.length === sides.length || (unseen.length > 0 && !reading.isShared);
  if (!isEarly && isNothing) return "nothing";
  const { spans: all, blanks, spacingMs } = spansOf(scraped, reading);
  const spans = withFewRoutes(all);
  const times = { sinceMs: asked.since, nowMs, intervalMs, spacingMs: spacingMs === 0 ? intervalMs : spacingMs };
  return { observations: cut({ spans, blanks, sides, ...times }), spans, spacingMs };
}

/** Each reporter by itself: where those are the replicas, how they differ. */
export function replicasOf(scraped: readonly Scraped[], wanted: Wanted): readonly ReplicaInterval[] {
  const { asked, reading, intervalMs, nowMs } = wanted;
  const { spans: all, blanks, spacingMs } = spansOf(scraped, reading);
  const spans = withFewRoutes(all);
  const times = { sinceMs: asked.since, nowMs, intervalMs, spacingMs: spacingMs === 0 ? intervalMs : spacingMs };
  const found = new Map<Ms, ReplicaInterval>();
  for (const reporter of new Set(spans.map((span) => span.reporter))) {
    const own = <T extends { reporter: string; side: Side }>(list: readonly T[]) =>
      list.filter((one) => one.reporter === reporter).map((one) => ({ ...one, side: "stable" as const }));
    for (const one of cut({ spans: own(spans), blanks: own(blanks), sides: ["stable"], ...times }).filter(isInterval)) {
      const { startMs, endMs, stable, buckets } = one;
      const replicas = { ...found.get(startMs)?.replicas, [reporter]: stable };
      found.set(startMs, { startMs, endMs, replicas, ...(buckets === undefined ? {} : { buckets }) });
    }
  }
  return [...found.values()].sort((a, b) => a.startMs - b.startMs);
}

export function sidesOf({ stable, candidate }: Asked): readonly { readonly side: Side; readonly revision: string }[] {
  const present = { side: "candidate", revision: candidate } as const;
  return stable === undefined ? [present] : [{ side: "stable", revision: stable }, present];
}

export function isUnseen(side: Side, scraped: readonly Scraped[]): boolean {
  return !scraped.some((one) => one.side === side && one.series.length > 0);
}
