import { existsSync, readdirSync } from "node:fs";
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

test("outputs in node_modules are kept where they are declared to be there", async () => {
  const cache = "node_modules/.cache/tool";
  const r = repositoryWith(
    { build: { outputs: [`${cache}/**`] } },
    { build: `mkdir -p ${cache} node_modules/other && echo x > ${cache}/x` },
  );
  await r.run(["build"]);
  r.remove("packages/web/node_modules");
  expect((await r.run(["build"])).outcome("web#build")).toBe("restored");
  expect(r.read(`packages/web/${cache}/x`)).toBe("x\n");
});

test("what turbo.json takes away from outputs stays away, wherever it says so", async () => {
  const r = repositoryWith(
    { build: { outputs: ["!dist/cache/**", "dist/**"] } },
    { build: "mkdir -p dist/cache && touch dist/cache/x dist/y" },
  );
  await r.run(["build"]);
  r.remove("packages/web/dist");
  await r.run(["build"]);
  expect(readdirSync(`${r.root}/packages/web/dist`)).toEqual(["y"]);
});

test("what appears in a place where a task made nothing goes", async () => {
  const r = repositoryWith({ build: { outputs: ["dist/**", "out/**"] } }, { build: scripts.build });
  await r.run(["build"]);
  expect((await r.run(["build"])).outcome("web#build")).toBe("in place");
  r.write({ "packages/web/out/stray": "" });
  await r.run(["build"]);
  expect(existsSync(`${r.root}/packages/web/out`)).toBe(false);
});

test("an output that is too large to be kept is a miss, never a failure", async () => {
  const r = repositoryWith(
    { build: { outputs: ["dist/**"] } },
    { build: "mkdir -p dist && truncate -s 2300M dist/large" },
  );
  const [result] = (await r.run(["build"])).results;
  expect(result?.outcome).toBe("ran");
  expect(result?.note).toMatch(/^not cached: packages\/web\/dist\/large could not be read \(File size/);
});

const within = ["dist/types/**", "dist/types/*.d.ts", "dist/**/*.d.ts", "dist/types/y.d.ts"];
test.each(within.flatMap((glob) => [true, false].map((isAfter) => [glob, isAfter] as const)))(
  "some of what another task makes (%s, after it: %s) comes back with both",
  async (glob, isAfter) => {
    const tasks = { build: { outputs: ["dist/**"] }, types: { outputs: [glob], dependsOn: isAfter ? ["build"] : [] } };
    const made = "mkdir -p dist/types && touch";
    const r = repositoryWith(tasks, { build: `${made} dist/x.js`, types: `${made} dist/types/y.d.ts` });
    await r.run(["build", "types"]);
    for (const isWiped of [true, false]) {
      if (isWiped) r.remove("packages/web/dist");
      expect((await r.run(["build", "types"])).ran).toBe("");
      expect(readdirSync(`${r.root}/packages/web/dist`, { recursive: true }).sort()).toEqual([
        "types",
        "types/y.d.ts",
        "x.js",
      ]);
    }
  },
);
