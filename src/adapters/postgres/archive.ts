// Streams of deployments that ended long ago: each becomes one compressed row, kept with the hash of its head, so that a
// year of history is small, is read as before, and can be shown to be what was written.
import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import { firstBreak } from "../../domain/chain.ts";
import type { DeploymentId, Event } from "../../domain/event.ts";
import type { Ms } from "../../domain/frame.ts";
import { Problem } from "../../domain/problem.ts";
import type { Database } from "./connection.ts";
import { asEvent, type EventRow } from "./event-row.ts";

const [pack, unpack] = [promisify(gzip), promisify(gunzip)];

/** The newest of each environment stay as they are, however old: people look at them and go back to them. So does what stands. */
const keptOfEach = 20;

/**
 * Archives up to `rowsMax` deployments that ended more than `afterMs` ago, and forgets what their bakes were judged on:
 * the numbers that decided stand in the facts. Answers how many it archived.
 */
export async function archive(
  database: Database,
  workspace: string,
  { afterMs, rowsMax = 100 }: { readonly afterMs: Ms; readonly rowsMax?: number },
): Promise<number> {
  const due = await database.ask<{ id: string }>(
    `select id from (
       select d.*, row_number() over (partition by environment order by turn desc) as age from sluice.deployments d
       where workspace = $1
     ) d
     where ended_seq is not null and age > $2 and last_at < sluice.now_ms() - $3
       and not exists (select from sluice.archives where deployment = d.id)
       and ended_seq is distinct from (select max(ended_seq) from sluice.deployments brought where is_planned
         and brought.workspace = d.workspace and brought.environment = d.environment)
     order by ended_seq limit $4`,
    [workspace, keptOfEach, afterMs, rowsMax],
  );
  for (const { id } of due) await archiveOne(database, id);
  return due.length;
}

async function archiveOne(database: Database, deployment: DeploymentId): Promise<void> {
  await database.withClient(async (client) => {
    await client.query("begin");
    try {
      const { rows } = await client.query<EventRow>(
        "select * from sluice.events where deployment = $1 order by position for update",
        [deployment],
      );
      const events = rows.map(asEvent);
      checkChain(events, deployment, events.at(-1)?.hash);
      await client.query(
        `insert into sluice.archives (deployment, head, events, packed)
         select id, hash, position, $2 from sluice.deployments where id = $1 and hash = $3 and position = $4`,
        [deployment, await pack(JSON.stringify(events)), events.at(-1)?.hash, events.length],
      );
      await client.query(
        `delete from sluice.events where deployment = $1
         and exists (select from sluice.archives where deployment = $1)`,
        [deployment],
      );
      await client.query("delete from sluice.evidence where deployment = $1", [deployment]);
      await client.query("commit");
    } catch (error) {
      await client.query("rollback").catch(() => {}); // the first error is the one to tell
      throw error;
    }
  });
}

/** The archived stream of a deployment, shown to be whole; nothing when it is not archived. */
export async function readArchived(database: Database, deployment: DeploymentId): Promise<readonly Event[]> {
  const [row] = await database.ask<{ head: string; packed: Buffer }>(
    "select head, packed from sluice.archives where deployment = $1",
    [deployment],
  );
  if (row === undefined) return [];
  const events: readonly Event[] = JSON.parse(String(await unpack(row.packed)));
  checkChain(events, deployment, row.head);
  return events;
}

function checkChain(events: readonly Event[], deployment: DeploymentId, head: string | undefined): void {
  const broken = firstBreak(events, (text) => createHash("sha256").update(text).digest("hex"));
  if (broken === undefined && events.at(-1)?.hash === head) return;
  throw new Problem(
    `the history of ${deployment} is not what was written: ${broken?.because ?? "its last events are missing"}`,
    "Compare with a backup of the database: somebody changed it",
  );
}
