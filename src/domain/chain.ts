// Each stream of facts is a chain: an event's hash covers the one before it, so nobody rewrites history unnoticed.
import { canonical } from "./canonical.ts";
import type { Event } from "./event.ts";

/** What an event's hash is the SHA-256 of (UTF-8). The global sequence number is the journal's, not the stream's. */
export function chained(event: Omit<Event, "seq" | "hash">): string {
  const { previous, schema, workspace, deployment, position, at, fact } = event;
  return [previous, schema, workspace, deployment, position, at, canonical(fact)].join("\n");
}

export interface Break {
  readonly position: number;
  readonly because: string;
}

/** The first place where a whole stream is not the chain that it was written as; undefined when it is unbroken. */
export function firstBreak(events: readonly Event[], digest: (text: string) => string): Break | undefined {
  let previous = "";
  for (const [index, event] of events.entries()) {
    const { position, hash } = event;
    if (position !== index) return { position: index, because: `event ${index} is missing` };
    if (event.previous !== previous)
      return { position, because: `event ${position} does not follow from the one before` };
    if (digest(chained(event)) !== hash)
      return { position, because: `event ${position} was changed after it was written` };
    previous = hash;
  }
  return undefined;
}
