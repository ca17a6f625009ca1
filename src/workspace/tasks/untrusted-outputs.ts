// Which outputs in the tree are of an untrusted run, or made of such. The mark is there before the first byte, and goes only
// when trusted outputs have taken the place: what is deployed must not come from what untrusted builds could write.
import { readdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { Problem } from "../../domain/problem.ts";
import type { Shelf } from "../cache/scope.ts";
import { readSealedJson, stateFolder, writeSealed } from "../cache/sealed-file.ts";
import { outputPaths } from "./outputs.ts";

export type Mark = Readonly<{ task: string; shelf: Shelf; globs: readonly string[] }>;

export type Marks = Readonly<{
  of: (task: string) => Mark | undefined;
  /** False when it could not be written: then nothing untrusted may be put there. */
  set: (mark: Mark) => boolean;
  remove: (task: string) => void;
}>;

const form = "untrusted 1";

export function openMarks(root: string): Marks {
  const fileOf = (task: string) => join(folderIn(root), encodeURIComponent(task));
  const known = new Map(marksIn(root).map((mark) => [mark.task, mark]));
  return {
    of: (task) => known.get(task),
    set: (mark) => {
      if (JSON.stringify(known.get(mark.task)) === JSON.stringify(mark)) return true;
      known.set(mark.task, mark);
      stateFolder(root);
      return writeSealed(fileOf(mark.task), form, JSON.stringify(mark));
    },
    remove: (task) => {
      if (known.delete(task)) rmSync(fileOf(task), { force: true });
    },
  };
}

export function hasMarks(root: string): boolean {
  return names(root).length > 0;
}

/** Refuses to go on where outputs of an untrusted build lie in the workspace that `folder` is in. */
export function refuseUntrusted(folder: string): void {
  for (const mark of marksIn(folder)) refuse(folder, mark);
  if (dirname(folder) !== folder) refuseUntrusted(dirname(folder));
}

function refuse(root: string, { task, shelf, globs }: Mark): void {
  const [path] = outputPaths(root, globs);
  if (path === undefined) return;
  const name = task.replace(/^.*#/, "").replace(/\(.*$/, "");
  throw new Problem(
    `${path} comes from an untrusted build (${task}, ${shelf}): what is deployed must not`,
    `Make it anew with a trusted token, or with none: TURBO_TOKEN= sluice run ${name}${
      shelf === "untrusted/unsigned" ? "; or sign what is shared: SLUICE_CACHE_SIGNATURE_KEY" : ""
    }`,
  );
}

function marksIn(root: string): readonly Mark[] {
  return names(root).flatMap((name) => readSealedJson<Mark>(join(folderIn(root), name), form) ?? []);
}

function names(root: string): readonly string[] {
  try {
    return readdirSync(folderIn(root)).filter((name) => !name.endsWith(".tmp"));
  } catch {
    return []; // there never was one
  }
}

function folderIn(root: string): string {
  return join(root, ".sluice", "untrusted");
}
