// Builds: tasks of a repository at one commit, run by a runner apart from the server. What starts one, whom it may trust,
// and what a runner is told. Pure.
import type { Ms } from "./frame.ts";

export interface Repository {
  readonly name: string;
  /** As `git fetch` takes it; never with a password in it. */
  readonly url: string;
  /** What `sluice run` is asked for. */
  readonly tasks: readonly string[];
  /** Of a push only what differs from the last commit of its branch that was built well, where there is one. */
  readonly affected: boolean;
  /** Branches whose pushes are built: names, with * for any characters. */
  readonly branches: readonly string[];
  /** Branches whose code has been reviewed: their builds see secrets and write the trusted part of the cache. */
  readonly trusted: readonly string[];
  /** What a runner must have. */
  readonly labels: readonly string[];
  /** Cron expression in UTC: the first of `branches` without a * is built then. */
  readonly schedule?: string;
}

export type BuildCause =
  | { readonly kind: "push"; readonly by: string }
  | { readonly kind: "person"; readonly by: string }
  | { readonly kind: "schedule" };

/** What was asked for; it does not change. */
export interface BuildOrder {
  readonly repository: string;
  readonly url: string;
  /** "refs/heads/main". */
  readonly ref: string;
  /** The ref's newest commit when not given. */
  readonly commit?: string;
  readonly tasks: readonly string[];
  /** The commit of this ref that was last built well: what differs from it is run. */
  readonly base?: string;
  readonly labels: readonly string[];
  readonly isTrusted: boolean;
  readonly cause: BuildCause;
}

export type BuildState = "queued" | "running" | "succeeded" | "failed" | "cancelled";

export interface Build {
  readonly id: string;
  readonly order: BuildOrder;
  readonly state: BuildState;
  readonly askedAt: Ms;
  /** Counts from 1; a runner that was lost midway makes the next one begin again. */
  readonly attempt: number;
  readonly runner?: string;
  readonly startedAt?: Ms;
  readonly endedAt?: Ms;
  readonly because?: string;
}

/** A build goes to another runner when one was lost, so often and no more. */
export const attemptsMax = 3;

export interface Push {
  readonly ref: string;
  readonly commit: string;
  readonly by: string;
}

/** The order of a push; nothing when its branch is not built. */
export function orderOfPush(repository: Repository, { ref, commit, by }: Push): BuildOrder | undefined {
  const branch = branchOf(ref);
  if (branch === undefined || !matches(repository.branches, branch)) return undefined;
  return { ...orderOf(repository, ref, { kind: "push", by }), commit };
}

export function orderOf(repository: Repository, ref: string, cause: BuildCause): BuildOrder {
  const { name, url, tasks, labels, trusted } = repository;
  const branch = branchOf(ref);
  const isTrusted = branch !== undefined && matches(trusted, branch);
  return { repository: name, url, ref, tasks, labels, isTrusted, cause };
}

/** What a schedule builds. */
export function mainRef({ branches }: Repository): string {
  return `refs/heads/${branches.find((branch) => !branch.includes("*")) ?? "main"}`;
}

function branchOf(ref: string): string | undefined {
  return ref.startsWith("refs/heads/") ? ref.slice("refs/heads/".length) : undefined;
}

function matches(patterns: readonly string[], branch: string): boolean {
  return patterns.some((pattern) =>
    new RegExp(
      `^${pattern
        .split("*")
        .map((part) => part.replace(/[^\w/-]/g, "\\$&"))
        .join(".*")}$`,
    ).test(branch),
  );
}

/** What a runner is handed with a build. Secrets are there for trusted refs alone. */
export interface RunnerJob {
  readonly build: Build;
  readonly secrets: Readonly<Record<string, string>>;
  /** For `git fetch`; the tasks do not see it. */
  readonly gitToken?: string;
  /** For the shared cache, in the build's own scope. */
  readonly cacheToken: string;
}
