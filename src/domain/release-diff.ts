// What is different between two releases: code by its artifacts, configuration key by key, migrations, and which values
// and secrets are named. Values of environment variables are never shown, only that they differ.
import { canonical } from "./canonical.ts";
import type { ServiceName } from "./plan.ts";
import type { Release, Sha256 } from "./release.ts";

export interface ReleaseDiff {
  readonly from: Side;
  readonly to: Side;
  /** Services whose artifact differs; the same artifact is the same code, byte for byte. */
  readonly code: readonly CodeChange[];
  readonly sameCode: readonly ServiceName[];
  readonly config: readonly ConfigChange[];
  readonly migrations: readonly ConfigChange[];
  /** Environment variables and the secrets that they name. */
  readonly values: readonly ValueChange[];
}

interface Side {
  readonly id: string;
  readonly version: string;
  readonly commit?: string;
}

export type Change = "added" | "removed" | "changed";

interface CodeChange {
  readonly service: ServiceName;
  readonly change: Change;
  readonly from?: Sha256;
  readonly to?: Sha256;
}

export interface ConfigChange {
  /** "environments.production.bake" */
  readonly path: string;
  readonly change: Change;
  /** As it is written; absent on the side that lacks it. */
  readonly from?: string;
  readonly to?: string;
}

interface ValueChange {
  readonly path: string;
  readonly change: Change;
  /** What it is on the newer side (on the older one where it was removed). */
  readonly kind: "text" | "secret" | "reference";
  /** The secret's or service's name; never a value. */
  readonly names?: string;
}

export function releaseDiff(from: Release, to: Release): ReleaseDiff {
  const names = [...new Set([...Object.keys(from.services), ...Object.keys(to.services)])].toSorted();
  const isSame = (name: string) => from.services[name]?.artifact === to.services[name]?.artifact;
  const [before, after] = [leavesOf(from.config), leavesOf(to.config)];
  const changed = [...new Set([...before.keys(), ...after.keys()])]
    .toSorted()
    .filter((path) => canonical(before.get(path) ?? null) !== canonical(after.get(path) ?? null));
  const plain = changed.filter((path) => !isValue(path)).map((path) => configChange(path, before, after));
  return {
    from: sideOf(from),
    to: sideOf(to),
    code: names.filter((name) => !isSame(name)).map((name) => codeChange(name, from, to)),
    sameCode: names.filter(isSame),
    config: plain.filter(({ path }) => !isMigration(path)),
    migrations: plain.filter(({ path }) => isMigration(path)),
    values: changed.filter(isValue).map((path) => valueChange(path, before, after)),
  };
}

/** True when deploying one after the other would change nothing. */
export function isSameContent({ code, config, migrations, values }: ReleaseDiff): boolean {
  return code.length + config.length + migrations.length + values.length === 0;
}

function sideOf({ id, version, commit }: Release): Side {
  return { id, version, ...(commit === undefined ? {} : { commit }) };
}

type Leaves = ReadonlyMap<string, unknown>;

/** Every key that holds no further keys; an environment variable is one whatever it is made of. */
function leavesOf(value: unknown, path: readonly string[] = []): Leaves {
  const isOpen = typeof value === "object" && value !== null && !Array.isArray(value) && !isVariable(path);
  if (!isOpen) return new Map([[path.join("."), value]]);
  return new Map(Object.entries(value).flatMap(([key, inner]) => [...leavesOf(inner, [...path, key])]));
}

/** …env.NAME of a service, an environment or an override. */
function isVariable(path: readonly string[]): boolean {
  return path.length > 1 && path.at(-2) === "env";
}

function isValue(path: string): boolean {
  return isVariable(path.split("."));
}

function isMigration(path: string): boolean {
  return path.split(".").some((key) => key.startsWith("migration"));
}

function changeOf(path: string, before: Leaves, after: Leaves): Change {
  if (!before.has(path)) return "added";
  return after.has(path) ? "changed" : "removed";
}

function configChange(path: string, before: Leaves, after: Leaves): ConfigChange {
  return {
    path,
    change: changeOf(path, before, after),
    ...(before.has(path) ? { from: written(before.get(path)) } : {}),
    ...(after.has(path) ? { to: written(after.get(path)) } : {}),
  };
}

function written(value: unknown): string {
  return typeof value === "string" ? value : canonical(value);
}

function valueChange(path: string, before: Leaves, after: Leaves): ValueChange {
  const value = after.get(path) ?? before.get(path);
  const named = typeof value === "object" && value !== null ? Object.entries(value)[0] : undefined;
  const change = changeOf(path, before, after);
  if (named === undefined) return { path, change, kind: "text" };
  return { path, change, kind: named[0] === "secret" ? "secret" : "reference", names: String(named[1]) };
}

function codeChange(service: ServiceName, from: Release, to: Release): CodeChange {
  const [before, after] = [from.services[service]?.artifact, to.services[service]?.artifact];
  return {
    service,
    change: before === undefined ? "added" : after === undefined ? "removed" : "changed",
    ...(before === undefined ? {} : { from: before }),
    ...(after === undefined ? {} : { to: after }),
  };
}
