// `sluice run` without names: install → format → lint → typecheck → test → build → security → package, of which each
// workspace has what its projects know. What belongs to the repository as a whole (install, security) is the package manager's.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { Problem } from "../../domain/problem.ts";
import { readSealedJson, stateFolder, writeSealed } from "../../workspace/cache/sealed-file.ts";
import type { View } from "../../workspace/git/view.ts";
import { packageManager } from "../../workspace/graph/layout.ts";
import { lockfileOf } from "../../workspace/lockfile/dependencies.ts";
import { stages, taskNames } from "../../workspace/tasks/pipeline.ts";
import type { RunVerbOptions } from "../verbs/run.ts";

const form = "installed 1";

const commands: Readonly<Record<string, Readonly<{ install: string; security: string }>>> = {
  npm: { install: "npm ci", security: "npm audit --audit-level=high --omit=dev" },
  pnpm: { install: "pnpm install --frozen-lockfile", security: "pnpm audit --audit-level high --prod" },
  yarn: { install: "yarn install --frozen-lockfile", security: "yarn audit --level high --groups dependencies" },
  berry: { install: "yarn install --immutable", security: "yarn npm audit --severity high --environment production" },
};

/** The names of what runs, once what is needed for it is installed. */
export async function defaultPipeline(view: View, options: RunVerbOptions): Promise<readonly string[]> {
  const known = taskNames(view.workspace.shape, view.workspace.projects);
  const names = stages.filter((stage) => known.has(stage) && stage !== "install");
  if (names.length === 0)
    throw new Problem(
      "no project has a task of the default pipeline",
      `Name a task, or give a package.json a script: ${stages.slice(1).join(", ")}`,
    );
  if (options.dryRun) return names;
  if (!known.has("install")) install(view);
  if (!known.has("security") && process.env.CI) audit(view);
  return known.has("install") ? ["install", ...names] : names;
}

function install(view: View): void {
  const { root } = view.workspace;
  const lock = lockfileOf(view.workspace);
  if (lock === undefined) return;
  const file = join(stateFolder(root), "installed");
  const wanted = createHash("sha1")
    .update(`${view.workspace.projectsKey} ${view.workspace.contentOf(lock)}`)
    .digest("hex");
  const isThere = existsSync(join(root, "node_modules")) || existsSync(join(root, ".pnp.cjs"));
  if (isThere && readSealedJson<string>(file, form) === wanted) return;
  perform(view, "install");
  writeSealed(file, form, JSON.stringify(wanted));
}

function audit(view: View): void {
  if (lockfileOf(view.workspace) !== undefined) perform(view, "security");
}

function perform(view: View, what: "install" | "security"): void {
  const { root, shape, contentOf } = view.workspace;
  const manager = packageManager(shape, (path) => contentOf(path) !== undefined);
  const [name = "npm", version = ""] = manager.split("@");
  const isBerry = name === "yarn" && (contentOf(".yarnrc.yml") !== undefined || /^[2-9]/.test(version));
  const command = commands[isBerry ? "berry" : name]?.[what];
  if (command === undefined) return;
  process.stderr.write(`${what}  $ ${command}\n`);
  const { status } = spawnSync("sh", ["-c", command], { cwd: root, stdio: ["ignore", 2, 2] });
  if (status === 127)
    throw new Problem(
      `${name} is not installed here, or not on the PATH`,
      `Install it: it installs what this repository needs`,
    );
  if (status !== 0)
    throw new Problem(`${command} ended with ${status}`, `Mend what it says, or run it by hand in ${root}`);
}
