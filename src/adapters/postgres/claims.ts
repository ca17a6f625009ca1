// Who drives which deployment: leases by the database's clock, so workers need not agree on the time.
import type { Ms } from "../../domain/frame.ts";
import type { Claims } from "../../engine/ports.ts";
import type { Database } from "./connection.ts";

/**
 * The most overdue comes first. Only the first of an environment's queue is ever due (see `append`), so an environment
 * with a thousand requests waits its turn like one with a single request. A worker that asks again holds nothing any
 * more: what it lost sight of while the database was away is its own to take up at once. A claim alone is no look: only
 * renewing and giving back say that somebody looked, so a gap is not lost when its finder dies before writing it down.
 */
const claimOne = `
  with found as (
    select id, leased_until is not null as is_left, due_at, looked_at from sluice.deployments
    where workspace = $3 and due_at <= clock_timestamp()
      and (leased_until is null or leased_until <= clock_timestamp() or worker = $1)
    order by due_at limit 1 for update skip locked
  )
  update sluice.deployments d set worker = $1, token = d.token + 1, is_woken = false,
    looked_at = case when found.is_left then found.looked_at else found.due_at end,
    leased_until = clock_timestamp() + $2 * interval '1 ms'
  from found where d.id = found.id
  returning d.id, d.token, extract(epoch from clock_timestamp() -
    case when found.is_left then found.looked_at else found.due_at end) * 1000 as unwatched_ms`;

export function claimsIn(database: Database, workspace: string): Claims {
  return {
    claim: async (worker, leaseMs) => {
      const [row] = await database.ask<{ id: string; token: string; unwatched_ms: string }>(claimOne, [
        worker,
        leaseMs,
        workspace,
      ]);
      if (row === undefined) return undefined;
      const unwatchedMs = Math.round(Number(row.unwatched_ms));
      return { deployment: row.id, worker, token: Number(row.token), gapMs: unwatchedMs > leaseMs ? unwatchedMs : 0 };
    },
    renew: async (claim, leaseMs) => {
      const rows = await database.ask(
        `update sluice.deployments
         set looked_at = clock_timestamp(), leased_until = clock_timestamp() + $3 * interval '1 ms'
         where id = $1 and token = $2 and leased_until > clock_timestamp() returning id`,
        [claim.deployment, claim.token, leaseMs],
      );
      return rows.length > 0;
    },
    release: async (claim, dueInMs) => {
      await database.ask(
        `update sluice.deployments set worker = null, leased_until = null, looked_at = clock_timestamp(),
         due_at = case when is_woken then due_at else clock_timestamp() + $3 * interval '1 ms' end
         where id = $1 and token = $2`,
        [claim.deployment, claim.token, dueInMs ?? null],
      );
    },
  };
}

/**
 * Ends every lease of the workspace now. For a control plane that has just taken its data folder's lock: nobody else can
 * be driving, and what its predecessor held when it was killed need not wait for its lease. A living holder would notice.
 */
export async function endLeases(database: Database, workspace: string): Promise<void> {
  await database.ask(
    `update sluice.deployments set leased_until = clock_timestamp()
     where workspace = $1 and leased_until > clock_timestamp()`,
    [workspace],
  );
}

/** Milliseconds until something is due; undefined when nothing is. */
export async function dueInMs(database: Database, workspace: string): Promise<Ms | undefined> {
  const [row] = await database.ask<{ ms: string | null }>(
    `select extract(epoch from min(greatest(due_at, leased_until)) - clock_timestamp()) * 1000 as ms
     from sluice.deployments where workspace = $1 and due_at is not null`,
    [workspace],
  );
  return row?.ms == null ? undefined : Math.max(0, Number(row.ms));
}
