// Evidence in PostgreSQL: the intervals that a bake was judged on, compressed, apart from history.
import { promisify } from "node:util";
import { deflateRaw, inflateRaw } from "node:zlib";
import type { Observation } from "../../domain/evidence.ts";
import type { Ms } from "../../domain/frame.ts";
import type { EvidenceKey, EvidenceStore } from "../../engine/ports.ts";
import type { Database } from "./connection.ts";
import { together } from "./together.ts";

const [deflate, inflate] = [promisify(deflateRaw), promisify(inflateRaw)];

interface Kept {
  readonly at: EvidenceKey;
  readonly startMs: Ms;
  readonly counts: Buffer;
}

export function evidenceIn(database: Database): EvidenceStore {
  /** What was stored first stays: a judgement made on it can be made again. */
  const keep = together<readonly Kept[], void>(async (asked) => {
    const all = asked.flat();
    await database.ask(
      `insert into sluice.evidence (deployment, node, step, service, start_ms, counts)
       select * from unnest($1::text[], $2::text[], $3::int[], $4::text[], $5::bigint[], $6::bytea[])
       on conflict do nothing`,
      [
        all.map(({ at }) => at.deployment),
        all.map(({ at }) => at.node),
        all.map(({ at }) => at.step),
        all.map(({ at }) => at.service),
        all.map(({ startMs }) => startMs),
        all.map(({ counts }) => counts),
      ],
    );
    return [];
  });
  return {
    put: async (at, observations) => {
      const kept = observations.map(async (one) => ({
        at,
        startMs: one.startMs,
        counts: await deflate(JSON.stringify(one)),
      }));
      await keep(await Promise.all(kept));
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
