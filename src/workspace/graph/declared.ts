// The graph that manifests alone declare, without git and without a scan: members are found by reading the directories
// that the workspace's globs name. The answer is kept beside the stats of all manifests, so that a warm look reads none.
import { existsSync, lstatSync, readdirSync, readFileSync, type Stats } from "node:fs";
import { join } from "node:path";
import { readSealedJson, stateFolder, writeSealed } from "../cache/sealed-file.ts";
import { isDeep, matcher } from "../glob.ts";
import { type Graph, makeGraph } from "./graph.ts";
import { readShape, type Shape } from "./layout.ts";
import { type Project, readProject } from "./manifest.ts";

export type Declared = Readonly<{ shape: Shape; projects: readonly Project[]; graph: Graph }>;

const rootShapes = ["package.json", "pnpm-workspace.yaml", "lerna.json", "nx.json", "turbo.json", "turbo.jsonc"];
const schema = 1;
type Memory = Readonly<{ schema: number; globs: readonly string[]; signature: string; answer: string }>;

/** Undefined where globs go deep, or Nx finds projects without them: then git's listing must tell. */
export async function declaredAnswer(root: string, print: (declared: Declared) => string): Promise<string | undefined> {
  const file = join(stateFolder(root), "graph", "declared");
  const memory = readSealedJson<Memory>(file);
  const known = memory?.schema === schema ? look(root, memory.globs) : undefined;
  if (known && memory && known.signature === memory.signature) return memory.answer;
  const shape = await readShape((path) => text(root, path));
  if (shape.isNx && !shape.globs) return undefined;
  const globs = shape.globs ?? [];
  if (globs.some(isDeep)) return undefined;
  const { dirs, signature, newestMs } = look(root, globs);
  const projects = ["", ...dirs].map((dir) => {
    const own = join(dir, "project.json");
    // Most projects have none, and a thrown error costs ten times a look.
    const nx = shape.isNx && existsSync(join(root, own)) ? text(root, own) : undefined;
    return readProject(dir, {
      manifest: text(root, join(dir, "package.json")) ?? "{}",
      ...(nx === undefined ? {} : { nx }),
    });
  });
  const answer = print({ shape, projects, graph: makeGraph(projects) });
  // Changed a moment ago, it may change again within the same tick of the file system's clock.
  if (newestMs < Date.now() - 100) writeSealed(file, JSON.stringify({ schema, globs, signature, answer }));
  return answer;
}

type Looked = Readonly<{ dirs: readonly string[]; signature: string; newestMs: number }>;

/** Where the members are, and a line about each file that counts. */
function look(root: string, globs: readonly string[]): Looked {
  const lines: string[] = [];
  let newestMs = 0;
  const note = (path: string, stat: Stats | undefined) => {
    if (!stat) return;
    lines.push(`${path} ${stat.size} ${stat.mtimeMs} ${stat.ctimeMs} ${stat.ino}`);
    newestMs = Math.max(newestMs, stat.ctimeMs);
  };
  const at = (path: string) => lstatSync(join(root, path), { throwIfNoEntry: false });
  for (const path of rootShapes) note(path, at(path));
  const isTaken = matcher(globs.filter((g) => g.startsWith("!")).map((g) => g.slice(1)));
  const candidates = globs.filter((g) => !g.startsWith("!")).flatMap((g) => expand(root, g));
  const dirs = [...new Set(candidates)].sort().filter((dir) => {
    const stat = isTaken(dir) ? undefined : at(`${dir}/package.json`);
    note(dir, stat);
    return stat !== undefined;
  });
  return { dirs, signature: lines.join("\n"), newestMs };
}

function expand(root: string, glob: string): readonly string[] {
  let dirs = [""];
  for (const part of glob.replace(/^\.\//, "").replace(/\/+$/, "").split("/")) {
    if (!/[*?[{]/.test(part)) dirs = dirs.map((dir) => join(dir, part));
    else {
      const isMatch = matcher([part]);
      dirs = dirs.flatMap((dir) =>
        names(join(root, dir))
          .filter(isMatch)
          .map((name) => join(dir, name)),
      );
    }
  }
  return dirs;
}

function names(dir: string): readonly string[] {
  try {
    const entries = readdirSync(dir, { withFileTypes: true });
    return entries.filter((e) => e.isDirectory() && e.name !== "node_modules" && e.name !== ".git").map((e) => e.name);
  } catch {
    return [];
  }
}

function text(root: string, path: string): string | undefined {
  try {
    return readFileSync(join(root, path), "utf8");
  } catch {
    return undefined;
  }
}
