// Turns what PostgreSQL prints when it cannot start into one sentence and what to do about it.
import { Problem } from "../../../domain/problem.ts";
import type { Place } from "./place.ts";

export function whyNot(printed: string, place: Place): Problem {
  const reason = reasons.find(({ sign }) => sign.test(printed));
  if (reason !== undefined) return new Problem(reason.so(place), reason.mend(place));
  const last = printed.trim().split("\n").slice(-3).join(" / ") || "it printed nothing";
  return new Problem(
    `the embedded PostgreSQL in ${place.own} does not start: ${last}`,
    `Read ${place.own}/server.log, or set DATABASE_URL to a PostgreSQL of yours`,
  );
}

interface Reason {
  readonly sign: RegExp;
  readonly so: (place: Place) => string;
  readonly mend: (place: Place) => string;
}

const reasons: readonly Reason[] = [
  {
    sign: /No space left on device|ENOSPC/,
    so: ({ cluster }) => `no space is left on the disk that holds ${cluster}`,
    mend: () => "Free some space there and start again: nothing that was recorded is lost",
  },
  {
    sign: /database files are incompatible with server|not compatible with this version/,
    so: ({ cluster }) => `${cluster} was made by another major version of PostgreSQL than the one Sluice brings`,
    mend: () => "Start it with the Sluice that made it, or move its contents with pg_dump and set DATABASE_URL",
  },
  {
    sign: /ENOENT|cannot execute|not found/,
    so: () => "the embedded PostgreSQL does not run on this system (it needs glibc on Linux)",
    mend: () => "Set DATABASE_URL to a PostgreSQL of yours",
  },
  {
    sign: /Permission denied|EACCES/,
    so: ({ cluster }) => `the embedded PostgreSQL may not use ${cluster}`,
    mend: ({ own }) => `Give ${own} to the user that runs Sluice, or choose another data folder`,
  },
];
