// Answers of the judge as people read them: tables, one line of the evidence over time, and the sentence.
import type { Exchangeability } from "../../domain/judge/exchangeability.ts";
import type { OldAgainstOld } from "../../domain/judge/old-against-old.ts";
import type { Parameters } from "../../domain/judge/parameters.ts";
import type { Fault, PlannedStep, Traffic } from "../../domain/judge/power.ts";
import type { Replay } from "../../domain/judge/replay.ts";
import * as say from "../../domain/judge/wording.ts";
import type { Screen } from "../screen.ts";
import { columns } from "./text.ts";

type Look = Pick<Screen, "colors" | "width">;

export function aaLines(found: OldAgainstOld, { colors }: Look): readonly string[] {
  const { replicas, podLogSd, tolerance, isExchangeable, odd } = found;
  const rows = replicas.map((one) => {
    const peak = Math.max(one.peakLogE, one.peakLogESwapped);
    return [
      one.isExchangeable ? colors.green("✓") : colors.red("✗"),
      one.replica,
      say.count(one.requests),
      say.percent(one.requests === 0 ? 0 : one.errors / one.requests),
      one.fasterShare === null ? "–" : say.percent(one.fasterShare),
      say.odds(peak),
    ];
  });
  const spread =
    podLogSd > 0
      ? `Replicas differ by ${say.percent(Math.expm1(podLogSd))}, so a new version may be up to ${say.percent(tolerance - 1)} slower before it counts.`
      : `No spread between replicas is shown${replicas.length < 4 ? ": fewer than four say nothing of it" : ""}; up to ${say.percent(tolerance - 1)} slower is tolerated.`;
  return [
    colors.bold("Old against old: each replica against the others"),
    "",
    ...columns([["", "replica", "requests", "errors", "is faster in", "odds against chance"].map(colors.dim), ...rows]),
    "",
    spread,
    isExchangeable
      ? `${colors.green("✓")} The replicas are alike: a canary on this traffic is judged fairly.`
      : `${colors.red("✗")} ${odd.join(", ")} ${odd.length === 1 ? "differs" : "differ"} from the rest though all run the same version: do not trust a canary here before it is known why.`,
  ];
}

export function recordedLines(found: Exchangeability, { colors }: Look): readonly string[] {
  const { isExchangeable, sentence, errorRatio, errorClumping } = found;
  const ratio =
    errorRatio === null
      ? "no errors on both sides"
      : `errors ${Number(errorRatio.toPrecision(2))} times those of the other`;
  const clumps = [errorClumping.stable, errorClumping.candidate].map((phi) => Number(phi.toPrecision(2))).join(" and ");
  return [
    `${isExchangeable ? colors.green("✓") : colors.red("✗")} ${sentence[0]?.toUpperCase()}${sentence.slice(1)}.`,
    colors.dim(`  ${ratio}; clumping of errors ${clumps} (1 is one by one)`),
  ];
}

export interface Replayed {
  readonly service: string;
  readonly was: Replay;
  readonly with: Replay;
}

export interface ReplayView {
  readonly deployment: string;
  readonly parameters: Partial<Parameters>;
  readonly replayed: readonly Replayed[];
}

export function replayLines({ deployment, parameters, replayed }: ReplayView, look: Look): readonly string[] {
  const { colors } = look;
  const changed = Object.entries(parameters).map(([name, value]) => `${name} ${value}`);
  const title = `${deployment} judged again${changed.length === 0 ? ", as it was" : ` with ${changed.join(", ")}`}`;
  return [
    colors.bold(title),
    ...replayed.flatMap((one) => ["", colors.bold(one.service), ...replayedLines(one, changed.length > 0, look)]),
  ];
}

function replayedLines({ was, with: now }: Replayed, isChanged: boolean, look: Look): readonly string[] {
  const { colors } = look;
  const rows = [["as judged", was] as const, ...(isChanged ? [["with these", now] as const] : [])];
  return [
    ...columns([
      ["", "held", "rolled back", "shown healthy", "highest odds"].map(colors.dim),
      ...rows.map(([name, one]) => [
        name,
        after(one, one.heldAtMs),
        after(one, one.failedAtMs),
        after(one, one.passedAtMs),
        say.odds(Math.max(0, ...one.course.map(({ logE }) => logE))),
      ]),
    ]),
    "",
    ...rows.map(([name, one]) => `${name.padEnd(10)}  ${course(one, look)}`),
    colors.dim(`${" ".repeat(12)}odds over time; ▂ none, ▅ suspicion, █ rolled back`),
    ...(isChanged ? ["", comparedWith(was, now)] : []),
  ];
}

function comparedWith(was: Replay, now: Replay): string {
  if (was.failedAtMs === null && now.failedAtMs === null) return "It is not rolled back either way.";
  if (was.failedAtMs === null) return `It would have been rolled back, after ${after(now, now.failedAtMs)}.`;
  if (now.failedAtMs === null) return "It would not have been rolled back.";
  const sooner = was.failedAtMs - now.failedAtMs;
  if (sooner === 0) return "It is rolled back at the same moment.";
  return `It would have been rolled back ${say.span(Math.abs(sooner))} ${sooner > 0 ? "sooner" : "later"}.`;
}

function startOf({ state, course: points }: Replay): number {
  return state.sinceMs ?? points[0]?.endMs ?? 0;
}

function after(one: Replay, ms: number | null): string {
  return ms === null ? "–" : say.span(ms - startOf(one));
}

const bars = "▁▂▃▄▅▆▇█";

/** ln E between "nothing" and "rolled back", the highest of each stretch. */
function course({ course: points, state }: Replay, { width, colors }: Look): string {
  const top = -Math.log(state.parameters.alpha);
  const hold = Math.log(state.parameters.hold);
  const cells = Math.max(1, Math.min(points.length, width - 14));
  return Array.from({ length: cells }, (_, i) => {
    const some = points.slice(Math.floor((i * points.length) / cells), Math.floor(((i + 1) * points.length) / cells));
    const highest = Math.max(0, ...some.map(({ logE }) => logE));
    const bar = bars[Math.min(7, Math.floor((8 * highest) / top))] ?? "█";
    return highest >= top ? colors.red(bar) : highest >= hold ? colors.yellow(bar) : colors.dim(bar);
  }).join("");
}

export interface Power {
  readonly environment: string;
  readonly service: string;
  readonly withinMs: number;
  readonly traffic: Traffic;
  readonly faults: readonly Fault[];
  readonly shares: readonly {
    readonly share: number;
    readonly foundAfterMs: readonly (number | null)[];
    readonly smallest: { readonly errorRate: number | null; readonly slowdown: number | null };
  }[];
  readonly steps: readonly PlannedStep[];
}

export function powerLines(power: Power, { colors }: Look): readonly string[] {
  const { environment, service, traffic, faults, shares, withinMs, steps } = power;
  const counts = Object.values(traffic.strata);
  const requests = counts.reduce((sum, one) => sum + one.requests, 0);
  const errors = counts.reduce((sum, one) => sum + one.errors, 0);
  const perSecond = Number(((1000 * requests) / traffic.lastedMs).toPrecision(2));
  return [
    `${colors.bold(`${service} in ${environment}`)}  ${perSecond} requests/s, errors ${say.percent(errors / requests)}, over ${say.span(traffic.lastedMs)}`,
    "",
    ...columns([
      ["weight", ...faults.map(faultName), `found within ${say.span(withinMs)}: errors from`, "slower by"].map(
        colors.dim,
      ),
      ...shares.map(({ share, foundAfterMs, smallest: { errorRate, slowdown } }) => [
        say.percent(share),
        ...foundAfterMs.map((ms) => (ms === null ? colors.yellow("not in time") : say.span(ms))),
        errorRate === null ? colors.yellow("none") : say.percent(errorRate),
        slowdown === null ? colors.yellow("none") : say.percent(slowdown - 1),
      ]),
    ]),
    "",
    ...stepLines(steps, { withinMs, colors }),
  ];
}

function faultName(fault: Fault): string {
  return fault.kind === "errors" ? `errors of ${say.percent(fault.rate)}` : `${say.percent(fault.ratio - 1)} slower`;
}

function stepLines(
  steps: readonly PlannedStep[],
  { withinMs, colors }: Pick<Power, "withinMs"> & Pick<Look, "colors">,
): readonly string[] {
  if (steps.length === 0) {
    return [
      colors.yellow(`With this traffic no serious fault is found within ${say.span(withinMs)} at up to 50 %.`),
      "Allow more time with --within; else use blueGreen with probes and jobs, or a canary that a person promotes.",
    ];
  }
  const written = steps.flatMap(({ share, lastsMs, because }) => [
    `  { setWeight: ${share * 100} }, { bake: "${lastsMs / 60_000}m" },  ${colors.dim(`// ${because}`)}`,
  ]);
  return [
    "Steps that follow from it:",
    `strategy: { kind: "canary", steps: [`,
    ...written,
    "  { setWeight: 100 },",
    "] }",
  ];
}
