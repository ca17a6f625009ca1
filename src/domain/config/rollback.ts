// What an environment says about going back: by when it is verified, to what one may return, what is watched after a
// deployment has ended, and rehearsals.
import { z } from "zod";
import { Duration, key, Name, Percentage } from "./values.ts";

export const Rollback = z.strictObject({
  within: key(Duration.prefault("5m"), "A return that is not verified by then has failed, and a person is told.", "2m"),
  versions: key(
    z.exactOptional(z.array(z.string().min(1)).min(1)),
    "Versions to which one may return; * stands for anything. All that stood here, unless it says.",
    ["v2.*", "hotfix-*"],
  ),
  oldest: key(z.exactOptional(z.string().min(1)), "No release that was made before this one may come back.", "v1.4.0"),
});

const held = {
  for: key(Duration.prefault("1m"), "How long it must hold, without a break.", "2m"),
  services: key(z.exactOptional(z.array(Name).min(1)), "Only of these services; unless it says, of all that moved.", [
    "api",
  ]),
};
const minimumRequests = key(z.int().min(1).prefault(100), "Fewer requests than these say nothing.", 20);

const Condition = z.union([
  z.strictObject({
    health: key(z.enum(["degraded", "unhealthy"]), "What a service's replicas say of it, or worse.", "unhealthy"),
    ...held,
  }),
  z.strictObject({
    part: key(z.string().min(1), "A part that its health answer lists is not healthy: the database.", "database"),
    ...held,
  }),
  z.strictObject({
    errorRateMax: key(Percentage, "More of the requests than this fail.", "5%"),
    minimumRequests,
    ...held,
  }),
  z.strictObject({
    latencyMax: key(Duration, "A quantile of the latency is above this.", "1s"),
    quantile: key(z.enum(["p50", "p95", "p99"]).prefault("p99"), "Which one.", "p95"),
    minimumRequests,
    ...held,
  }),
  z.strictObject({
    query: key(z.string().min(1), "A number of a metric source, as in `checks.metrics`.", "sum(checkout_failures)"),
    source: key(z.string().min(1).prefault("host"), 'Who is asked: "host", or a metric source.', "prometheus"),
    comparator: key(z.enum([">", ">=", "<", "<="]).prefault(">"), "What is bad: on which side of the limit.", "<"),
    limit: key(z.number(), "The limit.", 5),
    ...held,
  }),
]);

export const Watch = z.strictObject({
  for: key(Duration.prefault("1h"), "How long after the end of a deployment.", "2h"),
  manualApprovalRequired: key(
    z.boolean().prefault(false),
    "Asks a person before it goes back. It delays only this, never a retreat inside a rollout nor a rollback that a person asks for.",
    true,
  ),
  conditions: key(z.array(Condition).min(1), "Any of these, once it has held for its time, takes the release back.", [
    { health: "unhealthy", for: "1m" },
    { latencyMax: "3s", for: "5m", services: ["api"] },
    { source: "prometheus", query: "sum(rate(checkout_failures[1m]))", limit: 5 },
  ]),
});

export const Drill = z.strictObject({
  every: key(Duration, "From one rehearsal to the next.", "7d"),
  at: key(
    z.exactOptional(z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'a time of day is written "04:00"')),
    "Not before this time of the day, UTC.",
    "04:00",
  ),
});
