// What is remembered of a repository between two commands, in its shortest form: all of it can be made again. The contents
// of project files are a file of their own, since only a changed index asks for them.
import { createHash } from "node:crypto";
import { join } from "node:path";
import { readSealedJson, writeSealed } from "../cache/sealed-file.ts";
import type { FileEntry, Range } from "../git/listing.ts";
import type { Content } from "../git/worktree.ts";
import type { JsonObject } from "../jsonc.ts";
import { interned } from "../packed.ts";
import type { Shape } from "./layout.ts";
import type { Dependency, Project } from "./manifest.ts";

export type Slice = Readonly<{ ranges: readonly Range[]; key: string }>;

export type Memory = Readonly<{
  stamp: string | undefined;
  hidden: readonly FileEntry[];
  /** Project files that differ from the index. */
  overlay: Readonly<Record<string, Content | null>>;
  shape: Shape;
  projects: readonly Project[];
  projectsKey: string;
  /** By directory: where a project's files stand in the listing. */
  slices: ReadonlyMap<string, Slice>;
  /** Project files as the index has them. */
  shapes: () => Readonly<Record<string, Content>>;
}>;

const form = "memory 3";
const shapesForm = "shapes 1";

type Row = readonly [
  name: string,
  dir: string,
  version: string | null,
  scripts: number,
  dependencies: readonly number[],
  tags: readonly string[],
  nx: number | null,
  turbo: JsonObject | null,
  key: string,
  ranges: readonly number[],
  packageName: string | null,
];
type Packed = Pick<Memory, "hidden" | "overlay" | "shape" | "projectsKey"> &
  Readonly<{
    stamp: string | null;
    shapesKey: string;
    scripts: readonly Project["scripts"][];
    dependencies: readonly Dependency[];
    nx: readonly JsonObject[];
    rows: readonly Row[];
  }>;

export function readMemory(folder: string): Memory | undefined {
  const packed = readSealedJson<Packed>(join(folder, "memory"), form);
  if (!packed) return undefined;
  const { stamp, hidden, overlay, shape, projectsKey, rows, shapesKey } = packed;
  const slices = new Map<string, Slice>();
  const projects = rows.map((row): Project => {
    const [name, dir, version, scripts, dependencies, tags, nx, turbo, key, ranges, packageName] = row;
    slices.set(dir, { key, ranges: pairs(ranges) });
    return {
      name,
      packageName: packageName ?? name,
      dir,
      version: version ?? undefined,
      scripts: packed.scripts[scripts] ?? {},
      dependencies: dependencies.flatMap((i) => packed.dependencies[i] ?? []),
      tags,
      nx: nx === null ? undefined : packed.nx[nx],
      turbo: turbo ?? undefined,
    };
  });
  const shapes = () => {
    const kept = readSealedJson<Record<string, Content>>(join(folder, "shapes"), shapesForm);
    return kept && keyOf(kept) === shapesKey ? kept : {};
  };
  return { stamp: stamp ?? undefined, hidden, overlay, shape, projects, projectsKey, slices, shapes };
}

export function writeMemory(folder: string, memory: Memory): void {
  const [scripts, dependencies, nx] = [interned<Project["scripts"]>(), interned<Dependency>(), interned<JsonObject>()];
  const rows = memory.projects.map((p): Row => {
    const slice = memory.slices.get(p.dir);
    return [
      p.name,
      p.dir,
      p.version ?? null,
      scripts.numberOf(p.scripts),
      p.dependencies.map(dependencies.numberOf),
      p.tags,
      p.nx ? nx.numberOf(p.nx) : null,
      p.turbo ?? null,
      slice?.key ?? "",
      (slice?.ranges ?? []).flat(),
      p.packageName === p.name ? null : p.packageName,
    ];
  });
  const shapes = memory.shapes();
  const { stamp, hidden, overlay, shape, projectsKey } = memory;
  const packed: Packed = {
    stamp: stamp ?? null,
    hidden,
    overlay,
    shape,
    projectsKey,
    shapesKey: keyOf(shapes),
    scripts: scripts.values,
    dependencies: dependencies.values,
    nx: nx.values,
    rows,
  };
  writeSealed(join(folder, "shapes"), shapesForm, JSON.stringify(shapes));
  writeSealed(join(folder, "memory"), form, JSON.stringify(packed));
}

function pairs(flat: readonly number[]): Range[] {
  const ranges: Range[] = [];
  for (let i = 0; i + 1 < flat.length; i += 2) ranges.push([flat[i] ?? 0, flat[i + 1] ?? 0]);
  return ranges;
}

function keyOf(shapes: Readonly<Record<string, Content>>): string {
  return createHash("sha1").update(JSON.stringify(shapes)).digest("hex");
}
