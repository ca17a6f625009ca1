// The evidence of a rollout on the screen: its course under the two lines, each stream by itself, and both sides route by
// route with their whole latency. Everything can be read without colour.
import type { Comparison, Side } from "../../domain/judge/comparison.ts";
import type { EvidencePoint, EvidenceView } from "../../domain/judge/view.ts";
import * as say from "../../domain/judge/wording.ts";
import type { ServiceEvidence } from "../../engine/evidence.ts";
import type { Colors } from "../screen.ts";
import { columns, cut } from "./text.ts";

export interface Look {
  readonly colors: Colors;
  readonly width: number;
  /** Also the table that the evidence is the average of. */
  readonly hasTable?: boolean;
}

export function evidenceLines(services: readonly ServiceEvidence[], look: Look): readonly string[] {
  return services.flatMap(({ service, view, because }, i) => [
    ...(i === 0 ? [] : [""]),
    ...(view === undefined
      ? [`${look.colors.bold(service)}  not compared: ${because ?? "nothing was counted"}`]
      : [
          `${look.colors.bold(service)}  ${view.sentence}`,
          "",
          ...chart(view, look),
          "",
          ...routes(view, look),
          ...(look.hasTable ? table(view, look) : []),
        ]),
  ]);
}

const blocks = " ▁▂▃▄▅▆▇█";
const rows = 8;
/** ln E at the foot of the chart: below it nothing is worth a picture. */
const footLogE = Math.log(0.05);

function chart(view: EvidenceView, { colors, width }: Look): readonly string[] {
  const room = Math.max(20, Math.min(72, width - 24));
  const points = fitted(view.points, room);
  const top = Math.max(view.logRollback * 1.25, ...points.map(({ logE }) => Math.min(logE, view.logRollback * 2)));
  const height = (logE: number) => Math.max(0, Math.min(1, (logE - footLogE) / (top - footLogE)));
  const rowOf = (logE: number) => Math.floor(height(logE) * rows * 0.999);
  const lines: Readonly<Record<number, string>> = {
    [rowOf(view.logHold)]: "hold",
    [rowOf(view.logRollback)]: "roll back",
  };
  const marks: Readonly<Record<number, string>> = {
    [rowOf(0)]: "1",
    [rowOf(view.logHold)]: say.count(Math.exp(view.logHold)),
    [rowOf(view.logRollback)]: say.count(Math.exp(view.logRollback)),
  };
  const drawn = Array.from({ length: rows }, (_, i) => {
    const row = rows - 1 - i;
    const name = lines[row];
    const cells = points.map((point) =>
      cell(point, { filled: height(point.logE) * rows - row, isLine: name !== undefined }),
    );
    const said = `${(marks[row] ?? "").padStart(7)} │${cells.join("")}`;
    return name === undefined ? said : `${said.padEnd(9 + points.length)} ${colors.dim(name)}`;
  });
  const streams = say.streams
    .filter((stream) => points.some((point) => point.streams[stream] > Math.log(0.5)))
    .map(
      (stream) => `${say.streamNames[stream].padStart(8)} ${sparkline(points.map((p) => height(p.streams[stream])))}`,
    );
  const firm = points.some(({ logE, logFirm = logE }) => logE >= view.logHold && logE - logFirm > Math.LN2)
    ? [`    firm ${sparkline(points.map(({ logE, logFirm = logE }) => height(logFirm)))} for a rollback`]
    : [];
  return [
    colors.dim("odds:1"),
    ...drawn,
    axis(view, points),
    ...[...firm, ...streams].map(colors.dim),
    ...gaps(view, colors),
  ];
}

function cell({ isWarmUp, missing }: EvidencePoint, { filled, isLine }: { filled: number; isLine: boolean }): string {
  if (filled > 0) return blocks[Math.min(8, Math.max(1, Math.ceil(filled * 8)))] ?? "█";
  if (isLine) return "┄";
  return missing === undefined ? (isWarmUp ? "·" : " ") : "×";
}

function axis({ steps }: EvidenceView, points: readonly EvidencePoint[]): string {
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined) return "";
  const shares = steps.flatMap(({ share }) => (share === null ? [] : [say.percent(share)]));
  return `        └${"─".repeat(points.length)} ${say.span(last.endMs - first.endMs)}${shares.length > 0 ? ` at ${shares.join(", ")}` : ""}`;
}

function gaps({ points }: EvidenceView, colors: Colors): readonly string[] {
  const missing = points.filter((point) => point.missing !== undefined);
  const [one] = missing.slice(-1);
  return one === undefined
    ? []
    : [
        colors.yellow(
          `× ${missing.length} ${missing.length === 1 ? "interval" : "intervals"} could not be judged; the last: ${one.missing}`,
        ),
      ];
}

/** As many points as there are columns: the highest of each group. */
function fitted(points: readonly EvidencePoint[], room: number): readonly EvidencePoint[] {
  const group = Math.max(1, Math.ceil(points.length / room));
  return Array.from({ length: Math.ceil(points.length / group) }, (_, i) =>
    points.slice(i * group, (i + 1) * group).reduce((a, b) => (b.logE > a.logE ? b : a)),
  );
}

/** One line of eighths, from 0 to 1. */
function sparkline(heights: readonly number[]): string {
  return heights.map((height) => blocks[Math.round(height * 8)] ?? " ").join("");
}

function table({ parts, logE }: EvidenceView, { colors }: Look): readonly string[] {
  const strata = [...new Set(parts.map(({ stratum }) => stratum))];
  const cells = (stratum: string | null, of: (part: EvidenceView["parts"][number]) => number) =>
    say.streams.map((stream) => {
      const part = parts.find((one) => one.stream === stream && one.stratum === stratum);
      return part === undefined ? "" : of(part).toFixed(2);
    });
  return [
    "",
    ...columns([
      ["ln E", ...say.streams.map((stream) => say.streamNames[stream])].map(colors.dim),
      ...strata.map((stratum) => [stratum ?? "all routes", ...cells(stratum, (part) => part.logE)]),
      ...strata
        .slice(0, 2)
        .map((stratum) =>
          [`weight of ${stratum === null ? "all" : "each"}`, ...cells(stratum, ({ weight }) => weight)].map(colors.dim),
        ),
    ]),
    `ln E ${logE.toFixed(2)}: E is the average of these, by weight`,
  ];
}

const routesMax = 8;
const pictureCells = 24;

function routes({ comparisons, log2Edges, tolerance }: EvidenceView, { colors, width }: Look): readonly string[] {
  const shown = comparisons.filter(({ stable, candidate }) => stable.requests + candidate.requests > 0);
  const table = shown.slice(0, routesMax + 1).flatMap((comparison) => {
    const picture = distributions(comparison, log2Edges);
    const name = cut(comparison.stratum ?? "all routes", Math.max(12, Math.min(28, width - 70)));
    return [
      [name, "new", ...numbers(comparison.candidate), picture.candidate],
      ["", "stable", ...numbers(comparison.stable), picture.stable],
    ];
  });
  const header = ["route", "", "requests", "errors", "p50", "p99", `latency ${scale(shown, log2Edges)}`];
  const hidden = shown.length - (routesMax + 1);
  return [
    ...columns([header.map(colors.dim), ...table]),
    ...(hidden > 0 ? [colors.dim(`… ${hidden} more routes`)] : []),
    colors.dim(`up to ${say.percent(tolerance - 1)} slower is taken for alike`),
  ];
}

function numbers({ requests, errorRate, p50Ms, p99Ms }: Side): readonly string[] {
  return [say.count(requests), rate(errorRate), ms(p50Ms), ms(p99Ms)];
}

function rate(errorRate: number | null): string {
  return errorRate === null ? "–" : say.percent(errorRate);
}

function ms(value: number | null): string {
  return value === null ? "–" : say.latency(value);
}

/** Both sides over the same stretch of latency, each against its own highest cell. */
function distributions({ stable, candidate }: Comparison, log2Edges: readonly number[]) {
  const [from, to] = stretch([stable.latency, candidate.latency], log2Edges);
  const draw = ({ latency }: Side): string => {
    const cells = new Array<number>(pictureCells).fill(0);
    for (const [b, count] of latency.entries()) {
      const i = Math.min(pictureCells - 1, Math.floor(((b - from) / (to - from)) * pictureCells));
      if (count > 0 && i >= 0) cells[i] = (cells[i] ?? 0) + count;
    }
    const highest = Math.max(1, ...cells);
    return cells
      .map((count) => (count === 0 ? "·" : (blocks[Math.max(1, Math.round((count / highest) * 8))] ?? "█")))
      .join("");
  };
  return { stable: draw(stable), candidate: draw(candidate) };
}

/** From the first bucket that holds something to behind the last. */
function stretch(sides: readonly (readonly number[])[], log2Edges: readonly number[]): readonly [number, number] {
  const held = log2Edges.flatMap((_, b) => (sides.some((latency) => (latency[b] ?? 0) > 0) ? [b] : []));
  const [from = 0, to = 0] = [held[0], held.at(-1)];
  return [from, Math.max(from + 1, to + 1)];
}

function scale(comparisons: readonly Comparison[], log2Edges: readonly number[]): string {
  const [whole] = comparisons;
  if (whole === undefined) return "";
  const [from, to] = stretch([whole.stable.latency, whole.candidate.latency], log2Edges);
  return `${say.latency(2 ** (log2Edges[from] ?? 0))} to ${say.latency(2 ** (log2Edges[to] ?? log2Edges.at(-1) ?? 0))}`;
}
