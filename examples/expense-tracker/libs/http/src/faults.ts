// Faults that a release can carry in its own configuration, to show how a bad release is caught. They spare /health:
// a release that looks well to its probes and yet fails its users is the kind that only measured traffic can catch.
import type { MiddlewareHandler } from "hono";
import type * as z from "zod/mini";
import type { FaultEnvironment } from "./environment.ts";
import type { Check } from "./health.ts";
import type { Log } from "./log.ts";
import { Refusal } from "./refusal.ts";

export type Faults = z.output<typeof FaultEnvironment>;

/** Errors on a share of requests, added latency, and latency that grows with uptime. */
export function injectFaults(faults: Faults): MiddlewareHandler {
  const startedAt = performance.now();
  return async (c, next) => {
    if (!isHit(faults.FAULT_ROUTE, c.req.method, c.req.path)) return next();
    const leakMs = (faults.FAULT_LEAK_MS_PER_MIN * (performance.now() - startedAt)) / 60_000;
    const addedMs = leakMs + (Math.random() < faults.FAULT_LATENCY_SHARE ? faults.FAULT_LATENCY_MS : 0);
    if (addedMs > 0) await new Promise((resolve) => setTimeout(resolve, addedMs));
    if (Math.random() < faults.FAULT_ERROR_SHARE) {
      throw new Refusal(500, "fault", "This release fails a share of its requests (FAULT_ERROR_SHARE)");
    }
    return next();
  };
}

/** `FAULT_ROUTE` is a path prefix with an optional method before it: `/expenses` or `PUT /expenses`. */
export function isHit(route: string, method: string, path: string): boolean {
  if (route === "") return true;
  const [first = "", second] = route.trim().split(/\s+/);
  const [onMethod, prefix] = second === undefined ? [method, first] : [first.toUpperCase(), second];
  return onMethod === method && (path === prefix || path.startsWith(prefix.endsWith("/") ? prefix : `${prefix}/`));
}

/** `FAULT_CRASH_AFTER_MS`: the process ends by itself, and does so again after each restart. */
export function crashLater(faults: Faults, log: Log): void {
  const afterMs = faults.FAULT_CRASH_AFTER_MS;
  if (afterMs === undefined) return;
  setTimeout(() => {
    log("error", "crashing on purpose", { afterMs });
    process.exit(1);
  }, afterMs).unref();
}

export function applicationCheck(faults: Faults): Check {
  if (!faults.FAULT_NEVER_READY) return () => ({ status: "healthy" });
  return () => ({ status: "unhealthy", detail: "this release never becomes ready (FAULT_NEVER_READY)" });
}
