// The graph that manifests alone declare, without git and without a scan: members are found by reading the directories
// that the workspace's globs name. The answer is kept beside the stats of all manifests, so that a warm look reads none.
import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readSealed, stateFolder, writeSealed } from "../cache/sealed-file.ts";
import { isDeep, matcher } from "../glob.ts";
import { type Graph, makeGraph } from "./graph.ts";
import { readShape, type Shape } from "./layout.ts";
import { type Project, readProject } from "./manifest.ts";

export type Declared = Readonly<{ shape: Shape; projects: readonly Project[]; graph: Graph }>;

const rootShapes = ["package.json", "pnpm-workspace.yaml", "lerna.json", "nx.json", "turbo.json", "turbo.jsonc"];
const form = "declared 2";
type Head = Readonly<{
  isNx: boolean;
  globs: readonly string[];
  placesBytes: number;
  statsBytes: number;
}>;
/** After the head stand, as bytes: the paths looked at, their stats, the answer. */
type Memory = Head & Readonly<{ places: Buffer; stats: Buffer; answer: Buffer }>;

/** Undefined where globs go deep, or Nx finds projects without them: then git's listing must tell. */
export async function declaredAnswer(root: string, print: (declared: Declared) => string): Promise<Buffer | undefined> {
  const file = join(stateFolder(root), "graph", "declared");
  const memory = remembered(file);
  const known = memory && look(root, memory);
  if (memory && known?.places.equals(memory.places) && known.stats.equals(memory.stats)) return memory.answer;
  const shape = await readShape((path) => text(root, path));
  if (shape.isNx && !shape.globs) return undefined;
  const globs = shape.globs ?? [];
  if (globs.some(isDeep)) return undefined;
  const { dirs, ofNx, places, stats, newestMs } = look(root, { globs, isNx: shape.isNx });
  const projects = ["", ...dirs].map((dir) => {
    const nx = ofNx.has(dir) ? text(root, dir ? `${dir}/project.json` : "project.json") : undefined;
    return readProject(dir, {
      manifest: text(root, dir ? `${dir}/package.json` : "package.json") ?? "{}",
      isNx: shape.isNx,
      ...(nx === undefined ? {} : { nx }),
    });
  });
  const answer = Buffer.from(print({ shape, projects, graph: makeGraph(projects) }));
  // Changed a moment ago, it may change again within the same tick of the file system's clock.
  if (newestMs < Date.now() - 100) {
    const head: Head = { isNx: shape.isNx, globs, placesBytes: places.length, statsBytes: stats.length };
    writeSealed(file, form, Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), places, stats, answer]));
  }
  return answer;
}

function remembered(file: string): Memory | undefined {
  const body = readSealed(file, form);
  if (!body) return undefined;
  const end = body.indexOf(10);
  const head: Head = JSON.parse(body.toString("utf8", 0, end));
  const [places, stats] = [end + 1, end + 1 + head.placesBytes];
  const answer = body.subarray(stats + head.statsBytes);
  return {
    ...head,
    places: body.subarray(places, stats),
    stats: body.subarray(stats, stats + head.statsBytes),
    answer,
  };
}

type Looked = Readonly<{
  dirs: readonly string[];
  ofNx: ReadonlySet<string>;
  places: Buffer;
  stats: Buffer;
  newestMs: number;
}>;

/** Where the members are, and size, times and inode of each file that counts. */
function look(root: string, { globs, isNx }: Pick<Head, "globs" | "isNx">): Looked {
  const places: string[] = [];
  const numbers: number[] = [];
  let newestMs = 0;
  const note = (place: string, path: string): boolean => {
    const stat = lstatSync(`${root}/${path}`, { throwIfNoEntry: false });
    if (!stat) return false;
    places.push(place);
    numbers.push(stat.size, stat.mtimeMs, stat.ctimeMs, stat.ino);
    if (stat.ctimeMs > newestMs) newestMs = stat.ctimeMs;
    return true;
  };
  for (const path of rootShapes) note(path, path);
  const isTaken = matcher(globs.filter((g) => g.startsWith("!")).map((g) => g.slice(1)));
  const candidates = globs.filter((g) => !g.startsWith("!")).flatMap((g) => expand(root, g));
  const dirs = [...new Set(candidates)].sort().filter((dir) => !isTaken(dir) && note(dir, `${dir}/package.json`));
  const ofNx = new Set(isNx ? ["", ...dirs].filter((dir) => note(`${dir}/project.json`, `${dir}/project.json`)) : []);
  return {
    dirs,
    ofNx,
    places: Buffer.from(places.join("\0")),
    stats: Buffer.from(Float64Array.from(numbers).buffer),
    newestMs,
  };
}

function expand(root: string, glob: string): readonly string[] {
  let dirs = [""];
  for (const part of glob.replace(/^\.\//, "").replace(/\/+$/, "").split("/")) {
    if (!/[*?[{]/.test(part)) dirs = dirs.map((dir) => join(dir, part));
    else {
      const isMatch = matcher([part]);
      dirs = dirs.flatMap((dir) =>
        names(join(root, dir))
          .filter((name) => isMatch(name) && (part.startsWith(".") || !name.startsWith(".")))
          .map((name) => (dir ? `${dir}/${name}` : name)),
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
    return readFileSync(`${root}/${path}`, "utf8");
  } catch {
    return undefined;
  }
}
