// One deployment on the screen: who carries the traffic, which step it is at, what the checks say, and what goes on.
import { type Frame, type Ms, shareOf } from "../../domain/frame.ts";
import { minutes } from "../../domain/minutes.ts";
import { revisionName, versionName } from "../../domain/name.ts";
import type { PlannedService, ServiceName } from "../../domain/plan.ts";
import { framesOf } from "../../domain/progress.ts";
import { tellNow } from "../../domain/prose.ts";
import type { Run } from "../../domain/run.ts";
import type { Colors } from "../screen.ts";
import { paint, type StepLine, signs, stepsOf } from "./steps.ts";
import { columns, cut, padEnd, widthOf } from "./text.ts";

export interface View {
  readonly now: Ms;
  readonly colors: Colors;
  readonly width: number;
  /** Most lines that the list of steps may take; the ones around the current step are kept. */
  readonly stepsMax: number;
}

export function deploymentLines(run: Run, view: View): readonly string[] {
  return [
    titleLine(run, view),
    "",
    ...trafficLines(run, view),
    ...(run.plan === undefined ? [] : ["", ...stepLines(run, view)]),
    ...checkLines(run, view),
    "",
    nowLine(run, view),
  ];
}

function titleLine(run: Run, { colors, now }: View): string {
  const ended = run.phase.kind === "ended" ? run.phase.at : now;
  const from = run.standingRelease === undefined ? "" : `${versionName(run.standingRelease.version)} → `;
  const took = minutes(Math.max(1000, Math.floor((ended - run.requestedAt) / 1000) * 1000));
  return `${colors.bold(run.environment)}  ${from}${colors.bold(versionName(run.release.version))}  ${colors.dim(`${run.id} · by ${run.by} · ${took}`)}`;
}

/** One bar a service: the old side from the left, the new one in its own colour. */
export function trafficLines(run: Run, { colors, width }: View): readonly string[] {
  const rows = Object.entries(run.plan?.services ?? {}).map(([name, service]) => {
    const frame = standingFrame(run, name, service);
    return { name, service, frame, label: label(run, service, frame) };
  });
  const nameWidth = Math.max(0, ...rows.map(({ name }) => widthOf(name)));
  const labelWidth = Math.max(0, ...rows.map((row) => widthOf(row.label)));
  const barWidth = Math.max(10, Math.min(40, width - nameWidth - labelWidth - 8));
  return rows.map(({ name, service, frame, label }) => {
    const bar = barOf(service, frame, barWidth);
    const painted = `${colors.blue(bar.old)}${colors.green(bar.fresh)}${colors.dim(bar.none)}`;
    return `  ${padEnd(name, nameWidth)}  ${painted}  ${label}`;
  });
}

function standingFrame(run: Run, name: ServiceName, service: PlannedService): Frame {
  if (run.phase.kind === "retreating") {
    const walk = run.phase.walks[name];
    const reached = walk?.path[walk.index - 1];
    if (reached !== undefined) return reached;
  }
  if (run.phase.kind === "ended") {
    const stands = run.phase.stands[name];
    return stands === undefined
      ? { revisions: {}, routes: [] }
      : { revisions: { [stands]: { capacity: 100, traffic: 100 } }, routes: [] };
  }
  return framesOf(run, name, service).held.at(-1) ?? service.from;
}

function barOf(service: PlannedService, frame: Frame, width: number): { old: string; fresh: string; none: string } {
  const share = (revision: string | undefined) => (revision === undefined ? 0 : shareOf(frame, revision).traffic);
  const fresh = cells(share(service.candidate), width);
  const old =
    share(service.stable) > 0
      ? Math.min(width - fresh, Math.max(1, Math.round((share(service.stable) * width) / 100)))
      : 0;
  return { old: "▒".repeat(old), fresh: "█".repeat(fresh), none: "·".repeat(width - old - fresh) };
}

/** Anything above nothing is seen, anything below everything leaves room. */
function cells(percent: number, width: number): number {
  if (percent <= 0) return 0;
  return percent >= 100 ? width : Math.max(1, Math.min(width - 1, Math.round((percent * width) / 100)));
}

function label(run: Run, service: PlannedService, frame: Frame): string {
  const sides = [service.stable, service.candidate].filter((revision) => revision !== undefined);
  return (
    sides
      .filter((revision) => shareOf(frame, revision).capacity > 0)
      .map((revision) => `${revisionName(run, revision)} ${shareOf(frame, revision).traffic} %`)
      .join(" · ") || "not running"
  );
}

function stepLines(run: Run, view: View): readonly string[] {
  const steps = stepsOf(run, view.now);
  const shown = around(steps, view.stepsMax);
  const isLone = new Set(steps.map(({ node }) => node.id)).size === 1;
  const rows = columns(
    shown.map(({ node, mark, text, note }) => {
      const color = paint(mark, view.colors);
      const words = cut(isLone ? text : `${node.id}: ${text}`, view.width - 24);
      return [`  ${color(signs[mark])} ${mark === "done" ? words : color(words)}`, note ? view.colors.dim(note) : ""];
    }),
  );
  const hidden = steps.length - shown.length;
  return hidden > 0 ? [...rows, view.colors.dim(`    … ${hidden} more steps`)] : rows;
}

/** Where there are too many: the first that are not done, with a little of what was before. */
function around(steps: readonly StepLine[], most: number): readonly StepLine[] {
  if (steps.length <= most) return steps;
  const current = steps.findIndex(({ mark }) => mark !== "done");
  const start = Math.max(0, Math.min((current < 0 ? steps.length : current) - 3, steps.length - most));
  return steps.slice(start, start + most);
}

function checkLines(run: Run, { colors, width }: View): readonly string[] {
  const judged = Object.values(run.nodes).flatMap(({ judged }) => judged?.findings ?? []);
  if (judged.length === 0) return [];
  const mark = {
    pass: colors.green("✓"),
    fail: colors.red("✗"),
    inconclusive: colors.yellow("?"),
    errored: colors.yellow("!"),
    hold: colors.yellow("‖"),
    watching: colors.cyan("…"),
  };
  const rows = columns(
    judged.map(({ check, verdict, because }) => [`  ${mark[verdict]} ${check}`, cut(because, width - 24)]),
  );
  return ["", ...rows];
}

function nowLine(run: Run, { colors, now }: View): string {
  const sentence = tellNow(run, now);
  if (run.phase.kind === "ended") {
    return run.phase.outcome === "succeeded" ? colors.green(`✓ ${sentence}`) : colors.red(`✗ ${sentence}`);
  }
  if (run.phase.kind === "retreating" || run.phase.kind === "turning") return colors.yellow(`← ${sentence}`);
  return run.hold !== undefined || run.paused !== undefined
    ? colors.yellow(`‖ ${sentence}`)
    : colors.cyan(`● ${sentence}`);
}
