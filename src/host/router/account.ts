// How a request ended, for the judge (counts and latencies) and for people (the access log).
import type { Ms } from "../../domain/frame.ts";
import type { AccessLog } from "./access-log.ts";
import type { Asked } from "./intake.ts";
import type { Replica } from "./replica.ts";
import type { Revision } from "./revision.ts";
import type { Shop } from "./shop.ts";

/** An exchange, as far as it is counted. */
export interface Counted {
  readonly shop: Shop;
  readonly asked: Asked;
  readonly startedMs: Ms;
  /** Absent while nobody was asked. */
  readonly revision: Revision | undefined;
  readonly replica: Replica | undefined;
}

export function account(counted: Counted, status: number): void {
  const { shop, asked, startedMs, revision, replica } = counted;
  if (!revision || !replica) return;
  if (asked.log?.wants(status)) write(asked.log, counted, status);
  asked.service.tally.record({
    revision: revision.id,
    replica: replica.id,
    routeClass: asked.routeClass,
    isError: status >= 500,
    latencyMs: shop.now() - startedMs,
  });
}

/** No replica was found for it. */
export function accountUnanswered(counted: Counted): void {
  const { service, log } = counted.asked;
  service.unanswered++;
  if (log?.wants(503)) write(log, counted, 503);
}

function write(log: AccessLog, { shop, asked, startedMs, revision, replica }: Counted, status: number): void {
  const { head, service, sender, requestId } = asked;
  log.write({
    at: new Date(shop.wall()).toISOString(),
    service: service.key,
    revision: revision?.id ?? "",
    replica: replica?.id ?? "",
    client: sender.client,
    method: head.method,
    path: head.path,
    status,
    ms: Math.round((shop.now() - startedMs) * 1_000) / 1_000,
    requestId,
    ...(head.traceparent !== "" && { traceparent: head.traceparent }),
  });
}
