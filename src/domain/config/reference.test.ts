import { expect, test } from "vitest";
import { type FrozenConfig, parseConfig } from "./config.ts";
import { configSchema, referencePage, write, writtenTypes } from "./reference.ts";
import type { WrittenConfig } from "./written.ts";

const shape = configSchema();

test("the reference page is made from the schema", async () => {
  await expect(referencePage(shape)).toMatchFileSnapshot("../../../docs/config.md");
});

test("the types that an editor completes are made from the schema", async () => {
  await expect(writtenTypes(shape)).toMatchFileSnapshot("./written.ts");
});

test("what an editor lets through is what the schema's type lets through", () => {
  const written: WrittenConfig = { services: {}, environments: { local: { strategy: "canary" } } };
  const accepted: FrozenConfig = written;
  expect(accepted).toBe(written);
});

interface Place {
  readonly path: string;
  readonly description?: string;
  readonly isFixed: boolean;
}

function places(at: typeof shape, path: string): readonly Place[] {
  const forms = [...(at.anyOf ?? []), ...(at.oneOf ?? []), ...(at.items === undefined ? [] : [at.items])];
  const named = typeof at.additionalProperties === "object" ? [at.additionalProperties] : [];
  const own = Object.entries(at.properties ?? {}).flatMap(([name, value]) => [
    {
      path: `${path}.${name}`,
      isFixed: value.const !== undefined,
      ...(value.description === undefined ? {} : { description: value.description }),
    },
    ...places(value, `${path}.${name}`),
  ]);
  return [...own, ...[...forms, ...named].flatMap((form) => places(form, path))];
}

test("every key says what it is for", () => {
  expect(places(shape, "").filter(({ description }) => description === undefined)).toEqual([]);
});

function exampleless(at: typeof shape, path: string): readonly string[] {
  const below = [...(at.anyOf ?? []), ...(at.oneOf ?? []), at.items, at.additionalProperties].filter(
    (form) => typeof form === "object",
  );
  const own = Object.entries(at.properties ?? {}).flatMap(([name, value]) => [
    ...(value.example === undefined && value.const === undefined ? [`${path}.${name}`] : []),
    ...exampleless(value, `${path}.${name}`),
  ]);
  return [...own, ...below.flatMap((form) => exampleless(form, path))];
}

test("every key has an example", () => {
  expect(exampleless(shape, "")).toEqual([]);
});

test("a configuration of nothing but the examples parses", () => {
  const { services, environments, strategies, jobs, checks } = shape.properties ?? {};
  const parsed = parseConfig({
    workspace: shape.properties?.workspace?.example,
    services: {
      ...(services?.example as object),
      "user-service": { kind: "http", path: "apps/users", build: { bundle: "main.ts" } },
    },
    environments: environments?.example,
    strategies: strategies?.example,
    jobs: jobs?.example,
    checks: checks?.example,
  });
  expect(parsed.ok ? [] : parsed.problems).toEqual([]);
});

/** Each key of one object set to its example, in a config that is right without it. */
function eachExample(at: typeof shape): readonly [string, unknown][] {
  return Object.entries(at.properties ?? {}).map(([name, value]) => [name, value.example]);
}

const serviceShape = shape.properties?.services?.additionalProperties;
const environmentShape = shape.properties?.environments?.additionalProperties;
const others = { "user-service": { kind: "http", path: "apps/users", build: { bundle: "main.ts" } } };
const job = { service: "api", command: "node smoke.js" };

test.each(typeof serviceShape === "object" ? eachExample(serviceShape) : [])(
  "the example of services.<name>.%s parses",
  (name, example) => {
    const parsed = parseConfig({
      services: { api: { kind: "http", path: "apps/api", build: { bundle: "main.ts" }, [name]: example }, ...others },
      environments: { local: {} },
    });
    expect(parsed.ok ? [] : parsed.problems).toEqual([]);
  },
);

test.each(typeof environmentShape === "object" ? eachExample(environmentShape) : [])(
  "the example of environments.<name>.%s parses",
  (name, example) => {
    const parsed = parseConfig({
      services: { api: { kind: "http", path: "apps/api", build: { bundle: "main.ts" } } },
      environments: { staging: {}, production: { [name]: example } },
      jobs: { smoke: job, e2e: job, load: job },
    });
    expect(parsed.ok ? [] : parsed.problems).toEqual([]);
  },
);

test("a value is written as in the file", () => {
  expect(write({ a: [1, "b"], "c-d": {} })).toBe('{ a: [1, "b"], "c-d": {} }');
});
