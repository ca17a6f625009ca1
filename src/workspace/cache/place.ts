// Where results are shared: what every such place can do, whatever its protocol.
import type { Shelf } from "./scope.ts";

export type Received = Readonly<{
  body: Buffer;
  /** `trusted` or `untrusted/NAME`, where the place itself tells; undefined where it knows no scopes. */
  shelf: string | undefined;
}>;

export type Sent = Readonly<{
  body: Buffer;
  /** Its signature, which is in the body too: for a server that goes by it. */
  tag: string | undefined;
  durationMs: number;
  shelf: Shelf;
}>;

export type Asking = Readonly<{
  signal: AbortSignal;
  /** Where to look, in order; a place that knows the credential's own scope goes by that. */
  shelves: readonly Shelf[];
}>;

export type Place = Readonly<{
  /** As people know it: its address. */
  name: string;
  /** True where it keeps trusted and untrusted builds apart, so that what it calls trusted is. */
  isScoped: boolean;
  /** Undefined when it has none; throws Refused, or what fetch throws. */
  get: (key: string, asking: Asking) => Promise<Received | undefined>;
  put: (key: string, sent: Sent, asking: Pick<Asking, "signal">) => Promise<void>;
}>;

/** It answered, but not with what was asked for. */
export class Refused extends Error {
  readonly status: number;
  constructor(status: number, more = "") {
    super(`answered ${status}${more}`);
    this.status = status;
  }
}

export const entryMaxBytes = 2 ** 30;

export async function readAtMost(answer: Response): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of answer.body ?? []) {
    bytes += chunk.length;
    if (bytes > entryMaxBytes) throw new Refused(answer.status, " with more than 1 GiB");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, bytes);
}
