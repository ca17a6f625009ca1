// What is decided about a request before it is sent anywhere: which service, who asks, whether he may, which revision a rule
// or his session wants. The answer is either the router's own or a request to pass on.
import type { Connection } from "./accepted.ts";
import type { AccessLog } from "./access-log.ts";
import { challengeAnswer } from "./challenges.ts";
import { senderBehind } from "./forwarded.ts";
import type { RequestHead } from "./head.ts";
import { cookieValue } from "./matching.ts";
import { maintenancePage, type OwnAnswer } from "./own-answer.ts";
import { requestText, type Sender } from "./request-text.ts";
import type { Entry } from "./routing.ts";
import type { Service, Wanted } from "./service.ts";
import type { Shop } from "./shop.ts";

/** The connection that a request came on. */
export interface Origin {
  readonly socket: Connection;
  readonly listener: string;
  readonly address: string;
  readonly proto: "http" | "https";
}

/** A request to pass on. */
export interface Asked {
  readonly head: RequestHead;
  readonly service: Service;
  readonly wanted: Wanted | undefined;
  /** A session begins: its answer brings a cookie. */
  readonly needsPlace: boolean;
  readonly routeClass: string;
  readonly sender: Sender;
  readonly requestId: string;
  readonly log: AccessLog | undefined;
  /** The head as the replica gets it. */
  readonly text: string;
}

/** `input` is the buffer that the head was read from, just now. */
export function takeIn(head: RequestHead, input: Buffer, o: { origin: Origin; shop: Shop }): Asked | OwnAnswer {
  const { origin, shop } = o;
  const entry = shop.routing.entries.get(origin.listener);
  if (entry?.challenges !== undefined) return challengeAnswer(head, entry.challenges);
  const found = entry && shop.routing.find(entry, head.host, head.path);
  if (!found) return { status: 404, error: "no-service" };
  const { service, strip } = found;
  const sender = senderOf(head, { origin, entry });
  if (service.routed.isInMaintenance) return maintenance(service);
  if (service.guard) {
    const { path, lengthBytes } = head;
    const refused = service.guard.refuse({ path, lengthBytes, address: sender.client, nowMs: shop.now() });
    if (refused) return refused;
  }
  const ruled = service.isRuled ? service.wantedBy(head, input) : undefined;
  const seat = ruled ? undefined : seatOf(service, head.cookie);
  const requestId = head.requestId || shop.requestId();
  service.retries.earn();
  return {
    head,
    service,
    wanted: ruled ?? seat,
    needsPlace: service.sticky !== undefined && !ruled && !seat,
    routeClass: service.tally.classes.of(head.method, strip === 0 ? head.path : head.path.slice(strip)),
    sender,
    requestId,
    log: entry.log,
    text: requestText({ head, strip, sender, requestId }),
  };
}

function maintenance({ routed }: Service): OwnAnswer {
  return { status: 503, error: "maintenance", page: routed.maintenancePage ?? maintenancePage, retryAfterSeconds: 60 };
}

export function senderOf(head: RequestHead, { origin, entry }: { origin: Origin; entry: Entry }): Sender {
  const { address, proto } = origin;
  const direct = { client: address, forwardedFor: address, proto, forwardedHost: head.host };
  return entry.trusted?.has(address) ? senderBehind(head, direct, entry.trusted) : direct;
}

function seatOf(service: Service, cookies: string): Wanted | undefined {
  const cookie = service.sticky && cookieValue(cookies, service.sticky.cookie);
  const revision = cookie === undefined ? undefined : service.sticky?.revisionOf(cookie);
  return revision === undefined ? undefined : { to: revision, isStrict: false };
}
