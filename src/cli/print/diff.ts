// The difference of two releases as a screen.
import { versionName } from "../../domain/name.ts";
import { type Change, type ConfigChange, isSameContent, type ReleaseDiff } from "../../domain/release-diff.ts";
import type { Commit } from "../../workspace/git/commits.ts";
import type { Colors } from "../screen.ts";
import { columns, cut } from "./text.ts";

const commitsShownMax = 15;
const writtenMax = 60;

export function diffLines(
  diff: ReleaseDiff,
  commits: readonly Commit[] | undefined,
  colors: Colors,
): readonly string[] {
  const title = `${colors.bold(versionName(diff.from.version))} → ${colors.bold(versionName(diff.to.version))}`;
  const ids = colors.dim(`  ${diff.from.id} → ${diff.to.id}`);
  if (isSameContent(diff)) return [title + ids, "  The same contents: deploying one after the other changes nothing"];
  return [
    title + ids,
    ...section("Code", codeRows(diff, colors), colors),
    ...section("Commits", commitRows(commits ?? [], colors), colors),
    ...section(
      "Configuration",
      diff.config.map((change) => configRow(change, colors)),
      colors,
    ),
    ...section(
      "Migrations",
      diff.migrations.map((change) => configRow(change, colors)),
      colors,
    ),
    ...section("Values and secrets (names only)", valueRows(diff, colors), colors),
  ];
}

function section(title: string, rows: readonly (readonly string[])[], colors: Colors): readonly string[] {
  return rows.length === 0 ? [] : ["", `  ${colors.bold(title)}`, ...columns(rows)];
}

function codeRows({ code, sameCode }: ReleaseDiff, colors: Colors): readonly (readonly string[])[] {
  const short = (artifact: string | undefined) => artifact?.slice(0, 12) ?? "";
  const changed = code.map(({ service, change, from, to }) => [
    `    ${sign(change, colors)} ${service}`,
    colors.dim([short(from), short(to)].filter(Boolean).join(" → ")),
  ]);
  return [...changed, ...(sameCode.length === 0 ? [] : [[colors.dim(`    = ${sameCode.join(", ")}`)]])];
}

function commitRows(commits: readonly Commit[], colors: Colors): readonly (readonly string[])[] {
  const shown = commits
    .slice(0, commitsShownMax)
    .map(({ hash, subject }) => [`    ${colors.dim(hash)}`, cut(subject, 90)]);
  const more = commits.length - shown.length;
  return more > 0 ? [...shown, [colors.dim(`    … ${more} more`)]] : shown;
}

function configRow({ path, change, from, to }: ConfigChange, colors: Colors): readonly string[] {
  const sides = [from, to].filter((side) => side !== undefined).map((side) => cut(side, writtenMax));
  return [`    ${sign(change, colors)} ${path}`, colors.dim(sides.join(" → "))];
}

function valueRows({ values }: ReleaseDiff, colors: Colors): readonly (readonly string[])[] {
  return values.map(({ path, change, kind, names }) => [
    `    ${sign(change, colors)} ${path}`,
    colors.dim(names === undefined ? kind : `${kind} ${names}`),
  ]);
}

function sign(change: Change, colors: Colors): string {
  const signs = { added: colors.green("+"), removed: colors.red("-"), changed: colors.yellow("~") };
  return signs[change];
}
