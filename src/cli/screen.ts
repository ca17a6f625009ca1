// Where a verb prints: text for people, one JSON document with --json. Colours only on a terminal that wants them.
import picocolors from "picocolors";
import { InvalidConfig } from "../domain/config/problems.ts";
import { Problem } from "../domain/problem.ts";

export type Colors = ReturnType<typeof picocolors.createColors>;

export interface Screen {
  readonly colors: Colors;
  readonly isJson: boolean;
  /** A person sits before it: lines may be redrawn. */
  readonly isTerminal: boolean;
  readonly width: number;
  /** A line for people; nothing with --json. */
  say(...lines: readonly string[]): void;
  /** The verb's answer with --json; nothing without. */
  answer(value: unknown): void;
  /** Raw text, for logs and live views. */
  write(text: string): void;
}

export const plain: Colors = picocolors.createColors(false);

export function openScreen({ isJson }: { isJson: boolean }, stream: NodeJS.WriteStream = process.stdout): Screen {
  return {
    colors: picocolors.createColors(wantsColors(stream)),
    isJson,
    isTerminal: stream.isTTY === true && !isJson,
    width: Math.min(stream.columns ?? 100, 120),
    say: (...lines) => {
      if (!isJson) stream.write(lines.map((line) => `${line}\n`).join(""));
    },
    answer: (value) => {
      if (isJson) stream.write(`${JSON.stringify(value)}\n`);
    },
    write: (text) => {
      stream.write(text);
    },
  };
}

export function wantsColors(
  stream: { readonly isTTY?: boolean },
  env: Readonly<Record<string, string | undefined>> = process.env,
): boolean {
  if (env.NO_COLOR !== undefined && env.NO_COLOR !== "") return false;
  if (env.FORCE_COLOR !== undefined && env.FORCE_COLOR !== "0") return true;
  return stream.isTTY === true && env.TERM !== "dumb";
}

/** What went wrong, as one sentence and its mend; where a bug is, only on wish. */
export function printError(error: unknown, { isJson, isVerbose }: { isJson: boolean; isVerbose: boolean }): void {
  if (isJson) process.stdout.write(`${JSON.stringify({ problem: problemAsJson(error) })}\n`);
  const colors = picocolors.createColors(wantsColors(process.stderr));
  process.stderr.write(`${errorLines(error, colors, isVerbose).join("\n")}\n`);
}

export function errorLines(error: unknown, colors: Colors, isVerbose: boolean): readonly string[] {
  const stack = isVerbose && error instanceof Error && error.stack !== undefined ? ["", colors.dim(error.stack)] : [];
  if (error instanceof InvalidConfig) {
    const { problems } = error;
    const [headline = ""] = error.message.split("\n");
    return [
      `${colors.red("✗")} ${headline}`,
      ...problems.flatMap(({ path, so, mend }) => [
        "",
        `  ${path ? `${colors.bold(path)}  ` : ""}${so}`,
        `  ${colors.dim(`→ ${mend}`)}`,
      ]),
      ...stack,
    ];
  }
  if (error instanceof Problem)
    return [`${colors.red("✗")} ${error.message}`, colors.dim(`  → ${error.mend}`), ...stack];
  const said = error instanceof Error ? error.message : String(error);
  return [
    `${colors.red("✗")} A bug in Sluice: ${said}`,
    colors.dim("  → Run it again with --verbose and report what it prints"),
    ...stack,
  ];
}

function problemAsJson(error: unknown): unknown {
  if (error instanceof InvalidConfig)
    return { so: error.message.split("\n")[0], mend: error.mend, problems: error.problems };
  if (error instanceof Problem) return { so: error.message, mend: error.mend };
  return { so: `A bug in Sluice: ${error instanceof Error ? error.message : String(error)}`, mend: "Report it" };
}
