// What stands where, what is under way, and the history as a list.
import type { Outcome } from "../../domain/event.ts";
import { minutes } from "../../domain/minutes.ts";
import { versionName } from "../../domain/name.ts";
import { tellNow } from "../../domain/prose.ts";
import type { Run } from "../../domain/run.ts";
import type { EnvironmentStatus } from "../../server/routes/environments.ts";
import type { Colors } from "../screen.ts";
import { trafficLines } from "./deployment.ts";
import { columns, cut } from "./text.ts";

export interface StatusView {
  readonly now: number;
  readonly colors: Colors;
  readonly width: number;
}

export function statusLines(environments: readonly EnvironmentStatus[], view: StatusView): readonly string[] {
  if (environments.length === 0)
    return ["Nothing has been deployed yet", view.colors.dim('  → Run "sluice deploy <environment>"')];
  return environments.flatMap((environment, i) => [...(i > 0 ? [""] : []), ...environmentLines(environment, view)]);
}

function environmentLines(environment: EnvironmentStatus, view: StatusView): readonly string[] {
  const { colors } = view;
  const { name, url, release, releases, stands, open, waiting } = environment;
  const what = release === undefined ? colors.dim("nothing stands here") : versionName(release.version);
  const title = [colors.bold(name), what, ...(url === undefined ? [] : [colors.cyan(url)])].join("  ");
  const services = columns(
    Object.entries(stands).map(([service, revision]) => {
      const other = releases?.[service];
      return [
        `  ${service}`,
        colors.dim(revision),
        other === undefined ? "" : colors.yellow(versionName(other.version)),
      ];
    }),
  );
  const closed = Object.entries(environment.inMaintenance ?? {}).map(([service, { by, at, reason }]) =>
    colors.yellow(`  ${service} is in maintenance since ${whenText(at)}, by ${by}${reason ? `: ${reason}` : ""}`),
  );
  const [current, ...queued] = open;
  if (current === undefined) return [title, ...services, ...closed];
  return [
    title,
    ...closed,
    ...trafficLines(current, { ...view, stepsMax: 0 }),
    `  ${colors.cyan("●")} ${tellNow(current, view.now)}  ${colors.dim(current.id)}`,
    ...waiting.map((line) => colors.dim(`    waits: ${line}`)),
    ...queued.map((run) => colors.dim(`  ○ then ${versionName(run.release.version)} by ${run.by}  ${run.id}`)),
  ];
}

const outcomeSigns: Readonly<Record<Outcome, string>> = {
  succeeded: "✓",
  "rolled back": "↩",
  aborted: "↩",
  superseded: "»",
  failed: "✗",
  stuck: "!",
};

/** One line a deployment, newest first. */
export function historyLines(runs: readonly Run[], { now, colors, width }: StatusView): readonly string[] {
  if (runs.length === 0) return ["Nothing has been deployed yet"];
  return columns(
    runs.map((run) => {
      const { phase } = run;
      const isGood = phase.kind === "ended" && phase.outcome === "succeeded";
      const sign =
        phase.kind === "ended" ? (isGood ? colors.green : colors.red)(outcomeSigns[phase.outcome]) : colors.cyan("●");
      const took = phase.kind === "ended" ? minutes(phase.at - run.requestedAt) : "";
      const said = phase.kind !== "ended" ? tellNow(run, now) : (phase.because ?? run.reason ?? "");
      return [
        `${sign} ${whenText(run.requestedAt)}`,
        run.environment,
        versionName(run.release.version),
        phase.kind === "ended" ? phase.outcome : phase.kind,
        took,
        run.by,
        colors.dim(run.id),
        cut(said, Math.max(20, width - 80)),
      ];
    }),
  );
}

/** In the reader's own time zone. */
function whenText(at: number): string {
  const date = new Date(at);
  const two = (value: number) => String(value).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** What does not hold in an environment: the lines that make `sluice status --check` fail. */
export function unsound(environments: readonly EnvironmentStatus[]): readonly string[] {
  return environments.flatMap(({ name, release, open, waiting }) => [
    ...(release === undefined && open.length === 0 ? [`${name}: nothing stands there`] : []),
    ...open
      .filter(({ hold, phase }) => hold !== undefined || phase.kind === "retreating")
      .map((run) => `${name}: ${tellNow(run, run.lastAt)}`),
    ...waiting.map((line) => `${name}: ${line}`),
  ]);
}
