import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { compareWithBase } from "./git/compare.ts";
import { type Files, Repository } from "./test-repository.ts";

// ui ← web, ui ← docs; api imports ui without saying so; alone has nothing to do with anybody.
const project = (name: string, dependencies: Record<string, string> = {}, more: object = {}) => ({
  name,
  version: "1.0.0",
  scripts: { build: "mkdir -p dist && cp src/* dist/", test: "true", lint: "eslint ." },
  dependencies,
  ...more,
});
const lock = (version: string) => ({
  name: "root",
  lockfileVersion: 3,
  packages: {
    "": { name: "root", workspaces: ["packages/*"] },
    "node_modules/left": { version: "1.0.0", integrity: "sha512-l", dependencies: { deep: "^1.0.0" } },
    "node_modules/deep": { version, integrity: `sha512-${version}` },
    "node_modules/other": { version: "1.0.0", integrity: "sha512-o" },
  },
});
const files: Files = {
  "package.json": { name: "root", private: true, workspaces: ["packages/*"] },
  "package-lock.json": lock("1.0.0"),
  "turbo.json": {
    tasks: {
      build: { dependsOn: ["^build"], outputs: ["dist/**"] },
      test: { dependsOn: ["build"] },
      lint: { inputs: ["src/**", ".eslintrc.json"] },
    },
  },
  "tsconfig.base.json": { compilerOptions: {} },
  ".gitignore": "node_modules\ndist\n.env\n",
  "README.md": "# root\n",
  "packages/ui/package.json": project("ui", { left: "^1.0.0" }),
  "packages/ui/src/index.ts": "export const a = 1;\n",
  "packages/ui/README.md": "# ui\n",
  "packages/web/package.json": project("web", { ui: "*" }),
  "packages/web/src/index.ts": "import { a } from 'ui';\n",
  "packages/web/tsconfig.json": { extends: "../../tsconfig.base.json" },
  "packages/docs/package.json": project("docs", { ui: "*", other: "^1.0.0" }),
  "packages/docs/src/index.ts": "import 'other';\n",
  "packages/api/package.json": project("api"),
  "packages/api/src/index.ts": "import { a } from 'ui';\n",
  "packages/alone/package.json": project("alone"),
  "packages/alone/src/index.ts": "// import 'ui';\nexport {};\n",
};

let made: Repository[] = [];
const repository = (more: Files = {}) => {
  const one = new Repository({ ...files, ...more });
  made.push(one);
  return one;
};
afterEach(() => {
  for (const one of made) one.dispose();
  made = [];
});

type Case = readonly [title: string, change: (r: Repository) => void, affected: string, more?: Files];
const cases: readonly Case[] = [
  ["nothing changed: nothing", () => {}, ""],
  [
    "a source, with its dependents and who imports it undeclared",
    (r) => r.write({ "packages/ui/src/index.ts": "" }),
    "api docs ui web",
  ],
  ["a file that is only touched: nothing", (r) => r.write({ "packages/ui/src/index.ts": "export const a = 1;\n" }), ""],
  ["an executable bit", (r) => chmodSync(join(r.root, "packages/alone/src/index.ts"), 0o755), "alone"],
  ["a README of the root: nobody", (r) => r.write({ "README.md": "x" }), ""],
  [
    "the base tsconfig: who extends it",
    (r) => r.write({ "tsconfig.base.json": { compilerOptions: { strict: true } } }),
    "web",
  ],
  [
    "a tsconfig extended by the base tsconfig",
    (r) => r.write({ "config/strict.json": { compilerOptions: { strict: true } } }),
    "web",
    { "tsconfig.base.json": { extends: "./config/strict.json" }, "config/strict.json": {} },
  ],
  [
    "a transitive registry package: who resolves to it",
    (r) => r.write({ "package-lock.json": lock("1.0.1") }),
    "api docs ui web",
  ],
  ["the lock file reformatted: nobody", (r) => r.write({ "package-lock.json": JSON.stringify(lock("1.0.0")) }), ""],
  [
    "a new workspace glob with its project",
    (r) =>
      r.write({
        "package.json": { name: "root", private: true, workspaces: ["packages/*", "apps/*"] },
        "apps/new/package.json": project("new"),
      }),
    "new",
  ],
  [
    "a workspace glob taken away: who depended on what it held",
    (r) => r.write({ "package.json": { name: "root", private: true, workspaces: ["packages/*", "!packages/ui"] } }),
    "api docs web",
  ],
  [
    "a script of the root: nobody",
    (r) =>
      r.write({ "package.json": { name: "root", private: true, workspaces: ["packages/*"], scripts: { x: "y" } } }),
    "",
  ],
  [
    "overrides of the root: who has the package, and their dependents",
    (r) =>
      r.write({
        "package.json": { name: "root", private: true, workspaces: ["packages/*"], overrides: { left: "2" } },
      }),
    "api docs ui web",
  ],
  [
    "turbo.json reformatted: nobody",
    (r) => r.write({ "turbo.json": JSON.stringify(JSON.parse(r.read("turbo.json"))) }),
    "",
  ],
  [
    "a project renamed: it and who named it",
    (r) => r.write({ "packages/ui/package.json": project("kit", { left: "^1.0.0" }) }),
    "api docs kit web",
  ],
  [
    "a project's directory moved",
    (r) => renameSync(join(r.root, "packages/ui"), join(r.root, "packages/kit")),
    "api docs ui web",
  ],
  ["a project deleted: who depended on it", (r) => r.remove("packages/ui"), "api docs web"],
  [".npmrc: everybody", (r) => r.write({ ".npmrc": "save-exact=true\n" }), "alone api docs ui web"],
  ["an eslint config at the root: everybody", (r) => r.write({ "eslint.config.js": "" }), "alone api docs ui web"],
  [
    "an eslint config at the root, not for a project with its own",
    (r) => r.write({ "eslint.config.js": "x" }),
    "api docs ui web",
    { "eslint.config.js": "", "packages/alone/eslint.config.js": "" },
  ],
  [
    "a config at the root that a project's config imports",
    (r) => r.write({ "tools/shared.mjs": "x" }),
    "alone",
    {
      "tools/shared.mjs": "",
      "tools/base.mjs": "import './shared.mjs';",
      "packages/alone/eslint.config.js": "import '../../tools/base.mjs';",
    },
  ],
  [
    "a script outside that a command names",
    (r) => r.write({ "tools/pack.mjs": "x" }),
    "alone",
    {
      "tools/pack.mjs": "",
      "packages/alone/package.json": project("alone", {}, { scripts: { build: "node ../../tools/pack.mjs" } }),
    },
  ],
  [
    "a relative import into another project",
    (r) => r.write({ "packages/ui/src/index.ts": "x" }),
    "alone api docs ui web",
    { "packages/alone/src/index.ts": "import '../../ui/src/index.ts';" },
  ],
  ["a path with quotes, unicode and a line break", (r) => r.write({ 'packages/alone/src/é "x"\n.ts': "" }), "alone"],
  ["a directory that begins like a project's: nobody", (r) => r.write({ "packages/ui-extra/x.txt": "" }), ""],
  [
    "staged and then undone in the working tree: nobody",
    (r) => {
      r.write({ "packages/ui/src/index.ts": "x" });
      r.git("add", "-A");
      r.write({ "packages/ui/src/index.ts": "export const a = 1;\n" });
    },
    "",
  ],
  [
    "committed and undone without a commit: nobody",
    (r) => {
      r.write({ "packages/ui/src/index.ts": "x" });
      r.commit();
      r.write({ "packages/ui/src/index.ts": "export const a = 1;\n" });
    },
    "",
  ],
  [
    "an edit that git was told not to see",
    (r) => {
      r.git("update-index", "--assume-unchanged", "packages/alone/src/index.ts");
      r.write({ "packages/alone/src/index.ts": "seen" });
    },
    "alone",
  ],
];

for (const [title, change, expected, more] of cases) {
  test(`affected: ${title}`, async () => {
    const r = repository(more);
    await r.affected(); // what is remembered must not lead astray
    change(r);
    expect(await r.affected()).toBe(expected);
    r.commit();
    expect(await r.affected()).toBe(expected);
  });
}

test("with --task only tasks whose declared inputs changed are affected, and those that wait for them", async () => {
  const r = repository();
  r.write({ "packages/ui/README.md": "more" });
  expect(await r.affected("lint")).toBe("");
  expect(await r.affected("build")).toBe("api#build docs#build ui#build web#build");
  r.write({ "packages/web/src/index.ts": "x" });
  expect(await r.affected("lint")).toBe("web#lint");
});

test("the definition of a task affects that task only, everywhere", async () => {
  const r = repository();
  const turbo = JSON.parse(r.read("turbo.json"));
  turbo.tasks.lint.env = ["CI_MODE"];
  r.write({ "turbo.json": turbo });
  expect(await r.affected("build")).toBe("");
  expect((await r.affected("lint")).split(" ")).toHaveLength(5);
});

test("every answer tells its way: file, input, dependents", async () => {
  const r = repository();
  r.write({ "packages/ui/src/index.ts": "x", "package-lock.json": lock("1.0.1") });
  const because = new Map((await r.affectedTasks()).map((a) => [a.project, a.because]));
  expect(because.get("web")).toEqual(["packages/ui/src/index.ts changed", "is an input of ui", "ui is used by web"]);
  r.git("checkout", "-q", "packages/ui");
  const [ui] = (await r.affectedTasks()).filter((a) => a.project === "ui");
  expect(ui?.because).toEqual(["package-lock.json: deep", "is what ui resolves to"]);
});

const told: readonly (readonly [title: string, more: Files, change: Files, of: string, way: readonly string[]])[] = [
  [
    "the pipeline",
    {},
    { "turbo.json": { tasks: { build: {} } } },
    "alone",
    ["turbo.json changed", "says what the tasks of alone do"],
  ],
  [
    "a file that the root's base configuration reads",
    { "config/a b.json": {}, "tsconfig.base.json": { extends: "./config/a b.json" } },
    { "config/a b.json": { compilerOptions: {} } },
    "web",
    ["config/a b.json changed", "is read by web"],
  ],
  ["settings of the root", {}, { ".npmrc": "x=1\n" }, "alone", [".npmrc added", "is read by alone"]],
  [
    "a tool in the root's manifest",
    {},
    { "package.json": { name: "root", private: true, workspaces: ["packages/*"], engines: { node: "22" } } },
    "alone",
    ["package.json changed", "holds settings for alone"],
  ],
  [
    "an override without a lock file's change",
    {},
    { "package.json": { name: "root", private: true, workspaces: ["packages/*"], overrides: { left: "2" } } },
    "web",
    ["package.json changed", "says what ui resolves to", "ui is used by web"],
  ],
  ["a .env", { ".env.test": "" }, { ".env.test": "A=1\n" }, "alone", [".env.test changed", "is an input of alone"]],
  [
    "a project that configuration at the root imports",
    { "eslint.config.js": "import 'docs';" },
    { "packages/ui/src/index.ts": "x" },
    "alone",
    ["packages/ui/src/index.ts changed", "is an input of ui", "ui is used by docs", "docs is read by alone"],
  ],
];

for (const [title, more, change, of, way] of told)
  test(`the way is told from the file on: ${title}`, async () => {
    const r = repository(more);
    r.write(change);
    expect((await r.affectedTasks()).find((a) => a.project === of)?.because).toEqual(way);
  });

test("with --task the way begins at a file that is an input of that task", async () => {
  const r = repository();
  r.write({ "packages/web/README.md": "x", "packages/web/src/index.ts": "x" });
  const [lint] = await r.affectedTasks(["lint"]);
  expect(lint?.because).toEqual(["packages/web/src/index.ts changed", "is an input of web"]);
});

test("a workspace below git's root, and a linked worktree, are as any other", async () => {
  const inner = new Repository({
    "outside.txt": "",
    ...Object.fromEntries(Object.entries(files).map(([p, c]) => [`mono/${p}`, c])),
  });
  made.push(inner);
  const nested = Object.assign(Object.create(Repository.prototype), {
    root: join(inner.root, "mono"),
    env: inner.env,
  }) as Repository;
  inner.write({ "outside.txt": "x", "mono/packages/alone/src/index.ts": "x" });
  expect(await nested.affected()).toBe("alone");

  const r = repository();
  const elsewhere = join(r.root, "..", `${r.root.split("/").at(-1)}-linked`);
  r.git("worktree", "add", "-q", elsewhere);
  const linked = Object.assign(Object.create(Repository.prototype), { root: elsewhere, env: r.env }) as Repository;
  made.push(linked);
  mkdirSync(join(elsewhere, "packages/alone/src"), { recursive: true });
  linked.write({ "packages/alone/src/new.ts": "x" });
  expect(await linked.affected()).toBe("alone");
});

test("the branch's own changes count, not what the base has done since", async () => {
  const r = repository();
  r.git("checkout", "-q", "-b", "topic");
  r.write({ "packages/alone/src/index.ts": "x" });
  r.commit();
  r.git("checkout", "-q", "main");
  r.write({ "packages/docs/src/index.ts": "x" });
  r.commit();
  r.git("checkout", "-q", "topic");
  expect((await r.affectedTasks([], "main")).map((a) => a.project)).toEqual(["alone"]);
  await expect(r.affectedTasks([], "0123456789012345678901234567890123456789")).rejects.toThrow("is not here");
});

test("a shallow clone fetches the base and the history back to it; without an origin it says what to fetch", async () => {
  const r = repository();
  r.write({ "packages/web/src/index.ts": "export {};\n" });
  r.commit();
  r.git("checkout", "-q", "-b", "moved", "base");
  r.write({ "packages/docs/src/index.ts": "export {};\n" });
  r.commit();
  r.git("checkout", "-q", "main");
  const ask = (root: string) => compareWithBase(root, "origin/moved");
  const clone = join(r.root, "../", `${basename(r.root)}-shallow`);
  execFileSync("git", ["clone", "-q", "--depth", "1", "--branch", "main", `file://${r.root}`, clone]);
  try {
    const found = await ask(clone);
    expect("changes" in found && found.changes.map((c) => c.path)).toEqual(["packages/web/src/index.ts"]);
    rmSync(clone, { recursive: true });
    execFileSync("git", ["clone", "-q", "--depth", "1", "--branch", "main", `file://${r.root}`, clone]);
    execFileSync("git", ["-C", clone, "remote", "remove", "origin"]);
    expect(await ask(clone)).toEqual({ noBase: 'the commit "origin/moved" is not here' });
  } finally {
    rmSync(clone, { recursive: true, force: true });
  }
});

test("with two dots the base itself is compared, which may have a history of its own", async () => {
  const r = repository();
  r.git("checkout", "-q", "-b", "aside");
  r.write({ "packages/docs/src/index.ts": "export {};\n" });
  r.commit();
  r.git("checkout", "-q", "main");
  r.write({ "packages/web/src/index.ts": "export {};\n" });
  r.commit();
  const paths = async (base: string) => {
    const found = await compareWithBase(r.root, base);
    return "changes" in found ? found.changes.map((c) => c.path).sort() : found;
  };
  expect(await paths("aside")).toEqual(["packages/web/src/index.ts"]);
  expect(await paths("aside..")).toEqual(["packages/docs/src/index.ts", "packages/web/src/index.ts"]);
  expect(await paths("nowhere..")).toEqual({ noBase: 'the commit "nowhere" is not here' });
});
