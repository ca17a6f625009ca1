// Repositories, and the queue of their builds: each is held by one runner under a lease, and goes to another when that
// runner is lost. What it printed is kept by attempt, at exact places, so that a runner may send again.
import { randomBytes } from "node:crypto";
import { attemptsMax, type Build, type BuildOrder, type BuildState, type Repository } from "../../domain/build.ts";
import type { Ms } from "../../domain/frame.ts";
import type { BuildQueue } from "../../engine/build-queue.ts";
import type { Database } from "./connection.ts";

export interface Builds extends BuildQueue {
  /** Takes over the schedule's last moment; true for whoever was first to say this one. */
  scheduled(repository: string, at: Ms): Promise<boolean>;
  lastScheduled(repository: string): Promise<Ms>;
  /** The time in which no control plane was there counts against no runner. */
  renewAll(leaseMs: Ms): Promise<void>;
  /** What builds printed that ended longer ago. */
  forgetLogs(olderThanMs: Ms): Promise<void>;
}

interface Row {
  readonly id: string;
  readonly wanted: BuildOrder;
  readonly state: BuildState;
  readonly attempt: number;
  readonly runner: string | null;
  readonly because: string | null;
  readonly asked: string;
  readonly started: string | null;
  readonly ended: string | null;
}

const columns = `id, wanted, state, attempt, runner, because, (extract(epoch from asked_at) * 1000)::bigint as asked,
  (extract(epoch from started_at) * 1000)::bigint as started, (extract(epoch from ended_at) * 1000)::bigint as ended`;
const logMaxBytes = 16 * 2 ** 20;
/** Nobody works on it. */
const idle = "(state = 'queued' or (state = 'running' and leased_until < now()))";

export function buildsIn(database: Database, workspace: string): Builds {
  async function one(sql: string, values: readonly unknown[]): Promise<Build | undefined> {
    const [row] = await database.ask<Row>(sql, values);
    return row === undefined ? undefined : asBuild(row);
  }
  return {
    putRepository: async (repository) => {
      await database.ask(
        `insert into sluice.repositories (workspace, name, settings) values ($1, $2, $3)
         on conflict (workspace, name) do update set settings = excluded.settings, scheduled_ms = case
           when repositories.settings ->> 'schedule' is distinct from excluded.settings ->> 'schedule'
           then sluice.now_ms() else repositories.scheduled_ms end`,
        [workspace, repository.name, JSON.stringify(repository)],
      );
    },
    repositories: async () => {
      const rows = await database.ask<{ settings: Repository }>(
        "select settings from sluice.repositories where workspace = $1 order by name",
        [workspace],
      );
      return rows.map(({ settings }) => settings);
    },
    scheduled: async (repository, at) => {
      const rows = await database.ask(
        `update sluice.repositories set scheduled_ms = $3
         where workspace = $1 and name = $2 and scheduled_ms < $3 returning name`,
        [workspace, repository, at],
      );
      return rows.length > 0;
    },
    lastScheduled: async (repository) => {
      const [row] = await database.ask<{ at: string }>(
        "select scheduled_ms as at from sluice.repositories where workspace = $1 and name = $2",
        [workspace, repository],
      );
      return Number(row?.at ?? 0);
    },
    request: async (order, delivery) => {
      const id = `b-${randomBytes(5).toString("hex")}`;
      const made = await one(
        `insert into sluice.builds (id, workspace, wanted, labels, delivery) values ($1, $2, $3, $4, $5)
         on conflict (workspace, delivery) do nothing returning ${columns}`,
        [id, workspace, JSON.stringify(order), order.labels, delivery ?? null],
      );
      const found =
        made ??
        (await one(`select ${columns} from sluice.builds where workspace = $1 and delivery = $2`, [
          workspace,
          delivery,
        ]));
      if (found === undefined) throw new Error("an insert returned nothing");
      return found;
    },
    lastGood: async ({ repository, ref, tasks, isTrusted }) => {
      const [row] = await database.ask<{ commit: string }>(
        `select wanted ->> 'commit' as commit from sluice.builds
         where workspace = $1 and state = 'succeeded' and wanted::jsonb @> $2 and wanted ->> 'commit' is not null
           and wanted::jsonb -> 'tasks' = $3::jsonb
         order by asked_at desc limit 1`,
        [workspace, JSON.stringify({ repository, ref, isTrusted }), JSON.stringify(tasks)],
      );
      return row?.commit;
    },
    list: async (rowsMax) => {
      const rows = await database.ask<Row>(
        `select ${columns} from sluice.builds where workspace = $1 order by asked_at desc limit $2`,
        [workspace, rowsMax],
      );
      return rows.map(asBuild);
    },
    get: (id) => one(`select ${columns} from sluice.builds where workspace = $1 and id = $2`, [workspace, id]),
    cancel: (id, by) =>
      one(
        `update sluice.builds set is_cancelled = true,
           because = case when state in ('queued', 'running') then $3 else because end,
           ended_at = case when ${idle} then now() else ended_at end,
           state = case when ${idle} then 'cancelled' else state end
         where workspace = $1 and id = $2 returning ${columns}`,
        [workspace, id, `cancelled by ${by}`],
      ),
    claim: async (runner, labels, leaseMs) => {
      await database.ask(
        `update sluice.builds set ended_at = now(),
           state = case when is_cancelled then 'cancelled' else 'failed' end,
           because = case when is_cancelled then because else 'its runner was lost ' || attempt || ' times' end
         where workspace = $1 and state = 'running' and leased_until < now() and (is_cancelled or attempt >= ${attemptsMax})`,
        [workspace],
      );
      return one(
        `update sluice.builds set state = 'running', runner = $2, attempt = attempt + 1,
           started_at = coalesce(started_at, now()), leased_until = now() + $4 * interval '1 ms'
         where id = (
           select id from sluice.builds where workspace = $1 and labels <@ $3::text[] and ${idle}
           order by asked_at limit 1 for update skip locked
         ) returning ${columns}`,
        [workspace, runner, labels, leaseMs],
      );
    },
    renewAll: async (leaseMs) => {
      await database.ask(
        `update sluice.builds set leased_until = greatest(leased_until, now() + $2 * interval '1 ms')
         where workspace = $1 and state = 'running'`,
        [workspace, leaseMs],
      );
    },
    forgetLogs: async (olderThanMs) => {
      await database.ask(
        `delete from sluice.build_logs using sluice.builds
         where build = id and workspace = $1 and ended_at < now() - $2 * interval '1 ms'`,
        [workspace, olderThanMs],
      );
    },
    beat: async ({ id, attempt, runner }, leaseMs) => {
      const [row] = await database.ask<{ is_cancelled: boolean }>(
        `update sluice.builds set leased_until = now() + $3 * interval '1 ms'
         where id = $1 and attempt = $2 and runner = $4 and state = 'running' returning is_cancelled`,
        [id, attempt, leaseMs, runner],
      );
      return row === undefined ? undefined : { isCancelled: row.is_cancelled };
    },
    end: async ({ id, attempt, runner }, state, because) => {
      const rows = await database.ask(
        `update sluice.builds set state = $3, because = coalesce($4, because), ended_at = now()
         where id = $1 and attempt = $2 and runner = $5 and state = 'running' returning id`,
        [id, attempt, state, because ?? null, runner],
      );
      return rows.length > 0;
    },
    log: async ({ id, attempt, runner }, at, bytes) => {
      const [row] = await database.ask<{ has: string; held: boolean }>(
        `with held as (
           select id from sluice.builds where id = $1 and attempt = $2 and runner = $5 and state = 'running'
         ), had as (
           select coalesce(sum(length(bytes)), 0) as has from sluice.build_logs where build = $1 and attempt = $2
         ), put as (
           insert into sluice.build_logs (build, attempt, start, bytes)
           select $1, $2, $3, $4 from had, held where has = $3 and has < ${logMaxBytes} on conflict do nothing
           returning length(bytes) as added
         )
         select had.has + coalesce((select added from put), 0) as has, exists (select from held) as held from had`,
        [id, attempt, at, Buffer.from(bytes), runner],
      );
      if (row?.held !== true) return undefined;
      // What is over the limit counts as arrived: the runner need not keep it.
      return Number(row?.has ?? 0) >= logMaxBytes ? at + bytes.length : Number(row?.has ?? 0);
    },
    readLog: async (id, from) => {
      const rows = await database.ask<{ bytes: Buffer; at: string }>(
        `select bytes, at from (
           select bytes, sum(length(bytes)) over (order by attempt, start) - length(bytes) as at
           from sluice.build_logs where build = $1
         ) placed where at + length(bytes) > $2 order by at`,
        [id, from],
      );
      return Buffer.concat(rows.map(({ bytes }) => bytes)).subarray(Math.max(0, from - Number(rows[0]?.at ?? 0)));
    },
  };
}

function asBuild({ id, wanted, state, attempt, runner, because, asked, started, ended }: Row): Build {
  return {
    id,
    order: wanted,
    state,
    attempt,
    askedAt: Number(asked),
    ...(runner === null ? {} : { runner }),
    ...(because === null ? {} : { because }),
    ...(started === null ? {} : { startedAt: Number(started) }),
    ...(ended === null ? {} : { endedAt: Number(ended) }),
  };
}
