// The faults that `sluice simulate` takes, as people write them: [SERVICE:]KIND[=VALUE][@WHEN], and ready-made weathers.

import { oneOf } from "../domain/config/nearest.ts";
import { duration } from "../domain/config/units.ts";
import type { Ms } from "../domain/frame.ts";
import { Problem } from "../domain/problem.ts";
import type { Behaviour } from "../simulation/sim-target.ts";
import type { Scenario } from "../simulation/simulate.ts";

/** What happens to the candidates (or the stable sides) of the services that a fault names, or of all. */
export interface Trouble {
  readonly service?: string;
  readonly candidate?: Behaviour;
  readonly stable?: Behaviour;
  readonly world?: Partial<Scenario>;
  /** A job that fails. */
  readonly job?: string;
}

export const weathers: Readonly<Record<string, readonly string[]>> = {
  calm: [],
  "never-ready": ["never-ready"],
  "crash-loop": ["crash@30s"],
  "bad-at-once": ["errors=30%"],
  "bad-later": ["errors=30%@5m"],
  "slow-later": ["latency=2s@5m"],
  "slow-router": ["router-lag=900ms"],
  "metrics-down": ["metrics-down@1m..10m"],
  incident: ["incident=30%@2m..5m"],
};

export function troubleOf(text: string): Trouble {
  const [, service, kind = "", value, when] =
    /^(?:([a-z][a-z0-9-]*):)?([a-z-]+)(?:=([^@]+))?(?:@(.+))?$/.exec(text) ?? [];
  const make = kinds[kind];
  if (make === undefined) {
    throw new Problem(
      `"${text}" is no fault that can be simulated`,
      `Write one of ${oneOf(Object.keys(kinds))}, as in "api:errors=3%@10m"; see sluice simulate --help`,
    );
  }
  return { ...(service === undefined ? {} : { service }), ...make({ text, value, when }) };
}

interface Said {
  readonly text: string;
  readonly value: string | undefined;
  readonly when: string | undefined;
}

const kinds: Readonly<Record<string, (said: Said) => Trouble>> = {
  "never-ready": () => ({ candidate: { neverReady: true } }),
  crash: (said) => ({ candidate: { crashesAfterMs: after(said, "2s") } }),
  errors: (said) => ({ candidate: { errors: { share: share(said.text, said.value), afterMs: after(said) } } }),
  latency: (said) => ({ candidate: { slows: { latencyMs: span(said.text, said.value), afterMs: after(said) } } }),
  "job-fails": ({ text, value }) => ({ job: given(text, value) }),
  "router-lag": ({ text, value }) => ({ world: { routerLagMs: span(text, value) } }),
  "stable-away": (said) => ({ stable: { awayBetween: between(said) } }),
  "metrics-down": (said) => ({ world: { metricsDownBetween: between(said) } }),
  incident: (said) => ({ world: { incident: { share: share(said.text, said.value), between: between(said) } } }),
  abort: ({ text, when }) => ({
    world: { said: [{ atMs: span(text, when), fact: { kind: "abort asked", by: "somebody", reason: "simulated" } }] },
  }),
  pause: (said) => {
    const [from, to] = between(said);
    return {
      world: {
        said: [
          { atMs: from, fact: { kind: "paused", by: "somebody" } },
          { atMs: to, fact: { kind: "unpaused", by: "somebody" } },
        ],
      },
    };
  },
};

function given(text: string, value: string | undefined): string {
  if (value !== undefined) return value;
  throw new Problem(`"${text}" lacks its value`, "See sluice simulate --help");
}

export function span(text: string, written: string | undefined): Ms {
  const ms = duration.read(given(text, written));
  if (ms !== undefined) return ms;
  throw new Problem(`"${written}" in "${text}" is not ${duration.name}`, duration.mend);
}

/** "3%", or 0.03. */
export function share(text: string, written: string | undefined): number {
  const said = given(text, written);
  const value = said.endsWith("%") ? Number(said.slice(0, -1)) / 100 : Number(said);
  if (value >= 0 && value <= 1) return value;
  throw new Problem(`"${written}" in "${text}" is not a share of requests`, 'Write "3%" or "0.03"');
}

function after({ text, when }: Said, usual = "0s"): Ms {
  return span(text, when ?? usual);
}

function between({ text, when }: Said): readonly [Ms, Ms] {
  const [from, to] = given(text, when).split("..");
  return [span(text, from), span(text, to)];
}
