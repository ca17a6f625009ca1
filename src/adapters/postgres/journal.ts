// The journal in PostgreSQL: a fact is appended at exactly one position of its deployment's stream, or not at all.
import { canonical } from "../../domain/canonical.ts";
import type { Fact } from "../../domain/event.ts";
import type { Journal } from "../../engine/ports.ts";
import { readArchived } from "./archive.ts";
import type { Database } from "./connection.ts";
import { asEvent, type EventRow, schema } from "./event-row.ts";

/** Facts that come from people or change whose turn it is: a worker looks at once. The rest are a worker's own. */
const wakes: Record<Fact["kind"], boolean> = {
  requested: false, // `append` wakes the first in the environment's queue, which may be this one
  planned: false,
  "job started": false,
  "step done": false,
  "step failed": false,
  judged: false,
  approved: true,
  refused: true,
  "on hold": false,
  retreat: false,
  "walked back": false,
  paused: true,
  unpaused: true,
  promoted: true,
  "abort asked": true,
  retried: true,
  superseded: true,
  resumed: false,
  ended: false,
  "given up": false,
  "budget spent": false,
  triggered: false,
  "return asked": false,
  "return refused": false,
};

export interface JournalOptions {
  readonly id: string;
  /** Of the deployments that are requested through this journal. */
  readonly workspace: string;
  readonly onAppended: (seq: number) => void;
}

export function journalIn(database: Database, { id, workspace, onAppended }: JournalOptions): Journal {
  return {
    id,
    read: async (deployment, from = 0) => {
      const rows = await database.ask<EventRow>(
        "select * from sluice.events where deployment = $1 and position >= $2 order by position",
        [deployment, from],
      );
      return rows.length === 0 && from === 0 ? readArchived(database, deployment) : rows.map(asEvent);
    },
    append: async (deployment, position, fact) => {
      const values = [
        workspace,
        deployment,
        position,
        schema,
        fact.kind,
        canonical(fact),
        says(fact),
        wakes[fact.kind],
      ];
      const [row] = await database.ask<EventRow>(
        "select * from sluice.append($1, $2, $3, $4::smallint, $5, $6, $7, $8)",
        values,
      );
      if (row === undefined) return undefined;
      const event = asEvent(row);
      onAppended(event.seq);
      return event;
    },
  };
}

/** What the queue and the environment need of a fact. The fact itself is kept as text: jsonb takes no U+0000, logs may. */
function says(fact: Fact): object {
  if (fact.kind === "requested") return { environment: fact.environment, release: fact.release };
  if (fact.kind === "planned") return { standingRelease: fact.standingRelease };
  return fact.kind === "ended" ? { outcome: fact.outcome, stands: fact.stands } : {};
}
