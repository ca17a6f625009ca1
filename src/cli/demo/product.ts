// The product that the demonstration releases: a copy of examples/expense-tracker in a Git repository of its own, and
// the two changes that make its second and third version.
import { execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { type Config, freezeConfig, parseConfig } from "../../domain/config/config.ts";
import { Problem } from "../../domain/problem.ts";
import type { Release } from "../../domain/release.ts";
import { loadConfig } from "../../workspace/config-file.ts";
import { buildRelease } from "../../workspace/release-build.ts";

export interface Product {
  readonly root: string;
  readonly data: string;
}

export interface Change {
  readonly version: number;
  readonly title: string;
  readonly file: string;
  readonly find: string;
  readonly put: string;
}

/** Real changes to real files, each committed before it is released. */
export const changes: readonly Change[] = [
  {
    version: 2,
    title: "lists of expenses are private: no cache on the way may keep them",
    file: "apps/expense-service/src/routes.ts",
    find: "      return c.json({ month, expenses } satisfies ExpenseList);",
    put: '      c.header("cache-control", "private, no-store");\n      return c.json({ month, expenses } satisfies ExpenseList);',
  },
  {
    version: 3,
    title: "carries a fault in its configuration: three in ten answers of the expense service are errors",
    file: "sluice.config.ts",
    find: '      path: "apps/expense-service",\n      build: { bundle: "src/main.ts" },\n      replicas: 2,\n      memory: "256Mi",\n      env: {',
    put: '      path: "apps/expense-service",\n      build: { bundle: "src/main.ts" },\n      replicas: 2,\n      memory: "256Mi",\n      env: {\n        FAULT_ERROR_SHARE: "0.3",',
  },
];

/** Copies the example, installs what its build needs, and commits it as version 1. */
export async function makeProduct(example: string, root: string, data: string): Promise<Product> {
  await mkdir(root, { recursive: true });
  const leaveOut = new Set(["node_modules", "dist", ".sluice"]);
  await cp(example, root, { recursive: true, filter: (path) => !leaveOut.has(basename(path)) });
  await Promise.all([install(root), git(root, "init", "-q")]);
  await commit(root, "feat: an expense tracker");
  return { root, data };
}

export async function applyChange({ root }: Product, { file, find, put, version, title }: Change): Promise<void> {
  const path = join(root, file);
  const text = await readFile(path, "utf8");
  if (!text.includes(find))
    throw new Error(`${file} of the example does not hold the line that version ${version} changes`);
  await writeFile(path, text.replace(find, put));
  await commit(root, `feat: ${title}`);
}

/** The steps of a real canary with the demonstration's shortened times. */
const shortened = {
  strategy: {
    kind: "canary",
    steps: [{ setWeight: 10 }, { bake: "5s" }, { setWeight: 50 }, { bake: "5s" }, { setWeight: 100 }],
  },
  checks: { minimumRequests: 40 },
  bake: "4s",
} as const;

/** Builds what the change touches; the other services' artifacts are those of the version before. */
export async function buildVersion({ root, data }: Product, version: number, base?: Release): Promise<Release> {
  const { config } = await loadConfig(root);
  const touched = base === undefined ? {} : { base, only: ["expense-service"] };
  return buildRelease({ root, config: withShortTimes(config), data, version: String(version), ...touched });
}

function withShortTimes(config: Config): Config {
  const frozen = freezeConfig(config);
  const { after: _, ...production } = frozen.environments.production ?? {};
  const parsed = parseConfig({ ...frozen, environments: { production: { ...production, ...shortened } } });
  if (parsed.ok) return parsed.config;
  throw new Error(`the demonstration's configuration does not parse: ${JSON.stringify(parsed.problems)}`);
}

export function demoSecrets(): Readonly<Record<string, string>> {
  return { SESSION_SECRET: randomBytes(32).toString("hex") };
}

async function install(root: string): Promise<void> {
  const child = spawn("npm", ["ci", "--omit=dev", "--prefer-offline", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: root,
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.on("data", (chunk) => {
    said += chunk;
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  if (code !== 0) {
    throw new Problem(
      `npm could not install what the example's build needs: ${said.trim().split("\n").at(-1) ?? `exit code ${code}`}`,
      "Check that npm reaches its registry, then run the demonstration again",
    );
  }
}

async function commit(root: string, message: string): Promise<void> {
  await git(root, "add", "-A");
  await git(
    root,
    "-c",
    "user.name=Sluice",
    "-c",
    "user.email=demo@sluice.invalid",
    "commit",
    "-q",
    "--no-gpg-sign",
    "-m",
    message,
  );
}

async function git(root: string, ...args: readonly string[]): Promise<void> {
  await promisify(execFile)("git", args, { cwd: root });
}
