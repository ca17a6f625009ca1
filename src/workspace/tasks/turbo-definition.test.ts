import { expect, test } from "vitest";
import { readProject } from "../graph/manifest.ts";
import { definitionOf } from "./turbo-definition.ts";

// What Turborepo 2.11 resolves for the same files.
const turbo = { tasks: { build: { dependsOn: ["^build"], outputs: ["dist/**"], env: ["A"] }, lint: {} } };
const project = (name: string, own?: object) =>
  readProject(`packages/${name}`, {
    manifest: JSON.stringify({ name }),
    ...(own ? { turbo: JSON.stringify({ extends: ["//"], ...own }) } : {}),
  });
const projects = [
  project("a", { tasks: { build: { outputs: ["lib/**"], env: ["$TURBO_EXTENDS$", "B"] } } }),
  project("b", {
    extends: ["//", "a"],
    tasks: { build: { inputs: ["src/**"], outputs: ["$TURBO_EXTENDS$", "x/**"] } },
  }),
  project("c", { tasks: { lint: { extends: false }, build: { extends: false, cache: false } } }),
  project("d", { extends: ["//", "e"] }),
  project("e", { extends: ["//", "d"], tasks: { build: { env: [] } } }),
];
const of = (name: string, task: string) => {
  const one = projects.find((p) => p.name === name);
  return one && definitionOf({ turbo, projects }, one, task);
};

test("a package's own file lies over the root's table, a list is replaced unless it extends", () => {
  expect(of("a", "build")).toEqual({ dependsOn: ["^build"], outputs: ["lib/**"], env: ["A", "B"] });
});

test("what another package configures lies between", () => {
  const outputs = ["lib/**", "x/**"];
  expect(of("b", "build")).toEqual({ dependsOn: ["^build"], inputs: ["src/**"], outputs, env: ["A", "B"] });
});

test("a task that extends nothing is what it says, or is none", () => {
  expect([of("c", "build"), of("c", "lint")]).toEqual([{ cache: false }, undefined]);
});

test("files that extend each other in a circle are each read once", () => {
  expect(of("d", "build")?.env).toEqual([]);
});
