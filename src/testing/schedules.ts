// Crash schedules: a shape, a weather and a few faults. fast-check draws them by a seed and shrinks those that fail.
import * as fc from "fast-check";
import type { Outcome } from "../domain/event.ts";
import type { Ms } from "../domain/frame.ts";
import type { Trouble } from "../simulation/faults.ts";
import { type Scenario, type Simulated, simulate } from "../simulation/simulate.ts";
import { broken, type Expected } from "./invariants.ts";
import { type ShapeName, scenarioOf, shapes, type WeatherName, weathers } from "./weathers.ts";

export interface Schedule {
  readonly shape: ShapeName;
  readonly weather: WeatherName;
  readonly size: number;
  /** How long nobody works after a crash; 0 is a restart at once. */
  readonly downtimeMs: Ms;
  readonly faults: readonly DrawnFault[];
}

interface DrawnFault {
  /** Any call of the calm run, or one of those that changed something; which one, as a share (0 to 1) of them all. */
  readonly among: "calls" | "effects";
  readonly at: number;
  readonly when: "before" | "after";
  readonly does: Trouble;
}

const soon = fc.constantFrom(50, 2_000, 20_000, 200_000);

const trouble: fc.Arbitrary<Trouble> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Trouble>({ kind: "crash" }) },
  fc.constant<Trouble>({ kind: "no answer" }),
  fc.record({ kind: fc.constant("arrives late" as const), byMs: soon }),
  fc.record({ kind: fc.constant("arrives twice" as const), byMs: soon }),
  fc.record({ kind: fc.constant("slow" as const), byMs: soon }),
  fc.record({ kind: fc.constant("stopped" as const), forMs: soon }),
  fc.record({ kind: fc.constant("clock set" as const), byMs: fc.constantFrom(-60_000, -2_000, 2_000, 3_600_000) }),
  fc.constant<Trouble>({ kind: "upgrade" }),
);

export const anySchedule: fc.Arbitrary<Schedule> = fc.record({
  shape: fc.constantFrom(...shapes),
  weather: fc.constantFrom(...weathers),
  size: fc.constantFrom(1, 2, 4, 7),
  downtimeMs: fc.constantFrom(0, 400, 20_000, 200_000),
  faults: fc.array(
    fc.record({
      among: fc.constantFrom("effects" as const, "calls" as const),
      at: fc.integer({ min: 0, max: 9_999 }).map((share) => share / 10_000),
      when: fc.constantFrom("before" as const, "after" as const),
      does: trouble,
    }),
    { minLength: 1, maxLength: 4 },
  ),
});

interface Calm {
  readonly scenario: Scenario;
  readonly world: Simulated;
  readonly outcomes: readonly Outcome[];
}

const calms = new Map<string, Promise<Calm>>();

/** The same deployment when nothing goes wrong with its workers. */
export function calmOf({ shape, weather, size }: Pick<Schedule, "shape" | "weather" | "size">): Promise<Calm> {
  const key = `${shape}/${weather}/${size}`;
  const known = calms.get(key) ?? calm(shape, weather, size);
  calms.set(key, known);
  return known;
}

async function calm(shape: ShapeName, weather: WeatherName, size: number): Promise<Calm> {
  const { scenario, outcomes } = scenarioOf(shape, weather, size);
  return { scenario, outcomes, world: await simulate(scenario) };
}

async function worldOfSchedule(schedule: Schedule): Promise<Simulated> {
  const { scenario, world } = await calmOf(schedule);
  const faults = schedule.faults.map(({ among, at, when, does }) => {
    const [effect = 1] = world.effects.slice(Math.floor(at * world.effects.length));
    return { call: among === "calls" ? 1 + Math.floor(at * world.calls) : effect, when, does };
  });
  return simulate({ ...scenario, faults, downtimeMs: schedule.downtimeMs });
}

export interface Checked {
  readonly schedule: Schedule;
  readonly history: readonly string[];
  readonly outcome: Outcome | undefined;
  /** How long it took on the virtual clock. */
  readonly simulatedMs: Ms;
  /** What was broken, in words; nothing when all holds. */
  readonly violations: readonly string[];
}

export async function check(schedule: Schedule): Promise<Checked> {
  const { scenario, world: calm, outcomes } = await calmOf(schedule);
  const expected: Expected = {
    stands: scenario.stands ?? {},
    outcomes,
    endsWithinMs: 2 * calm.endedAfterMs + schedule.faults.reduce((sum, fault) => sum + costOf(fault, schedule), 0),
  };
  const world = await worldOfSchedule(schedule);
  const { history, outcome, endedAfterMs: simulatedMs } = world;
  return { schedule, history, outcome, simulatedMs, violations: broken(world, expected) };
}

/** A crash before or after each port call of each shape in each weather, restarted at once. */
export async function everySchedule(): Promise<readonly Schedule[]> {
  const calls = shapes.flatMap((shape) =>
    weathers.map(async (weather) => {
      const { world } = await calmOf({ shape, weather, size: 2 });
      return Array.from({ length: world.calls }, (_, i) => (i + 0.5) / world.calls).flatMap((at) =>
        (["before", "after"] as const).map((when) => crash({ shape, weather, size: 2 }, at, when)),
      );
    }),
  );
  return (await Promise.all(calls)).flat();
}

export function crash(
  of: Pick<Schedule, "shape" | "weather" | "size">,
  at: number,
  when: "before" | "after",
): Schedule {
  return { ...of, downtimeMs: 0, faults: [{ among: "calls", at, when, does: { kind: "crash" } }] };
}

/** Also that it decided exactly what the calm run decided. */
export async function checkExactly(schedule: Schedule): Promise<Checked> {
  const { world: calm } = await calmOf(schedule);
  const checked = await check(schedule);
  const { history } = checked;
  const differs = history.findIndex((line, i) => line !== calm.history[i]);
  const isSame = differs < 0 && history.length === calm.history.length;
  const violations = isSame
    ? checked.violations
    : [
        ...checked.violations,
        `decided otherwise than the calm run: ${history[differs] ?? "nothing"}, not ${calm.history[differs]}`,
      ];
  return { ...checked, violations };
}

/** How much later a deployment may end for a fault: what it takes away, and the lease of a worker that is gone. */
function costOf({ does }: DrawnFault, { downtimeMs }: Schedule): Ms {
  const slackMs = 60_000;
  switch (does.kind) {
    case "crash":
      return downtimeMs + slackMs;
    case "slow":
    case "arrives late":
    case "arrives twice":
      return does.byMs + slackMs;
    case "stopped":
      return does.forMs + slackMs;
    case "clock set":
      return Math.max(0, -does.byMs) + slackMs;
    case "no answer":
    case "upgrade":
      return slackMs;
  }
}

export function told({ shape, weather, size, downtimeMs, faults }: Schedule): string {
  const each = faults.map(({ among, at, when, does }) => {
    const { kind, ...how } = does;
    const by = Object.values(how).map((ms) => ` ${ms} ms`);
    return `${kind}${by.join("")} ${when} the call at ${at} of ${among}`;
  });
  return `${shape} × ${size}, ${weather}; ${each.join(", ")}; ${downtimeMs} ms down`;
}

/** The schedule of a seed; with `shrinks`, the smallest that fails when it does. */
export async function checkSchedule(seed: number, { shrinks }: { readonly shrinks: boolean }): Promise<Checked> {
  let last: Checked | undefined;
  const property = fc.asyncProperty(anySchedule, async (schedule) => {
    const checked = await check(schedule);
    if (checked.violations.length > 0 || last === undefined) last = checked;
    return checked.violations.length === 0;
  });
  await fc.check(property, { seed, numRuns: 1, unbiased: true, endOnFailure: !shrinks });
  if (last === undefined) throw new Error("nothing was drawn");
  return last;
}

/** Seeds of the schedules of a run: the i-th is always the same, so each can be replayed alone. */
export function seedOf(run: number, i: number): number {
  let t = (Math.imul(run, 0x9e3779b1) + i) | 0;
  t = Math.imul(t ^ (t >>> 16), 0x85ebca6b);
  t = Math.imul(t ^ (t >>> 13), 0xc2b2ae35);
  return t ^ (t >>> 16);
}
