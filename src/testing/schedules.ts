// Random crash schedules: a strategy, a weather and a few faults, drawn by a seed; and what must hold whatever was drawn.
import { Temporary } from "../domain/problem.ts";
import type { Strategy } from "../domain/strategy.ts";
import { Crash, type Fault } from "./faults.ts";
import { intent, service, strategies } from "./intents.ts";
import { type Scenario, type Simulated, simulate } from "./simulation.ts";

export interface Schedule {
  readonly name: string;
  readonly scenario: Scenario;
  /** What the outcome may be: purpose, not only safety. */
  readonly allowed: readonly string[];
}

interface Weather {
  readonly scenario: Partial<Scenario>;
  readonly allowed: readonly string[];
}

/** A good candidate must be promoted and a bad one taken back; where people speak, what they said decides. */
const weathers: Readonly<Record<string, Weather>> = {
  calm: { scenario: {}, allowed: ["succeeded"] },
  "never ready": { scenario: { behaviours: { "web-2": { neverReady: true } } }, allowed: ["rolled back"] },
  "crash loop": {
    scenario: { behaviours: { "web-2": { crashesAfterMs: 1600 } } },
    allowed: ["rolled back", "succeeded"],
  },
  "bad from the start": {
    scenario: { behaviours: { "web-2": { errors: { share: 0.5, afterMs: 0 } } } },
    allowed: ["rolled back", "succeeded"],
  },
  "slow router": { scenario: { routerLagMs: 900 }, allowed: ["succeeded"] },
  "metric source down": { scenario: { metricsDownBetween: [5_000, 120_000] }, allowed: ["succeeded"] },
  aborted: {
    scenario: { said: [{ atMs: 3_000, fact: { kind: "abort asked", by: "bo", reason: "no" } }] },
    allowed: ["aborted", "succeeded"],
  },
  superseded: {
    scenario: { said: [{ atMs: 3_000, fact: { kind: "superseded", by: "d2" } }] },
    allowed: ["superseded", "succeeded"],
  },
  "paused and resumed": {
    scenario: {
      said: [
        { atMs: 2_000, fact: { kind: "paused", by: "bo" } },
        { atMs: 400_000, fact: { kind: "unpaused", by: "bo" } },
      ],
    },
    allowed: ["succeeded"],
  },
};

/** Numbers in [0, 1) by mulberry32: the same seed, the same schedules. */
export function randomBy(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export function drawSchedule(random: () => number): Schedule {
  const [strategyName, strategy] = pick(Object.entries(strategies), random);
  const [weatherName, weather] = pick(Object.entries(weathers), random);
  const faults = Array.from({ length: 1 + Math.floor(random() * 3) }, () => drawFault(random));
  const downtimeMs = pick([0, 0, 400, 20_000, 200_000], random);
  const size = pick([1, 2, 4, 7], random);
  const scenario: Scenario = {
    intent: intent(
      { web: service(strategy as Strategy, { size, withinMs: 30_000 }) },
      { verify: [{ kind: "job", name: "smoke", withinMs: 60_000 }] },
    ),
    stands: { web: "web-1" },
    ...weather.scenario,
    faults,
    downtimeMs,
    endsWithinMs: 7_200_000,
  };
  // A bake can only tell where there is one; a bad candidate passes a strategy that never looks.
  const looks = strategyName === "canary" || strategyName === "blueGreen";
  const allowed = weatherName === "bad from the start" && looks ? ["rolled back"] : weather.allowed;
  const told = faults.map(
    (fault) => `${fault.error?.() instanceof Temporary ? "no answer" : "crash"} ${fault.when} call ${fault.call}`,
  );
  return {
    name: `${strategyName} × ${size}, ${weatherName}, ${told.join(", ")}, ${downtimeMs} ms down`,
    scenario,
    allowed,
  };
}

/** What was broken, in words; nothing when all holds. */
export async function violationsOf({ scenario, allowed }: Schedule): Promise<readonly string[]> {
  const world = await simulate(scenario);
  const outcome = world.outcome ?? `no end (${world.run.phase.kind})`;
  return [
    ...world.violations,
    ...(allowed.includes(outcome) ? [] : [`ended as ${outcome}, not as ${allowed.join(" or ")}`]),
    ...Object.entries(world.jobsEffective).flatMap(([job, n]) =>
      n > jobsIn(world, job) ? [`job ${job} was effective ${n} times`] : [],
    ),
    ...strayTraffic(world),
  ];
}

/** How often the plan names a job: each of its steps is effective once. */
function jobsIn({ run }: Simulated, job: string): number {
  const steps = (run.plan?.nodes ?? []).flatMap((node) => node.steps);
  return steps.filter((step) => step.kind === "job" && step.name === job).length;
}

/** When it is over, one revision has all traffic: the promoted one, or the one that stood before. */
function strayTraffic(world: Simulated): readonly string[] {
  if (world.outcome === undefined || world.outcome === "stuck") return [];
  const wanted = world.outcome === "succeeded" ? "web-2" : "web-1";
  const last = world.targets.get("web")?.weights.at(-1)?.traffic ?? {};
  return last[wanted] === 100 ? [] : [`ended as ${world.outcome} with traffic ${JSON.stringify(last)}`];
}

function drawFault(random: () => number): Fault {
  const call = 1 + Math.floor(random() ** 2 * 400);
  const when = random() < 0.5 ? "before" : "after";
  return random() < 0.75
    ? { call, when, error: () => new Crash() }
    : { call, when, error: () => new Temporary("timed out") };
}

function pick<T>(items: readonly T[], random: () => number): T {
  const item = items[Math.floor(random() * items.length)];
  if (item === undefined) throw new Error("nothing to pick from");
  return item;
}
