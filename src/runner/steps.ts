// What is done for a build: fetch exactly its commit, and the one that it is compared with; install what the lock file says;
// run its tasks.
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { BuildOrder } from "../domain/build.ts";

export interface StepOf {
  readonly title: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Only git sees the token of the repository. */
  readonly isGit?: true;
  /** Fetches what the build would be compared with: without it, everything is built. */
  readonly isForBase?: true;
}

/** `at` is the empty directory of the sources. */
export function fetchSteps({ url, ref, commit, base }: BuildOrder): readonly StepOf[] {
  const git = (...args: string[]): StepOf => ({ title: `git ${args[0]}`, command: "git", args, isGit: true });
  const fetch = (what: string) => git("fetch", "--quiet", "--no-tags", "--depth=1", "--end-of-options", url, what);
  return [
    git("init", "--quiet"),
    fetch(commit ?? ref),
    git("checkout", "--quiet", "--detach", commit ?? "FETCH_HEAD"),
    ...(base === undefined ? [] : [{ ...fetch(base), isForBase: true as const }]),
  ];
}

/** After the checkout. */
export function buildSteps(source: string, order: BuildOrder, program: readonly string[]): readonly StepOf[] {
  const [node = process.execPath, ...args] = program;
  const compared = order.base === undefined ? [] : ["--affected", "--base", `${order.base}..`];
  const run = {
    title: `sluice run ${order.tasks.join(" ")}`,
    command: node,
    args: [...args, "run", ...order.tasks, ...compared],
  };
  return [...installStep(source), run];
}

function installStep(source: string): readonly StepOf[] {
  const known: readonly (readonly [file: string, command: string, args: readonly string[]])[] = [
    ["package-lock.json", "npm", ["ci", "--no-audit", "--no-fund"]],
    ["pnpm-lock.yaml", "pnpm", ["install", "--frozen-lockfile"]],
    [".yarnrc.yml", "yarn", ["install", "--immutable"]],
    ["yarn.lock", "yarn", ["install", "--frozen-lockfile"]],
  ];
  const found = known.find(([file]) => existsSync(join(source, file)));
  if (found === undefined) return [];
  const [, command, args] = found;
  return [{ title: `${command} ${args[0]}`, command, args }];
}
