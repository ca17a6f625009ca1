// Evidence in PostgreSQL: the intervals that a bake was judged on, compressed, apart from history.
import { promisify } from "node:util";
import { deflateRaw, inflateRaw } from "node:zlib";
import type { Observation } from "../../domain/evidence.ts";
import type { Ms } from "../../domain/frame.ts";
import type { EvidenceKey, EvidenceStore } from "../../engine/ports.ts";
import type { Database } from "./connection.ts";

const [deflate, inflate] = [promisify(deflateRaw), promisify(inflateRaw)];

export function evidenceIn(database: Database): EvidenceStore {
  return {
    /** What was stored first stays: a judgement made on it can be made again. */
    put: async (at, observations) => {
      const counts = await Promise.all(observations.map((one) => deflate(JSON.stringify(one))));
      await database.ask(
        `insert into sluice.evidence (deployment, node, step, service, start_ms, counts)
         select $1, $2, $3, $4, start_ms, counts from unnest($5::bigint[], $6::bytea[]) as given (start_ms, counts)
         on conflict do nothing`,
        [...keyOf(at), observations.map(({ startMs }) => startMs), counts],
      );
    },
    get: async (at) => {
      const rows = await database.ask<{ counts: Buffer }>(
        `select counts from sluice.evidence
         where deployment = $1 and node = $2 and step = $3 and service = $4 order by start_ms`,
        keyOf(at),
      );
      return Promise.all(
        rows.map(async ({ counts }): Promise<Observation> => JSON.parse(String(await inflate(counts)))),
      );
    },
  };
}

/** Forgets what deployments were judged on that ended more than `afterMs` ago; answers how many intervals that were. */
export async function forgetEvidence(database: Database, workspace: string, afterMs: Ms): Promise<number> {
  const [row] = await database.ask<{ gone: number }>(
    `with gone as (
       delete from sluice.evidence e using sluice.deployments d
       where d.id = e.deployment and d.workspace = $1 and d.ended_seq is not null and d.last_at < sluice.now_ms() - $2
       returning 1
     ) select count(*)::int as gone from gone`,
    [workspace, afterMs],
  );
  return row?.gone ?? 0;
}

function keyOf({ deployment, node, step, service }: EvidenceKey): unknown[] {
  return [deployment, node, step, service];
}
