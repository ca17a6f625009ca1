// What each service runs over the time of a rollout, and who has its traffic: bars of eighths, a column for a stretch of time.
import { minutes } from "../../domain/minutes.ts";
import type { Forecast, Moment } from "../../simulation/forecast.ts";
import type { Colors } from "../screen.ts";
import { columns } from "./text.ts";

export interface PictureView {
  readonly colors: Colors;
  readonly width: number;
}

type Pictured = Pick<Forecast, "moments" | "lastsMs">;

export function capacityPicture({ moments, lastsMs }: Pictured, { colors, width }: PictureView): readonly string[] {
  const services = [...new Set(moments.map(({ service }) => service))];
  const longest = Math.max(0, ...services.map((name) => name.length));
  const wide = Math.max(20, Math.min(72, width - longest - 26));
  const rows = services.flatMap((name) => serviceRows(name, { moments, lastsMs, wide, colors }));
  const title = `${colors.bold("What runs")}, a column is ${minutes(Math.round(lastsMs / wide))}: the most traffic of v2, the least capacity`;
  return [`  ${title}`, ...columns(rows)];
}

interface Drawing extends Pictured, Pick<PictureView, "colors"> {
  readonly wide: number;
}

function serviceRows(name: string, { moments, lastsMs, wide, colors }: Drawing): readonly (readonly string[])[] {
  const own = moments.filter(({ service }) => service === name);
  if (own.length < 2) return [[`  ${name}`, colors.dim("does not move")]];
  const stretches = Array.from({ length: wide }, (_, i) =>
    within(own, (i * lastsMs) / wide, ((i + 1) * lastsMs) / wide),
  );
  const row = (label: string, of: (moment: Moment) => number, pick: (...values: readonly number[]) => number) =>
    ["", label, stretches.map((stretch) => bar(pick(...stretch.map(of)))).join("")] as const;
  const replicas = (of: (moment: Moment) => number | undefined) => {
    const all = own.map((moment) => of(moment) ?? 0);
    const [least, most] = [Math.min(...all), Math.max(...all)];
    return least === most ? `${most}` : `${least} to ${most}`;
  };
  const [, label, bars] = row("traffic of v2", ({ candidate }) => candidate.traffic, Math.max);
  const traffic = [`  ${name}`, label, colors.cyan(bars), ""];
  const runs = (version: string, of: (moment: Moment) => Moment["stable"]) => [
    ...row(`${version} runs`, (moment) => of(moment)?.capacity ?? 0, Math.min),
    colors.dim(replicas((moment) => of(moment)?.replicas)),
  ];
  const hadBefore = own.some(({ stable }) => stable !== undefined);
  return [
    traffic,
    ...(hadBefore ? [runs("v1", ({ stable }) => stable)] : []),
    runs("v2", ({ candidate }) => candidate),
  ];
}

/** What held when a stretch began, and all that came in it. */
function within(moments: readonly Moment[], fromMs: number, toMs: number): readonly Moment[] {
  const before = moments.findLast(({ atMs }) => atMs <= fromMs);
  const during = moments.filter(({ atMs }) => atMs > fromMs && atMs < toMs);
  return before === undefined ? during : [before, ...during];
}

const eighths = "▁▂▃▄▅▆▇█";

/** Percent as a block; nothing is a dot. */
function bar(percent: number): string {
  if (!Number.isFinite(percent) || percent <= 0) return "·";
  return eighths[Math.min(7, Math.ceil((percent / 100) * 8) - 1)] ?? "█";
}
