// `sluice init`: what it would write for a repository, as data, and the writing of it.
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Problem } from "../../domain/problem.ts";
import { configText, configWithoutServices } from "./config.ts";
import { detectServices, type Found, shapeOf } from "./detect.ts";

export interface InitPlan {
  readonly root: string;
  readonly services: readonly Found[];
  readonly files: readonly {
    readonly path: string;
    readonly change: "created" | "replaced" | "changed";
    readonly text: string;
  }[];
}

export interface InitWishes {
  readonly withScripts: boolean;
  readonly force: boolean;
}

export async function planInit(root: string, { withScripts, force }: InitWishes): Promise<InitPlan> {
  const present = ["sluice.config.ts", "sluice.config.mts", "sluice.config.js", "sluice.config.mjs"].find((name) =>
    existsSync(join(root, name)),
  );
  if (present !== undefined && !force) {
    throw new Problem(`There is a ${present} already`, "Edit it, or write a new one over it with --force");
  }
  const services = await detectServices(root);
  const { globs, isNx } = await shapeOf(root);
  if (services.length === 0 && globs === undefined && !isNx) {
    throw new Problem(
      `No service was found in ${root}: no package starts anything, listens or builds a site`,
      "Give a package a start script or an HTTP framework, or write sluice.config.ts by hand (docs/config.md)",
    );
  }
  const file = {
    path: "sluice.config.ts",
    change: present === undefined ? "created" : "replaced",
    text: services.length === 0 ? configWithoutServices : configText(services),
  } as const;
  return {
    root,
    services,
    files: [file, ...(await ignored(root)), ...(withScripts ? await scripts(root, force) : [])],
  };
}

export async function writeInit({ root, files }: InitPlan): Promise<void> {
  for (const { path, text } of files) await writeFile(join(root, path), text);
}

/** The data folder never belongs in Git. */
async function ignored(root: string): Promise<InitPlan["files"]> {
  const text = await readFile(join(root, ".gitignore"), "utf8").catch(() => undefined);
  if (text?.split("\n").some((line) => /^\/?\.sluice\/?$/.test(line.trim()))) return [];
  const before = text === undefined || text === "" || text.endsWith("\n") ? (text ?? "") : `${text}\n`;
  return [{ path: ".gitignore", change: text === undefined ? "created" : "changed", text: `${before}.sluice/\n` }];
}

const npmScripts = {
  "deploy:dev": "sluice deploy development",
  "deploy:staging": "sluice deploy staging",
  "deploy:prod": "sluice deploy --from staging --to production",
  "deploy:rollback": "sluice rollback production",
  logs: "sluice logs",
  "health:check": "sluice status --check",
};

async function scripts(root: string, force: boolean): Promise<InitPlan["files"]> {
  const text = await readFile(join(root, "package.json"), "utf8");
  const own: { scripts?: Record<string, string> } = JSON.parse(text);
  const added = Object.entries(npmScripts).filter(([name]) => force || own.scripts?.[name] === undefined);
  if (added.length === 0) return [];
  const indent = /\n([ \t]+)"/.exec(text)?.[1] ?? "  ";
  const changed = { ...own, scripts: { ...own.scripts, ...Object.fromEntries(added) } };
  return [{ path: "package.json", change: "changed", text: `${JSON.stringify(changed, null, indent)}\n` }];
}
