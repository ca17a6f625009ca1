// Everything that Sluice keeps in PostgreSQL, behind the engine's ports.
import type { DeploymentId } from "../../domain/event.ts";
import type { Ms } from "../../domain/frame.ts";
import type { Claims, EvidenceStore, Journal } from "../../engine/ports.ts";
import type { PushedPoints } from "../metrics/otlp/source.ts";
import { archive } from "./archive.ts";
import { type BackingDatabase, provisionDatabase } from "./backing.ts";
import { type Builds, buildsIn } from "./builds.ts";
import { claimsIn, endLeases, forgetFuture } from "./claims.ts";
import { type DatabaseOptions, openDatabase } from "./connection.ts";
import { type DeploymentQuery, listDeployments } from "./deployments.ts";
import { environmentsIn } from "./environments.ts";
import { evidenceIn, forgetEvidence } from "./evidence.ts";
import { Feed } from "./feed.ts";
import { journalIn } from "./journal.ts";
import { migrate } from "./migrate.ts";
import { pushedIn } from "./pushed.ts";
import { type Releases, releasesIn } from "./releases.ts";
import { Waiting } from "./waiting.ts";
import { whyClosed } from "./why-closed.ts";

export interface Store {
  readonly journal: Journal;
  readonly claims: Claims;
  readonly environments: ReturnType<typeof environmentsIn>;
  readonly evidence: EvidenceStore;
  readonly releases: Releases;
  readonly builds: Builds;
  readonly pushed: PushedPoints;
  readonly feed: Feed;
  deployments(query: DeploymentQuery): Promise<readonly DeploymentId[]>;
  /** Packs up to 100 deployments that ended more than `afterMs` ago; answers how many. Their history is read as before. */
  archive(afterMs: Ms): Promise<number>;
  /** Forgets what deployments were judged on that ended longer ago; answers how many intervals that were. */
  forgetEvidence(afterMs: Ms): Promise<number>;
  /** Only while holding the data folder's lock: what a killed predecessor held is free at once. */
  endLeases(): Promise<void>;
  /** After the database's clock was put back: what was to be looked at before is due now. */
  forgetFuture(): Promise<void>;
  /** Sleeps until a deployment may be due, at most so long. */
  waitForWork(timeoutMs: Ms, signal?: AbortSignal): Promise<void>;
  /** URL of a database of a service's own, made when it is not there yet. */
  provisionDatabase(wanted: BackingDatabase): Promise<string>;
  /** Milliseconds by the database's clock. */
  now(): Promise<Ms>;
  close(): Promise<void>;
}

export interface StoreOptions extends DatabaseOptions {
  readonly workspace: string;
}

/** Throws a Problem when the database cannot be used: it does not answer, lets us not in, was used by a newer Sluice. */
export async function openStore({ workspace, ...options }: StoreOptions): Promise<Store> {
  const database = openDatabase(options);
  try {
    await migrate(database);
    const [made] = await database.ask<{ id: string }>("select id from sluice.journal");
    if (made === undefined) throw new Error("the journal has no id");
    const feed = new Feed(database, workspace);
    const queue = claimsIn(database, workspace);
    const waiting = new Waiting({ queue, url: options.url });
    return {
      journal: journalIn(database, { id: made.id, workspace, onAppended: (seq) => feed.nudge(seq) }),
      claims: queue,
      environments: environmentsIn(database, workspace),
      evidence: evidenceIn(database),
      releases: releasesIn(database, workspace),
      builds: buildsIn(database, workspace),
      pushed: pushedIn(database, workspace),
      feed,
      deployments: (query) => listDeployments(database, workspace, query),
      archive: (afterMs) => archive(database, workspace, { afterMs }),
      forgetEvidence: (afterMs) => forgetEvidence(database, workspace, afterMs),
      endLeases: () => endLeases(database, workspace),
      forgetFuture: () => forgetFuture(database, workspace),
      waitForWork: (timeoutMs, signal) => waiting.forWork(timeoutMs, signal),
      provisionDatabase: (wanted) => provisionDatabase(database, options.url, wanted),
      now: async () => Number((await database.ask<{ now: string }>("select sluice.now_ms() as now"))[0]?.now),
      close: async () => {
        await waiting.close();
        await database.close();
      },
    };
  } catch (error) {
    await database.close();
    throw whyClosed(error, options.url);
  }
}
