// Facts as server-sent events, resumed exactly after the last one that was seen.
import type { Context } from "hono";
import { streamSSE } from "hono/streaming";
import type { DeploymentId } from "../domain/event.ts";
import type { Ms } from "../domain/frame.ts";
import { Temporary } from "../domain/problem.ts";
import type { Clock } from "../engine/ports.ts";
import type { Records } from "./records.ts";

export interface Live {
  readonly records: Pick<Records, "feed">;
  readonly clock: Clock;
  readonly heartbeatMs: Ms;
  /** Ends every stream when the server stops. */
  readonly signal: AbortSignal;
}

/** `from`: the sequence number to go on after. A browser that reconnects sends Last-Event-ID, which is newer. */
export function liveEvents(context: Context, live: Live, { from, of }: { from: number; of?: DeploymentId }): Response {
  const { feed } = live.records;
  const seen = Number(context.req.header("last-event-id") ?? Number.NaN);
  context.header("X-Accel-Buffering", "no");
  return streamSSE(context, async (stream) => {
    const left = new AbortController();
    stream.onAbort(() => left.abort());
    const ended = AbortSignal.any([left.signal, live.signal]);
    let seq = Number.isSafeInteger(seen) ? seen : from;
    await stream.write("retry: 1000\n\n");
    while (!ended.aborted) {
      try {
        const events = await feed.after(seq);
        for (const event of events) {
          if (of !== undefined && event.deployment !== of) continue;
          await stream.writeSSE({ id: String(event.seq), data: JSON.stringify(event) });
        }
        seq = events.at(-1)?.seq ?? seq;
        if (events.length > 0) continue;
        const pause = AbortSignal.any([ended, AbortSignal.timeout(live.heartbeatMs)]);
        await feed.changed(seq, pause);
        if (pause.aborted && !ended.aborted) await stream.write(": still here\n\n");
      } catch (error) {
        if (ended.aborted) return;
        if (!(error instanceof Temporary)) throw error;
        await stream.write(": the database does not answer\n\n");
        await live.clock.sleep(1000);
      }
    }
  });
}
