// What `sluice simulate` does: plans a release of this configuration over one that stands, and plays it on a virtual clock.
import type { Outcome } from "../domain/event.ts";
import { environmentNamed, intentFor } from "../domain/intent.ts";
import { type Intent, plan, type Standing } from "../domain/plan.ts";
import { Problem } from "../domain/problem.ts";
import { type Forecast, forecast } from "../simulation/forecast.ts";
import type { Behaviour } from "../simulation/sim-target.ts";
import type { Scenario } from "../simulation/simulate.ts";
import { loadConfig } from "../workspace/config-file.ts";
import type { Exit } from "./exit.ts";
import { share, span, type Trouble, troubleOf, weathers } from "./faults.ts";
import { forecastLines } from "./print/forecast.ts";
import type { Context } from "./verb.ts";

export interface SimulateWishes {
  readonly environment: string;
  readonly only?: string;
  readonly first?: boolean;
  readonly fault?: readonly string[];
  readonly weather?: string;
  readonly rps: string;
  readonly errorRate: string;
  readonly latency: string;
  readonly approveAfter: string;
  readonly seed?: string;
  readonly expect?: string;
}

export async function runSimulation(context: Context, wishes: SimulateWishes): Promise<Exit> {
  const { screen, cwd } = context;
  refuseUnknown(wishes.expect);
  const { config } = await loadConfig(cwd);
  environmentNamed(config, wishes.environment);
  const names = servicesOf(Object.keys(config.services), wishes.only);
  const revisions = Object.fromEntries(names.map((name) => [name, `${name}-new`]));
  const stands = wishes.first === true ? {} : Object.fromEntries(names.map((name) => [name, `${name}-old`]));
  const intent = intentFor({ config, environment: wishes.environment, revisions, publicUrl: "http://simulated" });
  const scenario = scenarioOf(intent, stands, wishes);
  const startedAt = performance.now();
  const seed = wishes.seed === undefined ? {} : { seed: whole("--seed", wishes.seed) };
  const found = await forecast({ scenario, ...seed });
  const tookMs = Math.round(performance.now() - startedAt);
  screen.say(...forecastLines(found, { ...screen, tookMs, environment: wishes.environment }));
  screen.answer({ ...found, plan: plan(intent, stands), tookMs });
  return verdictOn(found, wishes.expect);
}

const outcomes: Readonly<Record<Outcome, true>> = {
  succeeded: true,
  "rolled back": true,
  aborted: true,
  superseded: true,
  failed: true,
  stuck: true,
};

function refuseUnknown(expected: string | undefined): void {
  if (expected === undefined || expected in outcomes) return;
  throw new Problem(`"${expected}" is no outcome`, `Write one of ${Object.keys(outcomes).join(", ")}`);
}

function verdictOn(found: Forecast, expected: string | undefined): Exit {
  if (found.violations.length > 0) return "failed";
  return expected === undefined || expected === found.outcome ? "ok" : "failed";
}

function servicesOf(all: readonly string[], only: string | undefined): readonly string[] {
  const names = only?.split(",") ?? all;
  const unknown = names.filter((name) => !all.includes(name));
  if (unknown.length === 0) return names;
  throw new Problem(`There is no service ${unknown.join(", ")}`, `sluice.config.ts names ${all.join(", ")}`);
}

function scenarioOf(intent: Intent, stands: Standing, wishes: SimulateWishes): Scenario {
  const written = [...weatherOf(wishes.weather), ...(wishes.fault ?? [])];
  const troubles = written.map(troubleOf);
  const usual: Behaviour = {
    errors: { share: share("--error-rate", wishes.errorRate), afterMs: 0 },
    latencyMs: span("--latency", wishes.latency),
  };
  const worlds = troubles.flatMap(({ world }) => (world === undefined ? [] : [world]));
  const jobs = troubles.flatMap(({ job }) => (job === undefined ? [] : [[job, failed] as const]));
  const said = [...worlds.flatMap((world) => world.said ?? []), ...approvals(intent, stands, wishes)];
  return {
    intent,
    stands,
    requestsPerSecond: whole("--rps", wishes.rps),
    ...Object.assign({}, ...worlds),
    behaviours: behavioursOf(intent, { usual, troubles }),
    jobs: Object.fromEntries(jobs),
    said,
    endsWithinMs: 30 * 86_400_000,
  };
}

const failed = { state: "failed", because: "simulated" } as const;

function behavioursOf(
  { services }: Intent,
  { usual, troubles }: { readonly usual: Behaviour; readonly troubles: readonly Trouble[] },
): Readonly<Record<string, Behaviour>> {
  const named = troubles.find(({ service }) => service !== undefined && services[service] === undefined);
  if (named !== undefined)
    throw new Problem(`${named.service} is not simulated`, `Name one of ${Object.keys(services).join(", ")}`);
  const sides = Object.keys(services).flatMap((name) => {
    const own = troubles.filter(({ service }) => service === undefined || service === name);
    const candidate = Object.assign({ ...usual }, ...own.map((trouble) => trouble.candidate ?? {}));
    const stable = Object.assign({ ...usual }, ...own.map((trouble) => trouble.stable ?? {}));
    return [
      [`${name}-new`, candidate],
      [`${name}-old`, stable],
    ] as const;
  });
  return Object.fromEntries(sides);
}

/** People say yes so long after the request, or as soon as they are asked when that is later. */
function approvals(intent: Intent, stands: Standing, { approveAfter }: SimulateWishes): NonNullable<Scenario["said"]> {
  const atMs = span("--approve-after", approveAfter);
  return plan(intent, stands).nodes.flatMap((node) =>
    node.steps.flatMap((step, index) => {
      if (step.kind !== "approve") return [];
      const { quorum, roles } = step.policy;
      return Array.from({ length: quorum }, (_, i) => ({
        atMs,
        fact: { kind: "approved", node: node.id, step: index, by: `person ${i + 1}`, roles } as const,
      }));
    }),
  );
}

function weatherOf(name: string | undefined): readonly string[] {
  if (name === undefined) return [];
  const faults = weathers[name];
  if (faults !== undefined) return faults;
  throw new Problem(`There is no weather "${name}"`, `Name one of ${Object.keys(weathers).join(", ")}`);
}

function whole(option: string, text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 0) return value;
  throw new Problem(`${option} ${text} is not a whole number`, `Write ${option} 100`);
}
