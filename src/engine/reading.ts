// What a metric source counted in a bake, as it is kept: what was stored first stays, and where the source skipped a
// stretch of time there is a gap with its words, so that the judge sees the same now and when it is asked again.
import type { Gap, Observation } from "../domain/evidence.ts";
import type { Ms, RevisionId } from "../domain/frame.ts";
import { Problem, Temporary } from "../domain/problem.ts";
import { type Stretch, type Tally, tallied, untallied } from "../domain/tally.ts";
import type { Surroundings } from "./advance.ts";
import type { CountedSoFar } from "./memory.ts";
import type { EvidenceKey } from "./ports.ts";

export interface Asked {
  readonly at: EvidenceKey;
  readonly environment: string;
  readonly stable?: RevisionId;
  readonly candidate: RevisionId;
  /** When the bake began, moved on by time in which nobody looked. */
  readonly since: Ms;
  /** Until when nobody looked, the last time that this was so; 0 when it never was. */
  readonly awayUntil: Ms;
  /** Candidate's share of the requests, 0 … 1, where the weights decide it. */
  readonly share: number | null;
  /** The largest minimum of requests among the limits of the bake. */
  readonly minimumRequests: number;
}

export interface Reading extends CountedSoFar {
  /** What this look brought. */
  readonly fresh: readonly Observation[];
  /** Set while there has been nothing usable for longer than is bearable, in its words. */
  readonly silence?: string;
}

export async function read(asked: Asked, around: Surroundings): Promise<Reading> {
  const { ports, memory } = around;
  const { at, since, awayUntil, share, minimumRequests, ...query } = asked;
  const key = `${at.node}/${at.step}/${at.service}`;
  const known = memory.counted.get(key) ?? more(none, await ports.evidence.get(at), { asked, around });
  const untilMs = known.tally.last?.endMs ?? since;
  const answer = await answerOf(() => ports.metrics.read({ ...query, service: at.service, since: untilMs }));
  if (answer.words !== undefined) memory.silences.set(key, answer.words);
  const words = memory.silences.get(key) ?? "it had no numbers for this time; does it count, and do the clocks agree?";
  // What a source has no more of a time in which we were away ourselves is no gap of its own.
  const fresh = whole(answer.observations, { untilMs: Math.max(untilMs, awayUntil), words });
  if (fresh.length > 0) {
    await ports.evidence.put(at, fresh);
    memory.silences.delete(key);
  }
  const counted = fresh.length > 0 ? more(known, fresh, { asked, around }) : known;
  memory.counted.set(key, counted);
  return { ...counted, fresh, ...silenceOf(counted.tally, { since, awayUntil, now: ports.clock.now(), words }) };
}

const none: CountedSoFar = { tally: untallied, digest: "" };

interface Adding {
  readonly asked: Asked;
  readonly around: Surroundings;
}

function more(before: CountedSoFar, fresh: readonly Observation[], { asked, around }: Adding): CountedSoFar {
  return fresh.reduce(
    ({ tally, digest }, one) => ({
      tally: tallied(tally, one, asked),
      digest: chained(digest, one, around.ports.digest),
    }),
    before,
  );
}

type Hash = (text: string) => string;

/** What is digested of a list of observations, one after the other. */
export function chained(digest: string, one: Observation, hash: Hash): string {
  return hash(digest + JSON.stringify(one));
}

/** Over the chains of all services that a judgement looked at. */
export function digestOf(services: Readonly<Record<string, string>>, hash: Hash): string {
  return hash(JSON.stringify(services));
}

/** Set while there has been nothing usable for longer than is bearable. */
export function silenceOf(
  { lastUsable, lastDropped }: Tally,
  { since, awayUntil, now, words }: { since: Ms; awayUntil: Ms; now: Ms; words: string },
): { readonly silence?: string } {
  const untilMs = Math.max(lastUsable?.endMs ?? since, awayUntil);
  const silentMs = now - untilMs;
  if (silentMs < bearableMs(lastUsable)) return {};
  const because = lastDropped !== undefined && lastDropped.endMs > untilMs ? lastDropped.because : words;
  return { silence: `no usable interval from the metric source for ${seconds(silentMs)}: ${because}` };
}

/** 30 s or three intervals, whichever is longer; and one more, which is being counted just now. */
function bearableMs(last: Stretch | undefined): Ms {
  const lengthMs = last === undefined ? 5_000 : last.endMs - last.startMs;
  return Math.max(30_000, 3 * lengthMs) + lengthMs;
}

/** A source that cannot answer, or that was asked for what it does not have, is silent: it neither fails nor passes anything. */
export async function answerOf<T>(
  ask: () => Promise<readonly T[]>,
): Promise<{ readonly observations: readonly T[]; readonly words?: string }> {
  try {
    return { observations: await ask() };
  } catch (error) {
    if (!(error instanceof Temporary) && !(error instanceof Problem)) throw error;
    return { observations: [], words: error.message };
  }
}

/** In order of time, with gaps of the same length as an interval wherever one is missing. */
function whole(
  fresh: readonly Observation[],
  { untilMs, words }: { untilMs: Ms; words: string },
): readonly Observation[] {
  let endMs = untilMs;
  return [...fresh]
    .sort((a, b) => a.startMs - b.startMs)
    .flatMap((one) => {
      const gaps = gapsBetween(endMs, one, words);
      endMs = Math.max(one.endMs, endMs);
      return [...gaps, one];
    });
}

/** Whole ones only: a bake begins in the middle of an interval, and that one is nobody's. */
function gapsBetween(fromMs: Ms, next: Observation, words: string): readonly Gap[] {
  const lengthMs = next.endMs - next.startMs;
  const missing = lengthMs > 0 ? Math.floor((next.startMs - fromMs) / lengthMs + 0.01) : 0;
  return Array.from({ length: Math.max(0, Math.min(missing, 1000)) }, (_, i) => {
    const startMs = next.startMs - (missing - i) * lengthMs;
    return { startMs, endMs: startMs + lengthMs, missing: words };
  });
}

function seconds(ms: Ms): string {
  return `${Math.round(ms / 1000)} s`;
}
