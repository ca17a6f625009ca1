// The commonest run changes nothing at all. Where all that keys are made of is as it was at the end of a run, so are the
// keys: then no graph is made and no key computed, and only the outputs are looked at.
import { createHash } from "node:crypto";
import type { Look } from "../git/worktree.ts";
import { type Dotenv, dotenvOf } from "./dotenv.ts";
import { type Environment, hashedEnv, platform } from "./environment.ts";
import { isUntouched, readRecord, type World } from "./output-record.ts";

/** `request` names tasks and projects as they were asked for. */
export type Asked = Readonly<{ root: string; look: Look; request: string; env: Environment }>;

export type InPlace = Readonly<{ id: string; key: string }>;

/** The tasks, whose outputs are all in place; undefined when there is more to it. */
export function quickRun(recordFile: string, asked: Asked): readonly InPlace[] | undefined {
  const { record, world } = readRecord(recordFile);
  if (!world || asked.look.stamp === undefined || !world.key.startsWith(lookKey(asked))) return undefined;
  if (worldKey(asked, { ...world, dotenv: dotenvOf(asked.root, world.dirs) }) !== world.key) return undefined;
  const prefix = process.cwd() === asked.root ? "" : `${asked.root}/`;
  const inPlace: InPlace[] = [];
  for (const id of world.ids) {
    const made = record.get(id);
    if (!made || !isUntouched(made, prefix)) return undefined;
    inPlace.push({ id, key: made.key });
  }
  return inPlace;
}

type Rest = Pick<World, "dirs" | "patterns"> & Readonly<{ dotenv: Dotenv }>;

/** Everything outside this that could change a key makes `worldOf` give up. */
export function worldKey(asked: Asked, { dirs, patterns, dotenv }: Rest): string {
  const hash = createHash("sha256");
  for (const dir of dirs) if (dotenv.of(dir)) hash.update(`${dir}\0${dotenv.of(dir)}\0`);
  return lookKey(asked) + hash.update(hashedEnv(patterns, [], asked.env)).digest("hex");
}

/** What is known at once; it comes first. */
function lookKey({ look, request, env }: Asked): string {
  const hash = createHash("sha256").update(
    `world 3\n${look.stamp}\n${request}\n${env.SLUICE_CACHE_SALT ?? ""}\n${platform()}\n`,
  );
  for (const path of [...look.dirty.keys()].sort()) hash.update(`${path}\0${look.dirty.get(path) ?? ""}\0`);
  return hash.digest("hex");
}
