// Which deployments there are; what they are is a fold over their facts.
import type { DeploymentId } from "../../domain/event.ts";
import type { Database } from "./connection.ts";

export interface DeploymentQuery {
  readonly environment?: string;
  /** Only those that have not ended. */
  readonly open?: boolean;
  readonly rowsMax: number;
}

/** Newest first. */
export async function listDeployments(
  database: Database,
  workspace: string,
  { environment, open = false, rowsMax }: DeploymentQuery,
): Promise<readonly DeploymentId[]> {
  const rows = await database.ask<{ id: string }>(
    `select id from sluice.deployments where workspace = $1 and ($2::text is null or environment = $2)
       and (not $3 or ended_seq is null)
     order by requested_at desc, turn desc limit $4`,
    [workspace, environment ?? null, open, rowsMax],
  );
  return rows.map((row) => row.id);
}
