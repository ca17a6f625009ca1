// Who may ask, and how often: allow-lists by path, a rate for each client, the longest body. Asked before anything is sent.
import type { Ms } from "../../domain/frame.ts";
import type { RoutedService } from "../table.ts";
import { Addresses, clientOf } from "./addresses.ts";
import type { OwnAnswer } from "./own-answer.ts";

const clientsMax = 50_000;

interface Asking {
  readonly path: string;
  readonly address: string;
  readonly lengthBytes: number;
  readonly nowMs: Ms;
}

export class Guard {
  private readonly routed: RoutedService;
  private readonly allowed: readonly { readonly path: string; readonly from: Addresses }[];
  private readonly buckets: Map<string, { tokens: number; atMs: Ms }>;

  /** Undefined where there is nothing to guard: the usual case costs nothing. */
  static of(routed: RoutedService, before: Guard | undefined): Guard | undefined {
    const { allow, rateLimit, bodyBytesMax } = routed;
    return allow || rateLimit || bodyBytesMax !== undefined ? new Guard(routed, before) : undefined;
  }

  private constructor(routed: RoutedService, before: Guard | undefined) {
    this.routed = routed;
    this.allowed = (routed.allow ?? []).map(({ path, from }) => ({
      path: plain(path).path,
      from: new Addresses(from),
    }));
    this.buckets = before?.buckets ?? new Map();
  }

  refuse(asking: Asking): OwnAnswer | undefined {
    const { bodyBytesMax, rateLimit } = this.routed;
    if (this.allowed.length > 0 && !this.isAllowed(asking)) return { status: 403, error: "address-not-allowed" };
    if (rateLimit && !this.takeToken(asking, rateLimit))
      return { status: 429, error: "rate-limit", retryAfterSeconds: Math.ceil(1 / rateLimit.perSecond) };
    if (bodyBytesMax !== undefined && asking.lengthBytes > bodyBytesMax) return { status: 413, error: "body-too-long" };
    return undefined;
  }

  private isAllowed({ path, address }: Asking): boolean {
    const asked = plain(path);
    // Where two readers would look in two places, every rule holds: /admin/..;/x is below /admin for one of them.
    return this.allowed.every((rule) => !(asked.isVague || isBelow(asked.path, rule.path)) || rule.from.has(address));
  }

  private takeToken({ address, nowMs }: Asking, o: { readonly perSecond: number; readonly burst: number }): boolean {
    const client = clientOf(address);
    const bucket = this.buckets.get(client) ?? { tokens: o.burst, atMs: nowMs };
    bucket.tokens = Math.min(o.burst, bucket.tokens + ((nowMs - bucket.atMs) / 1_000) * o.perSecond);
    bucket.atMs = nowMs;
    // The oldest goes first: a flood of addresses costs memory only up to here.
    if (this.buckets.size >= clientsMax) this.buckets.delete(this.buckets.keys().next().value ?? "");
    this.buckets.set(client, bucket);
    if (bucket.tokens < 1) return false;
    bucket.tokens--;
    return true;
  }
}

/** As a lenient replica might read it, so that no spelling of a path goes around its rule. */
function plain(path: string): { readonly path: string; readonly isVague: boolean } {
  let text = path;
  for (let i = 0; i < 3 && /%[0-9a-f]{2}/i.test(text); i++) {
    try {
      text = decodeURIComponent(text);
    } catch {
      text = text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
    }
  }
  const names = text.replaceAll("\\", "/").split(/\/+/);
  const parts = names.map((name) => name.replace(/[;?#\0].*$/s, "").toLowerCase());
  const isVague = parts.includes("..") || text.includes("%");
  return { path: `/${parts.filter((part) => part !== "" && part !== ".").join("/")}`, isVague };
}

function isBelow(path: string, prefix: string): boolean {
  return prefix === "/" || path === prefix || path.startsWith(`${prefix}/`);
}
