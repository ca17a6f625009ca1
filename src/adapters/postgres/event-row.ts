// An event as its row says it.
import type { Event, Fact } from "../../domain/event.ts";

export const schema = 1;

export interface EventRow {
  readonly seq: string;
  readonly deployment: string;
  readonly position: number;
  readonly workspace: string;
  readonly at: string;
  readonly previous: string;
  readonly hash: string;
  readonly fact: Fact;
}

export function asEvent(row: EventRow): Event {
  const { workspace, deployment, position, previous, hash, fact } = row;
  return { schema, workspace, deployment, position, seq: Number(row.seq), at: Number(row.at), previous, hash, fact };
}
