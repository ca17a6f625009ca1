// Whose turn it is in an environment, and what stands there: the end of the last deployment that had its turn.
import type { ReleaseRef, Releases } from "../../domain/event.ts";
import type { Standing } from "../../domain/plan.ts";
import type { Environments } from "../../engine/ports.ts";
import type { Database } from "./connection.ts";

const standingFor = `
  select
    not exists (select from sluice.deployments earlier where earlier.workspace = d.workspace
      and earlier.environment = d.environment and earlier.turn < d.turn and earlier.ended_seq is null) as turn,
    last.stands, coalesce(ended.fact->'release', case when last.outcome = 'succeeded'
      then to_json(last.release) else to_json(last.standing_release) end) as release, ended.fact->'releases' as releases
  from (select workspace, environment, turn from sluice.deployments where id = $1
        union all select $2, $3, 9223372036854775807 where $1 is null) d
  left join lateral (
    select stands, outcome, release, standing_release, ended_seq from sluice.deployments
    where workspace = d.workspace and environment = d.environment and ended_seq is not null and is_planned
    order by ended_seq desc limit 1
  ) last on true
  left join sluice.events ended on ended.seq = last.ended_seq`;

/** What came into the environment after a deployment: still under way, or with another outcome than its own. */
const laterThan = `
  select coalesce(bool_or(later.id is not null and later.ended_seq is null), false) as is_moving,
    coalesce(bool_or(later.ended_seq is not null and later.is_planned and later.stands is distinct from d.stands), false)
      as is_gone
  from sluice.deployments d left join sluice.deployments later on later.workspace = d.workspace
    and later.environment = d.environment and later.turn > d.turn
  where d.id = $1 group by d.id`;

export interface Stands {
  readonly turn: boolean;
  readonly stands: Standing;
  readonly release?: ReleaseRef;
  /** Of services that another release brought than the environment's. */
  readonly releases?: Releases;
}

export interface KnownEnvironment {
  readonly name: string;
  readonly stands: Standing;
  readonly release?: ReleaseRef;
  readonly releases?: Releases;
  /** Deployments that have not ended, in the order of their turns. */
  readonly open: readonly string[];
}

interface Row {
  readonly turn: boolean;
  readonly stands: Standing | null;
  readonly release: ReleaseRef | null;
  readonly releases: Releases | null;
}

export function environmentsIn(
  database: Database,
  workspace: string,
): Environments & {
  list(): Promise<readonly KnownEnvironment[]>;
  /** What stands there now; nothing in an environment that nobody asked a release into. */
  stands(environment: string): Promise<Omit<Stands, "turn">>;
  /** Whether the environment still stands on what a deployment brought that has ended. */
  standsOn(deployment: string): Promise<"here" | "moving" | "gone">;
} {
  async function ask(environment: string, deployment: string | null): Promise<Stands> {
    const [row] = await database.ask<Row>(standingFor, [deployment, workspace, environment]);
    if (row === undefined) throw new Error(`no deployment ${deployment} in the journal`);
    const { turn, stands, release, releases } = row;
    return { turn, stands: stands ?? {}, ...(release && { release }), ...(releases && { releases }) };
  }
  async function stands(environment: string): Promise<Omit<Stands, "turn">> {
    const { turn: _, ...rest } = await ask(environment, null);
    return rest;
  }
  return {
    standing: ask,
    stands,
    standsOn: async (deployment) => {
      const [row] = await database.ask<{ is_moving: boolean; is_gone: boolean }>(laterThan, [deployment]);
      if (row === undefined || row.is_gone) return "gone";
      return row.is_moving ? "moving" : "here";
    },
    list: async () => {
      const rows = await database.ask<{ name: string; open: string[] }>(
        `select name, array(select id from sluice.deployments d where d.workspace = e.workspace
           and d.environment = e.name and ended_seq is null order by turn) as open
         from sluice.environments e where workspace = $1 order by name`,
        [workspace],
      );
      return Promise.all(rows.map(async ({ name, open }) => ({ name, ...(await stands(name)), open })));
    },
  };
}
