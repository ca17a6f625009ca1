// Decisions as a screen: what was decided, what decided it, and whether it comes out the same again.
import { minutes } from "../../domain/minutes.ts";
import { versionName } from "../../domain/name.ts";
import type { Run } from "../../domain/run.ts";
import type { Why } from "../../domain/why.ts";
import type { Screen } from "../screen.ts";
import { plannedSteps } from "./steps.ts";
import { wrap } from "./text.ts";

export function whyLines(
  run: Run,
  decisions: readonly Why[],
  { colors, width }: Pick<Screen, "colors" | "width">,
): readonly string[] {
  const count = (result: Why["replay"]["result"]) => decisions.filter(({ replay }) => replay.result === result).length;
  const [same, differ, rest] = [count("same"), count("differs"), count("not replayed")];
  const signs = { same: colors.green("✓"), differs: colors.red("✗"), "not replayed": colors.dim("·") };
  const lines = decisions.flatMap((why) => {
    const { at, decision, inputs, replay } = why;
    const step = stepNumber(run, why);
    const where = step === undefined ? "" : colors.dim(`step ${step}  `);
    const head = `${signs[replay.result]} ${colors.dim(minutes(at - run.requestedAt).padStart(8))}  ${where}${decision}`;
    const under = (text: string) => wrap(text, width - 13).map((line) => `             ${line}`);
    const again =
      replay.result === "differs"
        ? under(`made again: ${replay.instead}`).map(colors.red)
        : replay.result === "not replayed"
          ? under(`not made again: ${replay.because}`).map(colors.dim)
          : [];
    return [head, ...inputs.flatMap(under).map(colors.dim), ...again];
  });
  const told = [`${same} come out the same`, `${differ} differ`, `${rest} cannot be made again`];
  return [
    `${colors.bold(run.id)}  ${versionName(run.release.version)} in ${run.environment}`,
    "",
    ...lines,
    "",
    `  ${decisions.length} decisions: ${differ > 0 ? colors.red(told.join(", ")) : told.join(", ")}`,
  ];
}

/** By the number that the plan gives it, or by its service or node. */
export function decisionsOfStep(run: Run, decisions: readonly Why[], step: string): readonly Why[] {
  return decisions.filter((why) => {
    const node = run.plan?.nodes.find(({ id }) => id === why.node);
    return `${stepNumber(run, why)}` === step || node?.id === step || node?.service === step;
  });
}

function stepNumber(run: Run, { node, step }: Why): number | undefined {
  if (node === undefined || step === undefined) return undefined;
  const all = plannedSteps(run);
  const first = all.findIndex((line) => line.node.id === node);
  return first < 0 ? undefined : first + step + 1;
}
