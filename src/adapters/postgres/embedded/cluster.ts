// Makes the cluster's files, whole or not at all: initdb works beside, and what it made is renamed into place.
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Binaries } from "./binaries.ts";
import { giveTo, type Place } from "./place.ts";
import { whyNot } from "./why-not.ts";

export const superuser = "sluice";

/** The superuser's password: made once, readable by us only. */
export function password(place: Place): string {
  const file = join(place.own, "password");
  if (!existsSync(file)) {
    const beside = `${file}.${process.pid}`;
    writeFileSync(beside, randomBytes(24).toString("hex"), { mode: 0o600, flush: true });
    renameSync(beside, file);
  }
  return readFileSync(file, "utf8");
}

export function makeCluster(place: Place, { initdb, env }: Binaries): void {
  if (existsSync(join(place.cluster, "PG_VERSION"))) return;
  sweepHalfMade(place);
  const beside = `${place.cluster}.new-${process.pid}`;
  const passwordFile = `${beside}.password`;
  mkdirSync(beside, { mode: 0o700 });
  giveTo(place, beside);
  writeFileSync(passwordFile, password(place), { mode: 0o600 });
  giveTo(place, passwordFile);
  try {
    const args = ["-D", beside, "-U", superuser, "-A", "scram-sha-256", `--pwfile=${passwordFile}`];
    const made = spawnSync(initdb, [...args, "-E", "UTF8", "--locale=C", "--no-instructions"], {
      ...place.as,
      cwd: dirname(place.cluster),
      env: { ...env, HOME: beside, PATH: process.env.PATH ?? "" },
      encoding: "utf8",
    });
    if (made.status !== 0) throw whyNot(`${made.error?.message ?? ""}${made.stdout ?? ""}${made.stderr ?? ""}`, place);
    if (!existsSync(place.cluster)) renameSync(beside, place.cluster);
  } finally {
    rmSync(passwordFile, { force: true });
    rmSync(beside, { recursive: true, force: true });
  }
}

/** What a power cut left of an initdb; one that still runs is let be. */
function sweepHalfMade(place: Place): void {
  const parent = dirname(place.cluster);
  for (const name of readdirSync(parent)) {
    const pid = Number(/^data\.new-(\d+)/.exec(name)?.[1] ?? Number.NaN);
    if (Number.isInteger(pid) && (pid === process.pid || !isAlive(pid)))
      rmSync(join(parent, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false; // nobody has it
  }
}
