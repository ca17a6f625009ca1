import { afterEach, expect, test } from "vitest";
import { type Files, Repository } from "../test-repository.ts";

let made: Repository | undefined;
afterEach(() => made?.dispose());
function repositoryWith(tasks: object, scripts: Readonly<Record<string, string>>, more: Files = {}): Repository {
  made = new Repository({
    "package.json": { name: "root", private: true, workspaces: ["packages/*"] },
    "package-lock.json": { name: "root", lockfileVersion: 3, packages: {} },
    "turbo.json": { tasks },
    ".gitignore": "node_modules\ndist\n",
    "packages/web/package.json": { name: "web", scripts },
    "packages/web/src/a.ts": "a",
    ...more,
  });
  return made;
}
const generating = {
  generate: { outputs: ["src/made/**"] },
  build: { dependsOn: ["generate"], outputs: ["dist/**"] },
};
const scripts = {
  generate: "mkdir -p src/made && cp schema src/made/x",
  build: "mkdir -p dist && cp -r src/* dist/",
};

test("an edit of what git has is not missed where an output names it", async () => {
  const r = repositoryWith({ format: { outputs: ["src/**"] } }, { format: "cat src/a.ts" });
  await r.run(["format"]);
  expect((await r.run(["format"])).ran).toBe("");
  r.write({ "packages/web/src/a.ts": "edited" });
  expect((await r.run(["format"])).ran).toBe("web#format");
  expect(r.read("packages/web/src/a.ts")).toBe("edited");
});

test("generated files that git has are right after a change, a change back, and an edit by hand", async () => {
  const r = repositoryWith(generating, scripts, { "packages/web/schema": "1", "packages/web/src/made/x": "1" });
  for (const schema of ["1", "2", "2", "1", "2", "1"]) {
    r.write({ "packages/web/schema": schema });
    await r.run(["build"]);
    expect([r.read("packages/web/src/made/x"), r.read("packages/web/dist/made/x")]).toEqual([schema, schema]);
  }
  r.write({ "packages/web/src/made/x": "by hand" });
  await r.run(["build"]);
  expect([r.read("packages/web/src/made/x"), r.read("packages/web/dist/made/x")]).toEqual(["1", "1"]);
});

test("what a task makes is no source of those after it, though git does not ignore it", async () => {
  const r = repositoryWith(generating, scripts, { "packages/web/schema": "1" });
  expect((await r.run(["build"])).ran).toBe("web#build web#generate");
  expect((await r.run(["build"])).ran).toBe("");
  r.write({ "packages/web/src/made/x": "by hand" });
  r.remove("packages/web/dist");
  await r.run(["build"]);
  expect([r.read("packages/web/src/made/x"), r.read("packages/web/dist/made/x")]).toEqual(["1", "1"]);
});
