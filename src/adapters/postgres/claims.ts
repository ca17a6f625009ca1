// Who drives which deployment: leases by the database's clock, so workers need not agree on the time. The workers of one
// process ask together, and a deployment is offered first to the process that had it last, which still remembers it.
import { randomUUID } from "node:crypto";
import type { Ms } from "../../domain/frame.ts";
import type { Claim, Claims } from "../../engine/ports.ts";
import type { Database } from "./connection.ts";
import { together } from "./together.ts";

/** For so long after it is due, a deployment waits for the process that had it last. */
const waitForOwnMs: Ms = 500;
/** Where all are late, each process goes on with its own first, but for what has waited for so much longer. */
const ownFirstMs: Ms = 10_000;
/** So many of the most overdue are looked at for each question, however many there are. */
const windowRows = 300;

/**
 * The most overdue comes first. Only the first of an environment's queue is ever due (see `append`), so an environment
 * with a thousand requests waits its turn like one with a single request. A worker that asks again holds nothing any
 * more: what it lost sight of while the database was away is its own to take up at once. A claim alone is no look: only
 * renewing and giving back say that somebody looked, so a gap is not lost when its finder dies before writing it down.
 */
const claimSome = `
  with asked as (
    select worker, lease_ms, nr from unnest($1::text[], $2::int[]) with ordinality as a (worker, lease_ms, nr)
  ), free as (
    select id from sluice.deployments where workspace = $3 and due_at is not null
      and (leased_until is null or leased_until <= clock_timestamp() or worker = any($1))
    order by due_at limit cardinality($1) + ${windowRows}
  ), due as (
    select id, leased_until is not null as is_left, due_at, looked_at from sluice.deployments join free using (id)
    where due_at <= clock_timestamp()
      and (leased_until is null or leased_until <= clock_timestamp() or worker = any($1))
      and (last_by is null or last_by = $4 or is_woken or leased_until is not null
        or due_at <= clock_timestamp() - ${waitForOwnMs} * interval '1 ms')
    order by due_at + case when last_by <> $4 and not is_woken then ${ownFirstMs} else 0 end * interval '1 ms'
    limit cardinality($1) for update of deployments skip locked
  ), found as (
    select *, row_number() over (order by due_at) as nr from due
  )
  update sluice.deployments d set worker = asked.worker, last_by = $4, token = d.token + 1, is_woken = false,
    looked_at = case when found.is_left then found.looked_at else found.due_at end,
    leased_until = clock_timestamp() + asked.lease_ms * interval '1 ms'
  from found join asked using (nr) where d.id = found.id
  returning nr, d.id, d.worker, d.token, d.position, asked.lease_ms,
    extract(epoch from clock_timestamp() - found.due_at) * 1000 as late_ms, extract(epoch from clock_timestamp() -
    case when found.is_left then found.looked_at else found.due_at end) * 1000 as unwatched_ms`;

interface Found {
  readonly nr: string;
  readonly id: string;
  readonly worker: string;
  readonly token: string;
  readonly position: number;
  readonly lease_ms: number;
  readonly late_ms: string;
  readonly unwatched_ms: string;
}

/** Milliseconds until something is due for $2; what is held now may be due when its lease ends. */
const untilDue = `
  select extract(epoch from least(
    (select min(due_at) from sluice.deployments where workspace = $1 and due_at is not null and leased_until is null
      and (last_by is null or last_by = $2 or is_woken)),
    (select min(due_at) + ${waitForOwnMs} * interval '1 ms' from sluice.deployments
      where workspace = $1 and due_at is not null and leased_until is null),
    (select min(leased_until) from sluice.deployments
      where workspace = $1 and due_at <= statement_timestamp() and leased_until is not null)
  ) - clock_timestamp()) * 1000 as ms`;

export interface Queue extends Claims {
  /** Milliseconds until something may be due for a worker of this process; undefined when nothing is. */
  dueInMs(): Promise<Ms | undefined>;
}

export function claimsIn(database: Database, workspace: string): Queue {
  const process = randomUUID();
  const claim = together<{ readonly worker: string; readonly leaseMs: Ms }, Claim | undefined>(async (asked) => {
    const rows = await database.ask<Found>(claimSome, [
      asked.map(({ worker }) => worker),
      asked.map(({ leaseMs }) => leaseMs),
      workspace,
      process,
    ]);
    const found = new Map(rows.map((row) => [Number(row.nr), asClaim(row)]));
    return asked.map((_, index) => found.get(index + 1));
  });
  // A lease that has run out cannot be given back: that would say that somebody looked, and the gap would be lost.
  const release = together<{ readonly claim: Claim; readonly dueInMs: Ms | undefined }, void>(async (given) => {
    await database.ask(
      `update sluice.deployments d set worker = null, leased_until = null, looked_at = clock_timestamp(),
       due_at = case when is_woken then due_at else clock_timestamp() + given.due_in_ms * interval '1 ms' end
       from unnest($1::text[], $2::bigint[], $3::float8[]) as given (id, token, due_in_ms)
       where d.id = given.id and d.token = given.token and d.leased_until > clock_timestamp()`,
      [
        given.map((one) => one.claim.deployment),
        given.map((one) => one.claim.token),
        given.map((one) => one.dueInMs ?? null),
      ],
    );
    return [];
  });
  const due = together<undefined, Ms | undefined>(async (asked) => {
    const [row] = await database.ask<{ ms: string | null }>(untilDue, [workspace, process]);
    const ms = row?.ms == null ? undefined : Math.max(0, Number(row.ms));
    return asked.map(() => ms);
  });
  return {
    claim: (worker, leaseMs) => claim({ worker, leaseMs }),
    renew: async (held, leaseMs) => {
      const rows = await database.ask(
        `update sluice.deployments
         set looked_at = clock_timestamp(), leased_until = clock_timestamp() + $3 * interval '1 ms'
         where id = $1 and token = $2 and leased_until > clock_timestamp() returning id`,
        [held.deployment, held.token, leaseMs],
      );
      return rows.length > 0;
    },
    release: (held, dueInMs) => release({ claim: held, dueInMs }),
    dueInMs: () => due(undefined),
  };
}

function asClaim({ id, worker, token, position, lease_ms, late_ms, unwatched_ms }: Found): Claim {
  const unwatchedMs = Math.round(Number(unwatched_ms));
  const gapMs = unwatchedMs >= lease_ms ? unwatchedMs : 0;
  return { deployment: id, worker, token: Number(token), position, lateMs: Number(late_ms), gapMs };
}

/**
 * Ends every lease of the workspace now. For a control plane that has just taken its data folder's lock: nobody else can
 * be driving, and what its predecessor held when it was killed need not wait for its lease. A living holder would notice.
 */
export async function endLeases(database: Database, workspace: string): Promise<void> {
  await database.ask(
    `update sluice.deployments set last_by = null,
       leased_until = case when leased_until > clock_timestamp() then clock_timestamp() else leased_until end
     where workspace = $1 and due_at is not null`,
    [workspace],
  );
}

/** What was looked at in the future was looked at before the clock was put back: it is due now, and nobody holds it. */
export async function forgetFuture(database: Database, workspace: string): Promise<void> {
  await database.ask(
    `update sluice.deployments set due_at = clock_timestamp(), looked_at = clock_timestamp(), leased_until = null
     where workspace = $1 and due_at is not null and looked_at > clock_timestamp() + interval '1 second'`,
    [workspace],
  );
}
