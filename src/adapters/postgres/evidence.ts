// Evidence in PostgreSQL: the intervals that a bake was judged on, compressed, apart from history.
import { promisify } from "node:util";
import { deflateRaw, inflateRaw } from "node:zlib";
import type { Observation } from "../../domain/evidence.ts";
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

function keyOf({ deployment, node, step, service }: EvidenceKey): unknown[] {
  return [deployment, node, step, service];
}
