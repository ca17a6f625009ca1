// What the schema cannot see: names that must exist, cycles, things that do not go together. It reads the written
// config loosely, so that these problems are reported together with those of form.
import { hostQueries } from "../check.ts";
import { Loose, mendFor } from "./loose.ts";
import { probesAskOneThing } from "./probe-check.ts";
import type { ConfigProblem } from "./problems.ts";
import { bakesAreOrdered, jobsExist, previewsCanBeSeen, strategiesExist, weightsRise } from "./step-checks.ts";

type Check = (config: Loose) => readonly ConfigProblem[];

export function crossCheck(written: unknown): readonly ConfigProblem[] {
  const config = new Loose(written, []);
  return checks.flatMap((check) => check(config));
}

const checks: readonly Check[] = [
  somethingToDeploy,
  servicesAreWhole,
  probesAskOneThing,
  dependenciesExist,
  valuesComeFromSomewhere,
  strategiesExist,
  jobsExist,
  previewsCanBeSeen,
  weightsRise,
  environmentsFollow,
  overridesMeanAService,
  boundsAreOrdered,
  ingressIsUnique,
  hostNumbersExist,
  sourcesExist,
  bakesAreOrdered,
  certificatesHaveADomain,
];

const backingKinds = ["postgres", "redis"];

function somethingToDeploy(config: Loose): readonly ConfigProblem[] {
  return ["services", "environments"]
    .map((name) => config.at(name))
    .filter((group) => group.isObject && group.entries.length === 0)
    .map((group) =>
      group.problem(
        "is empty",
        `Name at least one: ${group.name}: { ${group.name === "services" ? "api" : "local"}: { … } }`,
      ),
    );
}

function servicesAreWhole(config: Loose): readonly ConfigProblem[] {
  return config.at("services").entries.flatMap((service) => {
    const kind = service.at("kind").value;
    const [start, build, ingress] = [service.at("start"), service.at("build"), service.at("ingress")];
    const isBundle = build.at("bundle").value !== undefined;
    const isImage = [build.at("image"), build.at("layout")].some(({ value }) => value !== undefined);
    const isCommand = build.at("command").value !== undefined && !isImage;
    return [
      ...(kind === "static" && start.value !== undefined
        ? [start.problem("a static site is not started", 'Take start away, or make it kind: "http"')]
        : []),
      ...(kind === "static" && (isBundle || isImage)
        ? [
            build.problem(
              `a static site is a folder of files, not ${isImage ? "an image" : "a bundle"}`,
              'Write build: { command: "npm run build", output: "dist" }',
            ),
          ]
        : []),
      ...(kind !== "static" && kind !== undefined && isCommand && start.value === undefined
        ? [
            start.problem(
              "is missing: Sluice cannot guess how to start what a command built",
              'Add start: "node main.js"',
            ),
          ]
        : []),
      ...(kind === "worker"
        ? [ingress, service.at("traffic"), service.at("openapi")]
            .filter((key) => key.value !== undefined)
            .map((key) => key.problem("a worker answers no requests", `Take ${key.name} away, or make it kind: "http"`))
        : []),
    ];
  });
}

function dependenciesExist(config: Loose): readonly ConfigProblem[] {
  const services = config.at("services");
  const missing = services.entries.flatMap((service) =>
    service.at("dependsOn").items.flatMap((item) => item.mustName(services.keys, "a service")),
  );
  const edges = (name: string) => services.at(name).at("dependsOn").strings;
  return [...missing, ...cyclesAmong(services, edges, "dependsOn")];
}

/** One problem for each cycle, at the first service in it. */
function cyclesAmong(group: Loose, next: (name: string) => readonly string[], field: string): readonly ConfigProblem[] {
  const found = new Map<string, readonly string[]>();
  const done = new Set<string>();
  const walk = (name: string, trail: readonly string[]) => {
    const start = trail.indexOf(name);
    if (start >= 0) {
      const cycle = trail.slice(start);
      found.set(cycle.toSorted().join(), cycle);
    } else if (!done.has(name)) {
      for (const other of next(name)) walk(other, [...trail, name]);
      done.add(name);
    }
  };
  for (const name of group.keys) walk(name, []);
  return [...found.values()].map((cycle) => {
    const [first = ""] = cycle;
    const round = [...cycle, first].join(" → ");
    return group
      .at(first)
      .at(field)
      .problem(`a cycle: ${round}`, "Take one of these away; none of them could move first");
  });
}

function valuesComeFromSomewhere(config: Loose): readonly ConfigProblem[] {
  const services = config.at("services").keys;
  const environments = config.at("environments").entries;
  const known = [...services, ...backingKinds];
  const everywhere = config.at("services").entries.flatMap((service) => service.at("env").entries);
  const here = environments.flatMap((environment) => [
    ...environment.at("env").entries,
    ...environment.at("services").entries.flatMap((service) => service.at("env").entries),
  ]);
  const named = [...everywhere, ...here].flatMap((value) =>
    value.at("from").mustName(known, "a service or a backing service"),
  );
  const absent = environments.flatMap((environment) =>
    backingKinds
      .filter((kind) => everywhere.some((value) => value.at("from").value === kind))
      .map((kind) => environment.at("backing").at(kind))
      .filter((backing) => backing.value === undefined)
      .map((backing) =>
        backing.problem(
          `is missing: a service takes a value from "${backing.name}"`,
          `Add backing: { ${backing.name}: {} }`,
        ),
      ),
  );
  return [...named, ...absent];
}

function environmentsFollow(config: Loose): readonly ConfigProblem[] {
  const environments = config.at("environments");
  const missing = environments.entries.flatMap((environment) =>
    environment.at("after").mustName(environments.keys, "an environment"),
  );
  const edges = (name: string) =>
    [environments.at(name).at("after").value].filter((after) => typeof after === "string");
  return [...missing, ...cyclesAmong(environments, edges, "after")];
}

function overridesMeanAService(config: Loose): readonly ConfigProblem[] {
  const known = config.at("services").keys;
  return config
    .at("environments")
    .entries.flatMap((environment) => environment.at("services").entries)
    .filter((override) => !known.includes(override.name))
    .map((override) => override.problem(`"${override.name}" is not a service`, mendFor(override.name, known)));
}

function boundsAreOrdered(config: Loose): readonly ConfigProblem[] {
  const overrides = config.at("environments").entries.flatMap((environment) => environment.at("services").entries);
  return [...config.at("services").entries, ...overrides].flatMap((service) => {
    const scaling = service.at("autoscaling");
    const [min, max] = [scaling.at("min").value, scaling.at("max").value];
    if (typeof min !== "number" || typeof max !== "number" || min <= max) return [];
    return [scaling.problem(`min ${min} is above max ${max}`, "Exchange them")];
  });
}

function ingressIsUnique(config: Loose): readonly ConfigProblem[] {
  const seen = new Map<string, string>();
  return config.at("services").entries.flatMap((service) => {
    const ingress = service.at("ingress");
    if (!ingress.isObject) return [];
    const place = `${ingress.at("host").value ?? ""}${ingress.at("path").value ?? "/"}`;
    const other = seen.get(place);
    seen.set(place, service.name);
    return other === undefined
      ? []
      : [ingress.problem(`"${other}" already stands at ${place}`, "Give one of them another path or host")];
  });
}

/** The host has a few numbers of its own; what another source has only it can say. */
function hostNumbersExist(config: Loose): readonly ConfigProblem[] {
  const checks = [config, ...config.at("environments").entries].map((place) => place.at("checks"));
  return checks
    .flatMap((place) => place.at("metrics").entries)
    .filter((metric) => (metric.at("source").value ?? "host") === "host")
    .flatMap((metric) => metric.at("query").mustName(hostQueries, "a number of the host"));
}

/** An environment that is judged by a Prometheus, or asks one, names it. */
function sourcesExist(config: Loose): readonly ConfigProblem[] {
  const everywhere = config.at("checks").at("metrics").entries;
  return config.at("environments").entries.flatMap((environment) => {
    const metrics = environment.at("metrics");
    const asking = [...everywhere, ...environment.at("checks").at("metrics").entries];
    const isWanted = [metrics, ...asking].some((one) => one.at("source").value === "prometheus");
    const unknown = asking
      .map((check) => check.at("source"))
      .filter(({ value }) => value !== undefined && !["host", "prometheus"].includes(String(value)))
      .map((source) => source.problem("is no source that has numbers", 'Use "host" or "prometheus"'));
    if (!isWanted || metrics.at("prometheus").value !== undefined) return unknown;
    const mend = 'Add metrics: { prometheus: { url: "http://…" } }';
    return [...unknown, metrics.at("prometheus").problem("is missing: it is named as a source", mend)];
  });
}

function certificatesHaveADomain(config: Loose): readonly ConfigProblem[] {
  return config.at("environments").entries.flatMap((environment) => {
    const [tls, acme] = [environment.at("entry").at("tls"), environment.at("entry").at("acme")];
    const given = [tls, acme].filter(({ value }) => value !== undefined);
    if (given.length === 2)
      return [acme.problem("stands beside tls", "Take one away: files of yours, or an authority's")];
    if (given.length === 0 || environment.at("domain").value !== undefined) return [];
    const mend = 'Add domain: "shop.example" to the environment';
    return given.map((one) => one.problem("nobody knows under which name to ask", mend));
  });
}
