// Our figures beside the published ones: do they differ by more than chance?
import { shareBetween } from "./binomial.ts";
import { type Figure, figures, measuredOn } from "./published.ts";

/** Seconds to rollback of each canary of a family, by judge; null: never. */
export type Times = Readonly<Record<string, readonly (number | null)[]>>;

/** Chance that a figure that agrees is told to differ; there are some 160 of them. Then in standard deviations. */
const miss = 0.0005;
const z = 3.5;
/** Peers look once a minute, ours every 5 s; a median may lie one look away for the last digit. */
const lookS: Readonly<Record<string, number>> = { judge: 5, kayenta: 600, flagger: 60, argo: 60 };

export function check(families: Readonly<Record<string, Times>>): string {
  const compared = Object.entries(families).flatMap(([family, times]) =>
    Object.entries(figures[family] ?? {}).flatMap(([judge, figure]) =>
      differences(`${family}, ${judge}`, figure, times[judge] ?? [], lookS[judge] ?? 0),
    ),
  );
  const differing = compared.filter(({ differs }) => differs);
  const lines = differing.map(({ words }) => `  differs: ${words}\n`);
  return `\n${compared.length - differing.length} of ${compared.length} figures agree with the published ones, allowing for chance\n${lines.join("")}`;
}

interface Compared {
  readonly differs: boolean;
  readonly words: string;
}

function differences(name: string, figure: Figure, times: readonly (number | null)[], slackS: number): Compared[] {
  const n = times.length;
  if (n === 0) return [];
  const found = times.filter((time) => time !== null).length;
  const [low, high] = shareBetween(found, n, miss);
  const [lowThere, highThere] = shareBetween(Math.round((figure.percent / 100) * measuredOn), measuredOn, miss);
  const share = {
    differs: highThere < low || lowThere > high,
    words: `${name}: ${percent(found / n)} rolled back, ${figure.percent} % published`,
  };
  if (figure.medianS === undefined) return [share];
  const [soonest, latest] = medianBetween(times);
  const published = figure.medianS ?? Number.POSITIVE_INFINITY;
  const median = {
    differs: published < soonest - slackS || published > latest + slackS,
    words: `${name}: median between ${soonest} and ${latest} s, ${published} s published`,
  };
  return [share, median];
}

/** The order statistics that hold the median with the same confidence. */
function medianBetween(times: readonly (number | null)[]): readonly [number, number] {
  const sorted = times.map((time) => time ?? Number.POSITIVE_INFINITY).sort((a, b) => a - b);
  const [middle, reach] = [sorted.length / 2, (z / 2) * Math.sqrt(sorted.length)];
  const at = (i: number) => sorted[Math.max(0, Math.min(sorted.length - 1, i))] ?? 0;
  return [at(Math.floor(middle - reach)), at(Math.ceil(middle + reach))];
}

function percent(share: number): string {
  return `${Number((100 * share).toFixed(1))} %`;
}
