// Brings our tables to what this version of Sluice needs: forward only, one at a time, whichever process comes first.
import type pg from "pg";
import { Problem } from "../../domain/problem.ts";
import type { Database } from "./connection.ts";
import { steps } from "./schema.ts";

export async function migrate(database: Database): Promise<void> {
  await database.withClient(async (client) => {
    await refuseOldServer(client);
    await client.query("select pg_advisory_lock(hashtext('sluice migrating'))");
    try {
      await client.query("create schema if not exists sluice");
      await client.query("create table if not exists sluice.migrations (step int primary key, at timestamptz)");
      const { rows } = await client.query<{ done: number }>(
        "select coalesce(max(step), 0) as done from sluice.migrations",
      );
      const done = rows[0]?.done ?? 0;
      if (done > steps.length) throw newer(done);
      for (const [index, sql] of steps.entries()) if (index >= done) await apply(client, index + 1, sql);
    } finally {
      await client.query("select pg_advisory_unlock(hashtext('sluice migrating'))").catch(() => {}); // gone with its connection
    }
  });
}

/** What we use is in every PostgreSQL that is still maintained. */
async function refuseOldServer(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ number: number; version: string }>(
    "select current_setting('server_version_num')::int as number, current_setting('server_version') as version",
  );
  const [server] = rows;
  if (server === undefined || server.number >= 140_000) return;
  throw new Problem(`the database is PostgreSQL ${server.version}, and Sluice needs 14 or later`, "Upgrade it");
}

async function apply(client: pg.ClientBase, step: number, sql: string): Promise<void> {
  await client.query("begin");
  try {
    await client.query("set local search_path to sluice");
    await client.query(sql);
    await client.query("insert into sluice.migrations values ($1, now())", [step]);
    await client.query("commit");
  } catch (error) {
    await client.query("rollback").catch(() => {}); // the first error is the one to tell
    throw error;
  }
}

function newer(done: number): Problem {
  return new Problem(
    `the database was last used by a newer Sluice (its tables are at step ${done}, this version knows ${steps.length})`,
    "Install that version or a later one; going back is not supported",
  );
}
