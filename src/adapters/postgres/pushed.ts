// Metrics that services push, in PostgreSQL for half an hour: whoever receives them, every worker reads them.
import { promisify } from "node:util";
import { deflateRaw, inflateRaw } from "node:zlib";
import type { Report } from "../metrics/otlp/reports.ts";
import type { PushedPoints } from "../metrics/otlp/source.ts";
import type { Database } from "./connection.ts";

const [deflate, inflate] = [promisify(deflateRaw), promisify(inflateRaw)];

const keptFor = "30 minutes";
/** Reports of one revision that are read at once: an hour of a hundred replicas would not fit a judgement. */
const reportsMax = 20_000;

export function pushedIn(database: Database, workspace: string): PushedPoints {
  return {
    put: async (reports) => {
      const counters = await Promise.all(reports.map((report) => deflate(JSON.stringify(report.counters))));
      const column = (of: (report: Report) => string | number) => reports.map(of);
      await database.ask(
        `with swept as (delete from sluice.pushed where at_ms < sluice.now_ms() - extract(epoch from $8::interval) * 1000)
         insert into sluice.pushed (workspace, environment, service, revision, replica, at_ms, counters)
         select $1, * from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bytea[])
         on conflict do nothing`,
        [
          workspace,
          column(({ environment }) => environment),
          column(({ service }) => service),
          column(({ revision }) => revision),
          column(({ replica }) => replica),
          column(({ atMs }) => atMs),
          counters,
          keptFor,
        ],
      );
    },
    get: async ({ environment, service, revision, sinceMs }) => {
      const rows = await database.ask<{ replica: string; at_ms: string; counters: Buffer }>(
        `select replica, at_ms, counters from sluice.pushed
         where workspace = $1 and environment = $2 and service = $3 and revision = $4 and at_ms >= $5
         order by at_ms limit ${reportsMax}`,
        [workspace, environment, service, revision, sinceMs],
      );
      return Promise.all(
        rows.map(async ({ replica, at_ms, counters }): Promise<Report> => {
          const kept: Report["counters"] = JSON.parse(String(await inflate(counters)));
          return { environment, service, revision, replica, atMs: Number(at_ms), counters: kept };
        }),
      );
    },
  };
}
