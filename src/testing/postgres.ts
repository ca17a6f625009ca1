// A real PostgreSQL for one test file, in a folder of its own, gone afterwards.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { startEmbedded, stopEmbedded } from "../adapters/postgres/embedded/server.ts";
import type { Fact } from "../domain/event.ts";
import type { Plan } from "../domain/plan.ts";

export interface TestServer {
  readonly dataFolder: string;
  readonly url: string;
}

export function embeddedPostgres(): () => TestServer {
  const dataFolder = mkdtempSync(join(tmpdir(), "sluice-pg-"));
  let url = "";
  beforeAll(async () => {
    url = (await startEmbedded(dataFolder)).url;
  });
  afterAll(async () => {
    await stopEmbedded(dataFolder);
    rmSync(dataFolder, { recursive: true, force: true });
  });
  return () => ({ dataFolder, url });
}

export function requestedFact(environment: string, version = "1"): Fact {
  return {
    kind: "requested",
    environment,
    release: { id: `release-${version}`, version },
    intent: { services: {}, verify: [], onFailure: "rollback", hold },
    by: "test",
  };
}

const hold: Plan["hold"] = { withinMs: 1000, onDeadline: "rollback" };

export function plannedFact(standingRelease?: string): Fact {
  return {
    kind: "planned",
    plan: { schema: 1, services: {}, nodes: [], unchanged: [], onFailure: "rollback", hold },
    stands: {},
    ...(standingRelease === undefined
      ? {}
      : { standingRelease: { id: `release-${standingRelease}`, version: standingRelease } }),
  };
}
