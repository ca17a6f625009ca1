// Targets that Nx's plugins infer from tools' configuration. Only Nx knows them, so Nx is asked, once for each state of
// the files that they are inferred from; what it says is remembered.

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Problem } from "../../domain/problem.ts";
import { readSealedJson, stateFolder, writeSealed } from "../cache/sealed-file.ts";
import type { Project } from "../graph/manifest.ts";
import type { Workspace } from "../graph/workspace.ts";
import { isObject, type JsonObject, objectAt, parseJsonc } from "../jsonc.ts";
import { source } from "./pipeline.ts";
import type { Reads } from "./reads.ts";

const form = "nx 1";
type Memory = Readonly<{ key: string; targets: Readonly<Record<string, JsonObject>> }>;

/** The workspace with inferred targets under those that projects declare; as it is where Nx infers none. */
export async function withInferred(workspace: Workspace, reads: ReadonlyMap<string, Reads>): Promise<Workspace> {
  const { root, shape } = workspace;
  const plugins = shape.nx?.plugins;
  const nx = join(root, "node_modules/.bin/nx");
  if (source(shape) !== "nx.json" || !Array.isArray(plugins) || plugins.length === 0 || !existsSync(nx))
    return workspace;
  const parts = workspace.projects.map((p) => reads.get(p.dir)?.configs ?? "");
  const key = createHash("sha1")
    .update([workspace.projectsKey, ...parts].join("\n"))
    .digest("hex");
  const file = join(stateFolder(root), "graph", "nx");
  const memory = readSealedJson<Memory>(file, form);
  const targets = memory?.key === key ? memory.targets : await askNx(root, nx);
  if (memory?.key !== key) writeSealed(file, form, JSON.stringify({ key, targets }));
  return { ...workspace, projects: workspace.projects.map((p) => merged(p, targets[p.name])) };
}

function merged(project: Project, inferred: JsonObject | undefined): Project {
  if (!inferred || Object.keys(inferred).length === 0) return project;
  return { ...project, nx: { ...project.nx, targets: { ...inferred, ...objectAt(project.nx ?? {}, "targets") } } };
}

async function askNx(root: string, nx: string): Promise<Record<string, JsonObject>> {
  const folder = mkdtempSync(join(tmpdir(), "sluice-nx-"));
  const file = join(folder, "graph.json");
  const env = { ...process.env, NX_DAEMON: "false", NX_TUI: "false", NX_NO_CLOUD: "true" };
  try {
    const said = await new Promise<string>((done) =>
      execFile(nx, ["graph", `--file=${file}`], { cwd: root, env }, (error, out, err) => done(error ? err || out : "")),
    );
    if (!existsSync(file))
      throw new Problem(
        `nx could not tell what its plugins infer: ${said.trim().split("\n").at(-1)}`,
        "Run npx nx graph to see more",
      );
    const nodes = objectAt(objectAt(parseJsonc(readFileSync(file, "utf8"), "nx graph"), "graph"), "nodes");
    return Object.fromEntries(
      Object.entries(nodes).map(([name, node]) => [
        name,
        isObject(node) ? objectAt(objectAt(node, "data"), "targets") : {},
      ]),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
