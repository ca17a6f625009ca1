// The configuration of a workspace: its schema, its parsed and frozen form, and `parseConfig`, which reports all that
// is wrong at once. Pure: the CLI parses what it evaluated, the server parses the same again before it believes it.
import { z } from "zod";
import { Checks, Job } from "./checks.ts";
import { crossCheck } from "./cross-check.ts";
import { Environment } from "./environment.ts";
import { Pipeline } from "./pipeline.ts";
import { type ConfigProblem, problemsOf } from "./problems.ts";
import { Service } from "./service.ts";
import { Strategy } from "./strategy.ts";
import { key, Name } from "./values.ts";

export const schema = z.strictObject({
  workspace: key(
    z.string().min(1).prefault("workspace"),
    "Name of the workspace; the root package's name unless given.",
    "expense-tracker",
  ),
  services: key(z.record(Name, Service), "What is deployed, by name.", {
    api: { kind: "http", path: "apps/api", build: { bundle: "src/main.ts" } },
  }),
  environments: key(z.record(Name, Environment), "Where it is deployed to, by name.", {
    staging: { port: 8080 },
    production: { after: "staging", strategy: "canary" },
  }),
  strategies: key(z.record(z.string(), Strategy).prefault({}), "Strategies of your own, by name.", {
    careful: { kind: "canary", steps: [{ setWeight: 1 }, { bake: "30m" }, { setWeight: 100 }] },
  }),
  jobs: key(z.record(Name, Job).prefault({}), "Commands that strategies run from a release's own artifacts, by name.", {
    smoke: { service: "api", command: "node smoke.js", within: "2m" },
  }),
  checks: key(Checks.prefault({}), "What every bake holds the new version against; environments may override.", {
    errorRateMax: "2%",
    latency: { p99: "1s" },
  }),
  pipeline: key(
    z.exactOptional(Pipeline),
    "What the tasks of `sluice run` are, over turbo.json, nx.json and package.json. Written in this file itself.",
    { tasks: { test: { services: ["postgres"], retries: 1 } } },
  ),
  history: key(
    z
      .strictObject({
        archiveAfterDays: key(
          z.int().min(1).max(3650).prefault(90),
          "When the facts of a deployment that has ended are packed into one row. They are read as before and never lost; " +
            "the counted intervals of its bakes go. The newest 20 of each environment stay as they are.",
          365,
        ),
        evidenceDays: key(
          z.int().min(1).max(3650).prefault(30),
          "How long the counted intervals that bakes were judged on are kept after a deployment has ended. Verdicts, their numbers and the digest of the evidence stay.",
          90,
        ),
      })
      .prefault({}),
    "How long history is kept at hand; taken over by `sluice up`.",
    { archiveAfterDays: 365 },
  ),
});

type Frozen<T> = T extends object ? { readonly [K in keyof T]: Frozen<T[K]> } : T;

/** Parsed: every default filled in, durations in ms, CPU in millicores, memory in MiB, shares in percent. */
export type Config = Frozen<z.output<typeof schema>>;
/** A parsed config as JSON with every default filled in; parses to the same. What a release carries. */
export type FrozenConfig = Frozen<z.input<typeof schema>>;

export type ServiceConfig = Config["services"][string];
export type EnvironmentConfig = Config["environments"][string];
export type EnvValue = ServiceConfig["env"][string];
export type StrategyConfig = Config["strategies"][string];
export type GateConfig = Extract<StrategyConfig, { kind: "blueGreen" }>["preview"][number];
export type ConditionConfig = NonNullable<EnvironmentConfig["watch"]>["conditions"][number];
export type ExposureConfig = NonNullable<Extract<StrategyConfig, { kind: "canary" }>["exposure"]>;
export type CanaryStepConfig = Extract<StrategyConfig, { kind: "canary" }>["steps"][number];

export type Parsed =
  | { readonly ok: true; readonly config: Config }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] };

export function parseConfig(written: unknown): Parsed {
  const parsed = schema.safeParse(written, { reportInput: true });
  const problems = [...(parsed.success ? [] : problemsOf(parsed.error.issues, schema)), ...crossCheck(written)];
  if (parsed.success && problems.length === 0) return { ok: true, config: deepFreeze(parsed.data) };
  return { ok: false, problems };
}

/** Written out in full, so that a release means the same under a later version's defaults. */
export function freezeConfig(config: Config): FrozenConfig {
  return deepFreeze(z.encode(schema, structuredClone(config) as z.output<typeof schema>));
}

/**
 * What was frozen once, perhaps by an earlier version: it was right when it was written. Keys that are no more are left
 * out; what has come since takes its default.
 */
export function thawConfig(frozen: unknown): Parsed {
  const parsed = schema.safeParse(frozen, { reportInput: true });
  if (parsed.success) return { ok: true, config: deepFreeze(parsed.data) };
  const gone = strangers(parsed.error.issues);
  if (gone.length === 0) return { ok: false, problems: problemsOf(parsed.error.issues, schema) };
  return thawConfig(gone.reduce(without, frozen));
}

type Issues = z.ZodError["issues"];
type Path = readonly PropertyKey[];

/** Paths of keys that are not known; within a union, of the form that has nothing else against it. */
function strangers(issues: Issues, at: Path = []): readonly Path[] {
  return issues.flatMap((issue) => {
    const path = [...at, ...issue.path];
    if (issue.code === "unrecognized_keys") return issue.keys.map((name) => [...path, name]);
    if (issue.code !== "invalid_union") return [];
    const meant = issue.errors.find((form) => form.every(({ code }) => code === "unrecognized_keys"));
    return strangers(meant ?? [], path);
  });
}

function without(value: unknown, [first, ...rest]: Path): unknown {
  if (Array.isArray(value)) return value.map((inner, i) => (i === first ? without(inner, rest) : inner));
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).filter(([name]) => name !== first || rest.length > 0);
  return Object.fromEntries(kept.map(([name, inner]) => [name, name === first ? without(inner, rest) : inner]));
}

function deepFreeze<T>(value: T): Frozen<T> {
  if (typeof value === "object" && value !== null) for (const inner of Object.values(value)) deepFreeze(inner);
  return Object.freeze(value) as Frozen<T>;
}
