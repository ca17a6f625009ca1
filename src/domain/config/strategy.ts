// Strategies as people write them, with the field's step names. `resolve.ts` turns them into the domain's.
import { z } from "zod";
import { Duration, key, Percentage } from "./values.ts";

export const Approve = z.strictObject({
  quorum: key(z.int().min(1).max(10).prefault(1), "Different people who must say yes.", 2),
  roles: key(z.array(z.string()).prefault([]), "Who may say so; none named: anyone who may deploy.", ["lead"]),
  within: key(Duration.prefault("24h"), "Without an answer by then it goes back.", "4h"),
  note: key(z.exactOptional(z.string()), "What to look at before saying yes.", "Compare the sign-up funnel"),
});

const job = z.strictObject({
  job: key(z.string(), "Runs a job of `jobs`; the rollout goes on when it exits 0.", "smoke"),
});
const between = z.strictObject({
  min: key(Duration, "It ends no sooner.", "2m"),
  max: key(Duration, "It ends no later, unless it is on hold.", "30m"),
});
const bake = z.strictObject({
  bake: key(
    z.union([Duration, between]),
    "Watches the environment's checks for so long, or between `min` and `max` until health is shown; a failing verdict goes back at once.",
    { min: "2m", max: "10m" },
  ),
});
const pause = z.strictObject({ pause: key(Duration, "Only waits.", "1m") });
const approve = z.strictObject({ approve: key(Approve, "Waits for people (`sluice promote`).", { quorum: 1 }) });
const setWeight = z.strictObject({
  setWeight: key(Percentage, "Share of the traffic that the candidate is sent, with the capacity to bear it.", 5),
});

const Gate = z.union([job, bake, pause, approve]);
const CanaryStep = z.union([setWeight, job, bake, pause, approve]);

const exposure = key(
  z.exactOptional(
    z.strictObject({
      requests: key(z.exactOptional(z.int().min(1)), "At most so many requests.", 5000),
      users: key(
        z.exactOptional(
          z.strictObject({
            max: key(z.int().min(1), "At most so many different users.", 200),
            source: key(z.string().min(1).prefault("host"), "The metric source that counts them.", "prometheus"),
            query: key(z.string().min(1), "How many users the revision has had.", 'users_seen{version="$revision"}'),
          }),
        ),
        "At most so many users, counted by a metric source.",
        { max: 200, source: "prometheus", query: 'users_seen{version="$revision"}' },
      ),
      onSpent: key(
        z.enum(["rollback", "hold"]).prefault("rollback"),
        "When they have: it goes back, or gives its traffic back and asks.",
        "hold",
      ),
    }),
  ),
  "How many may see the new version before its own gates have passed.",
  { requests: 5000, onSpent: "hold" },
);

export const Strategy = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("recreate").meta({ description: "Stops the old side, then starts the new one." }),
  }),
  z.strictObject({
    kind: z.literal("rolling").meta({ description: "Batch by batch." }),
    batchSize: key(Percentage.prefault(25), "Share of the replicas that move at once.", "33%"),
    maxUnavailable: key(
      Percentage.prefault(0),
      "Share that may be missing meanwhile; 0 adds before it takes away.",
      25,
    ),
    pause: key(Duration.prefault("0s"), "Between two batches.", "1m"),
    maxFailureShare: key(Percentage.prefault(0), "Share of the new replicas that may break.", "10%"),
  }),
  z.strictObject({
    kind: z.literal("blueGreen").meta({ description: "The new side at full size, then the switch." }),
    preview: key(z.array(Gate).prefault([]), "What must hold before the switch, against the preview.", [
      { job: "smoke" },
    ]),
    autoPromote: key(z.boolean().prefault(true), "Switches by itself; false waits for `sluice promote`.", false),
    switchShares: key(
      z.array(Percentage).min(1).prefault([100]),
      "Shares of traffic that switch, one after another.",
      [50, 100],
    ),
    afterSwitch: key(z.array(Gate).prefault([]), "What must hold before the old side goes.", [{ bake: "10m" }]),
    exposure,
  }),
  z.strictObject({
    kind: z.literal("canary").meta({ description: "A little traffic at a time, watched." }),
    steps: key(
      z
        .array(CanaryStep)
        .min(1)
        .prefault([
          { setWeight: 5 },
          { bake: { min: "2m", max: "5m" } },
          { setWeight: 25 },
          { bake: { min: "2m", max: "5m" } },
          { setWeight: 50 },
          { bake: { min: "2m", max: "5m" } },
          { setWeight: 100 },
        ]),
      "In order; after the last one the candidate has all traffic.",
      [{ setWeight: 10 }, { bake: "5m" }, { job: "smoke" }, { setWeight: 100 }],
    ),
    exposure,
  }),
]);

export const strategyKinds = ["recreate", "rolling", "blueGreen", "canary"] as const;
