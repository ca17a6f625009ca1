// What the schema cannot see of strategies: their names, their steps and the jobs in them. See cross-check.ts.
import type { Loose } from "./loose.ts";
import type { ConfigProblem } from "./problems.ts";
import { strategyKinds } from "./strategy.ts";
import { duration } from "./units.ts";

export function strategiesExist(config: Loose): readonly ConfigProblem[] {
  const known = [...config.at("strategies").keys, ...strategyKinds];
  return config
    .at("environments")
    .entries.flatMap((environment) => environment.at("strategy").mustName(known, "a strategy"));
}

/** Batches and restarts have no side that stands ready before its traffic: a job there would never run. */
export function previewsCanBeSeen(config: Loose): readonly ConfigProblem[] {
  return config.at("environments").entries.flatMap((environment) => {
    const preview = environment.at("jobs").at("preview");
    const written = environment.at("strategy");
    const named = typeof written.value === "string" ? config.at("strategies").at(written.value) : written;
    const kind = named.at("kind").value ?? written.value ?? "rolling";
    const isUnseen = kind === "rolling" || kind === "recreate";
    if (preview.items.length === 0 || !isUnseen) return [];
    return [
      preview.problem(
        `never runs: strategy ${kind} has no preview`,
        'Use jobs.after, or strategy "blueGreen" or "canary"',
      ),
    ];
  });
}

export function jobsExist(config: Loose): readonly ConfigProblem[] {
  const [services, jobs] = [config.at("services"), config.at("jobs")];
  const chosen = config
    .at("environments")
    .entries.flatMap((environment) => environment.at("jobs").entries.flatMap((when) => when.items));
  const named = [...stepsOf(config).map((step) => step.at("job")), ...chosen];
  const runnable = services.keys.filter((name) => services.at(name).at("kind").value !== "static");
  return [
    ...named.flatMap((job) => job.mustName(jobs.keys, "a job")),
    ...jobs.entries.flatMap((job) => job.at("service").mustName(runnable, "a service that runs")),
    ...jobs.entries.flatMap((job) =>
      job.at("environments").items.flatMap((one) => one.mustName(config.at("environments").keys, "an environment")),
    ),
  ];
}

export function weightsRise(config: Loose): readonly ConfigProblem[] {
  const written = config.at("environments").entries.map((environment) => environment.at("strategy"));
  return [...config.at("strategies").entries, ...written].flatMap((strategy) => {
    const weights = strategy.at("steps").items.map((step) => step.at("setWeight"));
    return [...fallsIn(weights), ...fallsIn(strategy.at("switchShares").items)];
  });
}

export function bakesAreOrdered(config: Loose): readonly ConfigProblem[] {
  return stepsOf(config).flatMap((step) => {
    const bake = step.at("bake");
    const [min, max] = [bake.at("min").value, bake.at("max").value].map((text) =>
      typeof text === "string" ? duration.read(text) : undefined,
    );
    if (min === undefined || max === undefined || min <= max) return [];
    return [bake.problem(`min ${bake.at("min").value} is above max ${bake.at("max").value}`, "Exchange them")];
  });
}

function stepsOf(config: Loose): readonly Loose[] {
  const written = config.at("environments").entries.map((environment) => environment.at("strategy"));
  const strategies = [...config.at("strategies").entries, ...written];
  return strategies.flatMap((strategy) =>
    ["steps", "preview", "afterSwitch"].flatMap((list) => strategy.at(list).items),
  );
}

function fallsIn(weights: readonly Loose[]): readonly ConfigProblem[] {
  const given = weights.filter((weight) => weight.value !== undefined);
  return given.flatMap((weight, i) => {
    const [before, now] = [Number.parseFloat(String(given[i - 1]?.value)), Number.parseFloat(String(weight.value))];
    return now < before
      ? [weight.problem(`goes down, from ${before} to ${now}`, "Let weights rise; going back is the engine's work")]
      : [];
  });
}
