// What is known of a request that got no answer, half an answer, or an error that Sluice made: enough to tell whether it
// was under way on a process that was killed on purpose.
import type { IncomingHttpHeaders } from "node:http";

export class Lost extends Error {
  /** `x-sluice-error`: the router lives and says why. Undefined when the connection itself broke. */
  readonly said: string | undefined;
  /** Names of the replica that had it, if one had: its id by the router, its port by its own word. */
  readonly on: readonly string[];

  constructor(message: string, headers: IncomingHttpHeaders) {
    super(message);
    const one = (name: string) => [headers[name] ?? []].flat();
    [this.said] = one("x-sluice-error");
    this.on = [...one("x-sluice-replica"), ...one("x-port")];
  }
}

export function lost(message: string, headers: IncomingHttpHeaders = {}): Lost {
  return new Lost(message, headers);
}

export interface Loss {
  readonly kind: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly because: string;
  readonly said: string | undefined;
  readonly on: readonly string[];
}
