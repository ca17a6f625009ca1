// Where projects stand in the picture of their graph: a project is drawn to the left of all that it needs.
import type { DependencyKind, ProjectGraph, ProjectNode } from "../../../src/domain/project-graph.ts";

export interface ProjectView extends ProjectNode {
  readonly neededBy: readonly string[];
}

export interface Box {
  readonly name: string;
  readonly x: number;
  readonly y: number;
}

export interface Arrow {
  readonly from: Box;
  readonly to: Box;
  readonly by: DependencyKind;
}

export interface Picture {
  readonly boxes: readonly Box[];
  readonly arrows: readonly Arrow[];
  readonly width: number;
  readonly height: number;
  /** The chosen project has more around it than is drawn. */
  readonly isCut: boolean;
}

export const box = { width: 168, height: 26 };
const gap = { x: 64, y: 10 };
/** More than that is no picture: then one project and what is around it are drawn. */
export const drawnMax = 80;
/** What is drawn of what it needs, the nearest first; and as many of those that need it. */
const aroundMax = 30;

/** The workspace root is drawn only where it needs something, or is alone. */
export function projectsOf({ projects }: ProjectGraph): readonly ProjectView[] {
  const neededBy = projects.map((): string[] => []);
  for (const { name, needs } of projects) for (const { project } of needs) neededBy[project]?.push(name);
  const all = projects.map((project, i) => ({ ...project, neededBy: neededBy[i] ?? [] }));
  return all.filter(({ dir, needs }) => dir !== "." || needs.length > 0 || projects.length === 1);
}

/** All of it; or the chosen project with all that it needs and that needs it, near and far. */
export function pictureOf(graph: ProjectGraph, chosen: string): Picture {
  const { projects } = graph;
  const near = around(graph, chosen);
  const shown = new Set(chosen === "" ? projectsOf(graph).map((p) => p.name) : near.names);
  const columns = columnsOf(graph, (i) => shown.has(projects[i]?.name ?? ""));
  const rowsMax = Math.max(1, ...columns.map((column) => column.length));
  const height = rowsMax * (box.height + gap.y) - gap.y;
  const boxes = new Map<number, Box>();
  columns.forEach((column, n) => {
    const top = (height - column.length * (box.height + gap.y) + gap.y) / 2;
    column.forEach((i, row) => {
      const name = projects[i]?.name ?? "";
      boxes.set(i, { name, x: n * (box.width + gap.x), y: top + row * (box.height + gap.y) });
    });
  });
  const arrows = [...boxes].flatMap(([i, from]) =>
    (projects[i]?.needs ?? []).flatMap(({ project, by }) => {
      const to = boxes.get(project);
      return to === undefined ? [] : [{ from, to, by }];
    }),
  );
  const width = columns.length * (box.width + gap.x) - gap.x;
  const isCut = chosen !== "" && near.isCut;
  return { boxes: [...boxes.values()], arrows, width: Math.max(width, box.width), height, isCut };
}

/** Left of all that it needs, as far right as that allows; what closes a circle does not count. */
function columnsOf({ projects }: ProjectGraph, isShown: (i: number) => boolean): readonly (readonly number[])[] {
  const depths = new Map<number, number>();
  const depthOf = (i: number, above: ReadonlySet<number>): number => {
    const known = depths.get(i);
    if (known !== undefined) return known;
    const inside = new Set(above).add(i);
    const below = (projects[i]?.needs ?? []).filter(({ project }) => isShown(project) && !inside.has(project));
    const depth = below.length === 0 ? 0 : 1 + Math.max(...below.map(({ project }) => depthOf(project, inside)));
    depths.set(i, depth);
    return depth;
  };
  const columns: number[][] = [];
  projects.forEach((_, i) => {
    if (!isShown(i)) return;
    const depth = depthOf(i, new Set());
    while (columns.length <= depth) columns.push([]);
    columns[depth]?.push(i);
  });
  return columns.reverse();
}

interface Near {
  readonly names: readonly string[];
  readonly isCut: boolean;
}

function around({ projects }: ProjectGraph, chosen: string): Near {
  const start = projects.findIndex((p) => p.name === chosen);
  const users = projects.map((): number[] => []);
  projects.forEach(({ needs }, i) => {
    for (const { project } of needs) users[project]?.push(i);
  });
  let isCut = false;
  const reach = (next: (i: number) => readonly number[]): ReadonlySet<number> => {
    const seen = new Set([start]);
    for (const i of seen) {
      for (const other of next(i)) {
        if (seen.size <= aroundMax) seen.add(other);
        else isCut ||= !seen.has(other);
      }
    }
    return seen;
  };
  const down = reach((i) => projects[i]?.needs.map(({ project }) => project) ?? []);
  const all = [...down, ...reach((i) => users[i] ?? [])];
  return { names: all.map((i) => projects[i]?.name ?? ""), isCut };
}
