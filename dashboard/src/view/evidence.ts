// The evidence of a rollout as lines to draw: pure, so that what the page shows can be tested without a page.
import type { Ms } from "../../../src/domain/frame.ts";
import type { Stream } from "../../../src/domain/judge/parts.ts";
import type { EvidencePoint, EvidenceView } from "../../../src/domain/judge/view.ts";

export interface EvidenceLines {
  /** E, thick; then what each stream contributes, thin. */
  readonly whole: string;
  /** What a rollback needs as well, where it is another. */
  readonly firm: string | undefined;
  readonly streams: readonly { readonly stream: Stream; readonly path: string }[];
  readonly holdY: number;
  readonly rollbackY: number;
  readonly warmUps: readonly { readonly x: number; readonly width: number }[];
  readonly gaps: readonly number[];
  readonly failedX: number | undefined;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** ln E at the foot of the picture: 1 in 20. */
const footLogE = Math.log(0.05);
const streams = ["err", "rank", "tail", "warm", "crash"] as const satisfies readonly Stream[];

export function evidenceLines(view: EvidenceView, { width, height }: Size): EvidenceLines {
  const { points, logHold, logRollback, failedAtMs } = view;
  const [first, last] = [points[0], points.at(-1)];
  const startMs = (first?.endMs ?? 0) - stepMs(points);
  const spanMs = Math.max(1, (last?.endMs ?? 1) - startMs);
  const top = Math.max(logRollback * 1.25, ...points.map(({ logE }) => Math.min(logE, 2 * logRollback)));
  const x = (at: Ms) => round(((at - startMs) / spanMs) * width);
  const y = (logE: number) => round(height * (1 - clip((logE - footLogE) / (top - footLogE))));
  const line = (of: (point: EvidencePoint) => number) =>
    points.map((point, i) => `${i === 0 ? "M" : "L"}${x(point.endMs)} ${y(of(point))}`).join("");
  return {
    whole: line(({ logE }) => logE),
    firm: points.some(({ logFirm }) => logFirm !== undefined) ? line(({ logE, logFirm = logE }) => logFirm) : undefined,
    streams: streams
      .filter((stream) => points.some((point) => point.streams[stream] > footLogE))
      .map((stream) => ({ stream, path: line((point) => point.streams[stream]) })),
    holdY: y(logHold),
    rollbackY: y(logRollback),
    warmUps: warmUps(points, stepMs(points)).map(([from, to]) => ({ x: x(from), width: round(x(to) - x(from)) })),
    gaps: points.filter(({ missing }) => missing !== undefined).map(({ endMs }) => x(endMs)),
    failedX: failedAtMs === null ? undefined : x(failedAtMs),
  };
}

/** A histogram as one closed shape, over the stretch of buckets that either side uses; highest is 1. */
export function shape(
  latency: readonly number[],
  [from, to]: readonly [number, number],
  { width, height }: Size,
): string {
  const highest = Math.max(1, ...latency);
  const wide = width / Math.max(1, to - from);
  const tops = Array.from({ length: Math.max(1, to - from) }, (_, i) => {
    const y = round(height * (1 - (latency[from + i] ?? 0) / highest));
    return `L${round(i * wide)} ${y}L${round((i + 1) * wide)} ${y}`;
  });
  return `M0 ${height}${tops.join("")}L${width} ${height}Z`;
}

/** From the first bucket that holds something to behind the last. */
export function stretchOf(sides: readonly (readonly number[])[]): readonly [number, number] {
  const used = sides.flatMap((latency) => latency.flatMap((count, b) => (count > 0 ? [b] : [])));
  return used.length === 0 ? [0, 1] : [Math.min(...used), Math.max(...used) + 1];
}

/** A dozen moments of the course, the last always: what a table can say. */
export function momentsOf(points: readonly EvidencePoint[]): readonly EvidencePoint[] {
  const every = Math.max(1, Math.ceil(points.length / 12));
  return points.filter((_, i) => (points.length - 1 - i) % every === 0);
}

function warmUps(points: readonly EvidencePoint[], stepMs: Ms): readonly (readonly [Ms, Ms])[] {
  const spans: [Ms, Ms][] = [];
  for (const { isWarmUp, endMs } of points) {
    const last = spans.at(-1);
    if (!isWarmUp) continue;
    if (last !== undefined && endMs - last[1] <= stepMs * 1.5) last[1] = endMs;
    else spans.push([endMs - stepMs, endMs]);
  }
  return spans;
}

function stepMs(points: readonly EvidencePoint[]): Ms {
  const [first, second] = points;
  return first === undefined || second === undefined ? 5_000 : second.endMs - first.endMs;
}

function clip(share: number): number {
  return Math.min(1, Math.max(0, share));
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
