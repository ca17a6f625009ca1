// What must hold of any simulated deployment, whatever went wrong in it: safety, and purpose in the fewest moves.
import type { Event, Outcome } from "../domain/event.ts";
import { type Frame, type Ms, sameFrame, wholly } from "../domain/frame.ts";
import type { Simulated } from "../simulation/simulate.ts";

export interface Expected {
  readonly stands: Readonly<Record<string, string>>;
  /** Purpose: a good candidate is promoted, a bad one taken back. */
  readonly outcomes: readonly Outcome[];
  /** Steady time by which it must have ended. */
  readonly endsWithinMs: Ms;
}

/** What was broken, in words; nothing when all holds. */
export function broken(world: Simulated, expected: Expected): readonly string[] {
  const names = Object.keys(world.run.intent.services);
  return [
    ...world.violations,
    ...(expected.outcomes.some((outcome) => outcome === world.outcome)
      ? []
      : [`ended as ${toldEnd(world)}, not as ${expected.outcomes.join(" or ")}`]),
    ...(world.endedAfterMs <= expected.endsWithinMs
      ? []
      : [`took ${world.endedAfterMs} ms, more than ${expected.endsWithinMs} ms`]),
    ...jobs(world),
    ...names.flatMap((name) => stray(world, name, expected.stands[name])),
    ...names.flatMap((name) => needless(world, name)),
    ...disorder(world),
  ];
}

function toldEnd({ run }: Simulated): string {
  if (run.phase.kind === "ended") return `${run.phase.outcome} (${run.phase.because ?? "as planned"})`;
  return `no end: ${run.phase.kind}${run.hold === undefined ? "" : `, on hold: ${run.hold.because}`}`;
}

/** A job that was started is effective at most once, and each was when the deployment succeeded. */
function jobs({ run, events, jobsEffective, outcome }: Simulated): readonly string[] {
  const steps = (run.plan?.nodes ?? []).flatMap((node) =>
    node.steps.flatMap((step, index) => (step.kind === "job" ? [{ node: node.id, index, name: step.name }] : [])),
  );
  return [...new Set(steps.map(({ name }) => name))].flatMap((name) => {
    const own = steps.filter((step) => step.name === name);
    const started = own.filter(({ node, index }) =>
      events.some(({ fact }) => fact.kind === "job started" && fact.node === node && fact.step === index),
    );
    const effective = jobsEffective[name] ?? 0;
    const isRight = outcome === "succeeded" ? effective === own.length : effective <= started.length;
    return isRight ? [] : [`job ${name} was effective ${effective} times of ${own.length}`];
  });
}

/** When it is over, one revision is the whole service: the promoted one, or the one that stood before. */
function stray(world: Simulated, name: string, stable: string | undefined): readonly string[] {
  if (world.outcome === undefined || world.outcome === "stuck") return [];
  const candidate = world.run.intent.services[name]?.revision ?? "";
  const wanted = world.outcome === "succeeded" ? candidate : stable;
  const last = world.targets.get(name)?.frames.at(-1)?.frame;
  const isSo = last !== undefined && wanted !== undefined && sameFrame(last, wholly(wanted));
  return isSo ? [] : [`ended as ${world.outcome} with ${name} at ${JSON.stringify(last?.revisions)}`];
}

/** The frames asked for are those of the plan in order, then those of the way back in order: never one more, never again. */
function needless(world: Simulated, name: string): readonly string[] {
  const { run, events } = world;
  const planned = run.plan?.services[name];
  const asked = world.targets.get(name)?.frames.map(({ frame }) => frame) ?? [];
  if (planned === undefined) return [];
  const retreat = events.find(({ fact }) => fact.kind === "retreat")?.fact;
  const sets = (run.plan?.nodes ?? [])
    .filter((node) => node.service === name)
    .flatMap((node) => node.steps.flatMap((step) => (step.kind === "set" ? [step.frame] : [])));
  const path = retreat?.kind === "retreat" ? (retreat.paths[name] ?? []) : [];
  const extra = withoutRepeats(asked).find(unlike([planned.from, ...sets], path));
  return extra === undefined ? [] : [`${name} was asked for ${JSON.stringify(extra.revisions)} out of order`];
}

/** Tells whether a frame does not come next: first along `there`, later along `back`. */
function unlike(there: readonly Frame[], back: readonly Frame[]): (frame: Frame) => boolean {
  const all = [...there, ...back];
  let at = 0;
  return (frame) => {
    const found = all.findIndex((candidate, i) => i >= at && sameFrame(candidate, frame));
    at = found < 0 ? at : found + 1;
    return found < 0;
  };
}

function withoutRepeats(frames: readonly Frame[]): readonly Frame[] {
  return frames.filter((frame, i) => {
    const before = frames[i - 1];
    return before === undefined || !sameFrame(before, frame);
  });
}

/** A service moves when all that it waits for has moved, and goes back before what it depends on. */
function disorder({ run, events, targets }: Simulated): readonly string[] {
  const nodes = (run.plan?.nodes ?? []).filter((node) => node.service === node.id);
  return nodes.flatMap((node) =>
    node.after.flatMap((before) => {
      const first = targets.get(node.id)?.frames[1]?.seq ?? Number.POSITIVE_INFINITY;
      const reached = events.findLast(({ fact }) => fact.kind === "step done" && fact.node === before)?.seq ?? 0;
      const early = first < reached ? [`${node.id} moved before ${before} was done`] : [];
      const [own, below] = [walkedAt(events, node.id), walkedAt(events, before)];
      const late =
        own !== undefined && below !== undefined && below.first < own.last
          ? [`${before} went back before ${node.id}`]
          : [];
      return [...early, ...late];
    }),
  );
}

function walkedAt(events: readonly Event[], service: string): { first: number; last: number } | undefined {
  const own = events.filter(({ fact }) => fact.kind === "walked back" && fact.service === service);
  const [first, last] = [own[0], own.at(-1)];
  return first === undefined || last === undefined ? undefined : { first: first.position, last: last.position };
}
