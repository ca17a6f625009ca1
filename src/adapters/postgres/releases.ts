// Releases: frozen JSON under a content hash. The same release again is no news; another under its name is refused.
import { canonical } from "../../domain/canonical.ts";
import type { ReleaseRef } from "../../domain/event.ts";
import type { Ms } from "../../domain/frame.ts";
import { Problem } from "../../domain/problem.ts";
import type { Database } from "./connection.ts";

interface KeptRelease extends ReleaseRef {
  readonly at: Ms;
  readonly frozen: unknown;
}

export interface Releases {
  /** False when it was there already. */
  keep(release: ReleaseRef, frozen: unknown): Promise<boolean>;
  get(id: string): Promise<KeptRelease | undefined>;
  /** The newest that people call so. */
  byVersion(version: string): Promise<KeptRelease | undefined>;
  /** Newest first, without their frozen contents. */
  list(rowsMax: number): Promise<readonly Omit<KeptRelease, "frozen">[]>;
}

interface Row {
  readonly id: string;
  readonly version: string;
  readonly at: string;
  readonly frozen: unknown;
}

export function releasesIn(database: Database, workspace: string): Releases {
  async function newest(column: "id" | "version", value: string): Promise<KeptRelease | undefined> {
    const [row] = await database.ask<Row>(
      `select id, version, at, frozen from sluice.releases where ${column} = $1 and workspace = $2
       order by at desc limit 1`,
      [value, workspace],
    );
    return row === undefined ? undefined : { ...row, at: Number(row.at) };
  }
  const get = (id: string) => newest("id", id);
  return {
    get,
    byVersion: (version) => newest("version", version),
    keep: async ({ id, version }, frozen) => {
      const added = await database.ask(
        `insert into sluice.releases (id, workspace, version, frozen, at) values ($1, $2, $3, $4, sluice.now_ms())
         on conflict (workspace, id) do nothing returning id`,
        [id, workspace, version, canonical(frozen)],
      );
      if (added.length > 0) return true;
      const kept = await get(id);
      if (kept === undefined || contents(kept.frozen) === contents(frozen)) return false;
      throw new Problem(
        `release ${id} is recorded already, with other contents`,
        "A release's id is the hash of its contents: build it again",
      );
    },
    list: async (rowsMax) => {
      const rows = await database.ask<Omit<Row, "frozen">>(
        "select id, version, at from sluice.releases where workspace = $1 order by at desc, id limit $2",
        [workspace, rowsMax],
      );
      return rows.map((row) => ({ ...row, at: Number(row.at) }));
    },
  };
}

/** What it is called and where it came from are labels: the same contents keep those of whoever brought them first. */
function contents(frozen: unknown): string {
  const isObject = typeof frozen === "object" && frozen !== null;
  return canonical(isObject ? { ...frozen, version: undefined, commit: undefined, projects: undefined } : frozen);
}
