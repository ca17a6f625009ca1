// The moments of a schedule: five cron fields, in a zone. What happens when clocks are put forward or back is croner's, as
// in Vixie cron: a time that is left out runs right after the gap, a time that comes twice runs once.
import { Cron } from "croner";
import type { Ms } from "../../domain/frame.ts";

export interface When {
  readonly cron: string;
  /** IANA name: "UTC", "Europe/Berlin". */
  readonly zone: string;
}

/** The latest moment after `after` and not after `now`; undefined when there is none. */
export function latestMoment(when: When, { after, now }: { after: Ms; now: Ms }): Ms | undefined {
  // The moment that is now counts: croner looks before its reference.
  const [latest] = read(when).previousRuns(1, new Date(now + 1_000));
  const at = latest?.getTime();
  return at === undefined || at <= after || at > now ? undefined : at;
}

export function nextMoment(when: When, after: Ms): Ms | undefined {
  return read(when).nextRun(new Date(after))?.getTime();
}

/** What is wrong with it, or undefined. */
export function whyNoMoment(when: When): string | undefined {
  try {
    return nextMoment(when, Date.now()) === undefined ? `"${when.cron}" never comes` : undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function read({ cron, zone }: When): Cron {
  return new Cron(cron, { timezone: zone, mode: "5-part" });
}
