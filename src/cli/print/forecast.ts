// A simulated rollout as a screen: its story, what runs at each moment as a picture, and what it would have cost.
import { minutes } from "../../domain/minutes.ts";
import type { Forecast } from "../../simulation/forecast.ts";
import type { Colors } from "../screen.ts";
import { capacityPicture } from "./capacity-picture.ts";
import { columns } from "./text.ts";

export interface ForecastView {
  readonly colors: Colors;
  readonly width: number;
  /** How long it took to find out. */
  readonly tookMs: number;
  readonly environment: string;
}

export function forecastLines(
  found: Forecast,
  { colors, width, tookMs, environment }: ForecastView,
): readonly string[] {
  const { outcome, because, timeline, violations, lastsMs } = found;
  const color = outcome === undefined ? colors.yellow : outcome === "succeeded" ? colors.green : colors.red;
  const why = because === undefined ? "" : `: ${because}`;
  return [
    `${colors.bold(environment)}  simulated: ${color(outcome ?? "no end in sight")} after ${minutes(lastsMs)}${why}`,
    "",
    ...timeline.map(({ atMs, sentence }) => `${colors.dim(minutes(atMs).padStart(9))}  ${sentence}`),
    "",
    ...capacityPicture(found, { colors, width }),
    "",
    ...columns(figures(found).map(([name = "", value = ""]) => [colors.dim(`  ${name}`), value])),
    ...violations.map((violation) => colors.red(`  ✗ ${violation}`)),
    colors.dim(`  ${minutes(lastsMs)} of rollout in ${minutes(tookMs)}`),
  ];
}

function figures({ exposure, timeToSafeMs, lowestCapacity }: Forecast): readonly (readonly string[])[] {
  const { requests, sawBad, failed, worstShare } = exposure;
  const bad = `${count(sawBad)} requests saw it, ${count(failed)} of them failed; at most ${worstShare} % of a service at once`;
  const safe = timeToSafeMs === "never" ? "never: it kept its traffic" : minutes(timeToSafeMs ?? 0);
  return [
    ["new version answered", `${count(requests)} requests`],
    ["while it was bad", timeToSafeMs === undefined ? "it never was, with traffic" : bad],
    ...(timeToSafeMs === undefined ? [] : [["time to safe", safe]]),
    ["lowest capacity", `${lowestCapacity} % of a service's full size`],
  ];
}

function count(number: number): string {
  return number.toLocaleString("en");
}
