// What each revision is made of, kept where it runs: a frame names revisions, and going back needs the old ones' making.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RevisionId } from "../../domain/frame.ts";
import type { ServiceName } from "../../domain/plan.ts";
import type { RevisionSpec, SecretVersions } from "../../domain/release.ts";

export interface KeptRevision {
  readonly revision: RevisionId;
  readonly environment: string;
  readonly service: ServiceName;
  readonly spec: RevisionSpec;
  /** Never values. */
  readonly secrets: SecretVersions;
  /** The release that first had it, by its hash, and what people call that. */
  readonly release: string;
  readonly version: string;
  /** The release that wanted it last: where it is found is the environment's, and changes without it. */
  readonly placedBy?: string;
}

export interface Revisions {
  keep(revision: KeptRevision): void;
  get(environment: string, revision: RevisionId): KeptRevision | undefined;
}

export function revisionFiles(folder: string): Revisions {
  const fileOf = (environment: string, revision: RevisionId) => join(folder, environment, `${revision}.json`);
  return {
    keep: (revision) => {
      const file = fileOf(revision.environment, revision.revision);
      const known: KeptRevision | undefined = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : undefined;
      if ((known?.placedBy ?? known?.release) === revision.release) return;
      mkdirSync(join(folder, revision.environment), { recursive: true, mode: 0o700 });
      const beside = `${file}.${process.pid}`;
      const kept: KeptRevision = { ...(known ?? revision), placedBy: revision.release };
      writeFileSync(beside, JSON.stringify(kept), { mode: 0o600 });
      renameSync(beside, file);
    },
    get: (environment, revision) => {
      const file = fileOf(environment, revision);
      return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : undefined;
    },
  };
}
