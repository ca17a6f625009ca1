import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openStore } from "../cache/store.ts";
import { type Files, Repository } from "../test-repository.ts";
import type { LookBudget } from "./late-edits.ts";

// A task's own command makes the edit, so that it always falls into its run; it comes in a variable that no key holds.
const files: Files = {
  "package.json": { name: "root", private: true, workspaces: ["packages/*"] },
  "package-lock.json": { name: "root", lockfileVersion: 3, packages: {} },
  "turbo.json": {
    globalDependencies: ["global.txt"],
    globalPassThroughEnv: ["IN_UI", "IN_WEB", "IN_GENERATE"],
    tasks: {
      build: { dependsOn: ["^build"], outputs: ["dist/**"] },
      "web#build": {
        dependsOn: ["^build", "generate"],
        inputs: ["$TURBO_DEFAULT$", "ignored/**", "$TURBO_ROOT$/shared/**"],
        outputs: ["dist/**"],
      },
      generate: { cache: false },
    },
  },
  ".gitignore": "node_modules\ndist\n.env*\nignored\n",
  "global.txt": "old",
  "shared/text": "old",
  "tsconfig.base.json": "{}",
  "packages/base/package.json": { name: "base" },
  "packages/base/src/c.ts": "old",
  "packages/ui/package.json": {
    name: "ui",
    scripts: { build: 'mkdir -p dist && cp src/* dist/ && eval "$IN_UI"' },
    dependencies: { base: "*" },
  },
  "packages/ui/src/a.ts": "old",
  "packages/ui/src/z.ts": "old",
  "packages/web/package.json": {
    name: "web",
    scripts: {
      build: 'eval "$IN_WEB" && mkdir -p dist && cat ../ui/dist/a.ts > dist/a',
      generate: 'eval "$IN_GENERATE"',
    },
    dependencies: { ui: "*" },
  },
  "packages/web/tsconfig.json": { extends: "../../tsconfig.base.json" },
  "packages/web/src/b.ts": "old",
};
const untracked: Files = { "packages/web/ignored/x": "old", "packages/web/.env": "old", ".env": "old" };

type Edits = Readonly<{ IN_UI?: string; IN_WEB?: string; IN_GENERATE?: string }>;
let made: Repository | undefined;
afterEach(() => made?.dispose());
function repositoryWith(edits: Edits): Repository {
  made = new Repository(files);
  made.write(untracked);
  Object.assign(made.env, edits);
  return made;
}
const noEdits = { IN_UI: "", IN_WEB: "", IN_GENERATE: "" };

const edited: readonly (readonly [what: string, path: string])[] = [
  ["a source", "packages/web/src/b.ts"],
  ["an ignored file that is declared", "packages/web/ignored/x"],
  ["a file of the root that is declared", "shared/text"],
  ["a global dependency", "global.txt"],
  ["a configuration that its own extends", "tsconfig.base.json"],
  ["its .env", "packages/web/.env"],
  ["the root's .env", ".env"],
  ["the lock file", "package-lock.json"],
  ["a source of what it depends on", "packages/ui/src/a.ts"],
  ["a source of what that depends on, which builds nothing", "packages/base/src/c.ts"],
  ["an output of what it depends on", "packages/ui/dist/a.ts"],
];

const moved: readonly (readonly [what: string, path: string, edit: string])[] = [
  ["a source that appears", "packages/web/src/new.ts", "touch src/new.ts"],
  ["a source that goes", "packages/web/src/b.ts", "rm src/b.ts"],
  ["a .env that appears", "packages/ui/.env", "touch ../ui/.env.local"],
  ["an output that appears in what it depends on", "packages/ui/dist/new", "touch ../ui/dist/new"],
  ["an output that goes from what it depends on", "packages/ui/dist/z.ts", "rm ../ui/dist/z.ts"],
];

const looks: readonly (readonly [when: string, lateLook: LookBudget])[] = [
  ["after each task", { share: 1, leastMs: Number.POSITIVE_INFINITY }],
  ["at the end", { share: 0, leastMs: 0 }],
];
describe.each(looks)("what a task waits for, looked at %s", (_when, lateLook) => {
  const sent: string[] = [];
  const remote = {
    fetch: async () => false,
    refuse() {},
    send: (key: string) => sent.push(key),
    flush: async () => {},
  };
  const build = (r: Repository) => r.run(["build"], { lateLook, remote });
  beforeEach(() => sent.splice(0));

  test.each(edited)("%s edited while a task runs means that its result is not kept", async (_, path) => {
    const r = repositoryWith({ IN_WEB: `cp ../../${path} ../../kept && echo late > ../../${path}` });
    const run = await build(r);
    expect(run.results.find((one) => one.id === "web#build")?.note).toBe(`not cached: ${path} changed while it ran`);
    expect(sent.filter((key) => !openStore(join(r.root, ".sluice/cache")).has(key))).toEqual([]);
    r.write({ [path]: r.read("kept") });
    r.remove("kept");
    Object.assign(r.env, noEdits);
    expect((await build(r)).outcome("web#build")).toBe("ran");
    expect(r.read("packages/web/dist/a").trim()).toBe("old");
  });

  test.each(moved)("%s while a task runs means that its result is not kept", async (_, path, edit) => {
    const r = repositoryWith({ IN_WEB: edit });
    const run = await build(r);
    expect(run.results.find((one) => one.id === "web#build")?.note).toBe(`not cached: ${path} changed while it ran`);
  });

  test("what is made of a result that is not kept is not kept either", async () => {
    const r = repositoryWith({ IN_UI: "echo late > src/a.ts; cp src/a.ts dist/" });
    const run = await build(r);
    expect(run.results.map(({ note }) => note).filter(Boolean)).toEqual([
      "not cached: packages/ui/src/a.ts changed while it ran",
      "not cached: packages/ui/src/a.ts changed while ui#build ran",
    ]);
    r.write({ "packages/ui/src/a.ts": "old" });
    Object.assign(r.env, noEdits);
    expect((await build(r)).ran).toBe("ui#build web#build web#generate");
    expect(r.read("packages/web/dist/a").trim()).toBe("old");
  });

  test("nor where the task between is never cached itself", async () => {
    const r = repositoryWith({ IN_GENERATE: "echo late > src/b.ts" });
    const run = await build(r);
    expect(run.results.find((one) => one.id === "web#build")?.note).toBe(
      "not cached: packages/web/src/b.ts changed while web#generate ran",
    );
  });

  test("what is written anew with the same content changed nothing", async () => {
    const again = ["src/b.ts", "../../shared/text", "../ui/dist/a.ts"].map((path) => `cp ${path} t && mv t ${path}`);
    const r = repositoryWith({ IN_WEB: again.join(" && ") });
    await build(r);
    expect((await build(r)).ran).toBe("web#generate");
  });
});
