// Kinds of change that repositories of the field make, each with a known answer; and whatever `affected` says of a task is
// what a run would do: exactly the tasks whose key is another have to be named.
import { chmodSync, renameSync, symlinkSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { allProjects, taskGraph } from "./tasks/graph.ts";
import { keysOf } from "./tasks/keys.ts";
import { PartsOf } from "./tasks/parts.ts";
import { type Files, Repository } from "./test-repository.ts";

let made: Repository[] = [];
afterEach(() => {
  for (const one of made) one.dispose();
  made = [];
});

const scripts = { build: "cp -r src dist", lint: "eslint .", test: "vitest run" };
const project = (name: string, more: object = {}) => ({ name, version: "1.0.0", scripts, ...more });
const turbo = {
  tasks: { build: { dependsOn: ["^build"], outputs: ["dist/**"] }, lint: {}, test: { dependsOn: ["^build"] } },
};
// a, b and c have nothing to do with each other unless a case says so.
const base: Files = {
  "package.json": { name: "root", private: true, workspaces: ["packages/*"] },
  "turbo.json": turbo,
  ".gitignore": "node_modules\ndist\n",
  "packages/a/package.json": project("a"),
  "packages/a/src/index.ts": "export const a = 1;\n",
  "packages/b/package.json": project("b"),
  "packages/b/src/index.ts": "export const b = 1;\n",
  "packages/c/package.json": project("c"),
  "packages/c/src/index.ts": "export const c = 1;\n",
};
const root = (more: object) => ({ name: "root", private: true, workspaces: ["packages/*"], ...more });

const npmLock = (packages: object) => ({ lockfileVersion: 3, packages });
const pnpmLock = (version: string, more = "") => `lockfileVersion: '9.0'
catalogs:
  default:
    left: { specifier: ^1.0.0, version: ${version} }
importers:
  .: {}
  packages/a: { dependencies: { left: { specifier: 'catalog:', version: ${version} } } }
  packages/b: { dependencies: { left: { specifier: ^1.0.0, version: 1.0.0 } } }
  packages/c: {}
packages:
  left@1.0.0: { resolution: { integrity: sha512-1 } }
  left@1.1.0: { resolution: { integrity: sha512-2 } }
${more}snapshots:
  left@1.0.0: {}
  left@1.1.0: {}
`;
const pnpm: Files = {
  "package.json": { name: "root", private: true },
  "pnpm-workspace.yaml": "packages: ['packages/*']\ncatalog:\n  left: ^1.0.0\n",
  "pnpm-lock.yaml": pnpmLock("1.0.0"),
  "packages/a/package.json": project("a", { dependencies: { left: "catalog:" } }),
  "packages/b/package.json": project("b", { dependencies: { left: "^1.0.0" } }),
};
const berryLock = (version: string) => `__metadata:
  version: 8

"left@npm:^1.0.0":
  version: ${version}
  resolution: "left@npm:${version}"
  checksum: ${version}

"right@npm:2.0.0":
  version: 2.0.0
  resolution: "right@npm:2.0.0"
  checksum: r
`;

const absent = "absent";
const nx = (settings: object): Files => ({ "turbo.json": absent, "nx.json": settings });
const touchA = (r: Repository) => r.write({ "packages/a/src/index.ts": "" });
const inB = (text: string, name = "index.ts"): Files => ({ [`packages/b/src/${name}`]: text });

/** a has the patched left of ^1.0.0, c the other. */
const patched: Files = {
  "yarn.lock": `__metadata:
  version: 8

"left@npm:1.0.0":
  version: 1.0.0
  resolution: "left@npm:1.0.0"

"left@npm:^2.0.0":
  version: 2.0.0
  resolution: "left@npm:2.0.0"

"left@patch:left@npm%3A1.0.0#~/.yarn/patches/left-npm-1.0.0-abc.patch":
  version: 1.0.0
  resolution: "left@patch:left@npm%3A1.0.0#~/.yarn/patches/left-npm-1.0.0-abc.patch::version=1.0.0&hash=1"
`,
  ".yarn/patches/left-npm-1.0.0-abc.patch": "1",
  "package.json": root({
    resolutions: { "left@npm:^1.0.0": "patch:left@npm%3A1.0.0#~/.yarn/patches/left-npm-1.0.0-abc.patch" },
  }),
  "packages/a/package.json": project("a", { dependencies: { left: "^1.0.0" } }),
  "packages/c/package.json": project("c", { dependencies: { left: "^2.0.0" } }),
};

type Case = readonly [title: string, more: Files, change: (r: Repository) => void, affected: string];
const cases: readonly Case[] = [
  [
    "a pnpm catalog's entry, with its lock file: who uses the catalog",
    pnpm,
    (r) =>
      r.write({
        "pnpm-workspace.yaml": "packages: ['packages/*']\ncatalog:\n  left: ^1.1.0\n",
        "pnpm-lock.yaml": pnpmLock("1.1.0").replace(
          "specifier: ^1.0.0, version: 1.1.0",
          "specifier: ^1.1.0, version: 1.1.0",
        ),
      }),
    "a",
  ],
  [
    "a pnpm catalog's entry, the lock file behind: who uses the catalog",
    pnpm,
    (r) => r.write({ "pnpm-workspace.yaml": "packages: ['packages/*']\ncatalog:\n  left: ^1.1.0\n" }),
    "a",
  ],
  [
    "a catalog's entry that nobody uses: nobody",
    pnpm,
    (r) => r.write({ "pnpm-workspace.yaml": "packages: ['packages/*']\ncatalog:\n  left: ^1.0.0\n  new: ^1.0.0\n" }),
    "",
  ],
  [
    "a package that pnpm patches",
    {
      ...pnpm,
      "pnpm-workspace.yaml":
        "packages: ['packages/*']\ncatalog:\n  left: ^1.0.0\npatchedDependencies:\n  left: patches/left.patch\n",
      "patches/left.patch": "1",
    },
    (r) => r.write({ "patches/left.patch": "2" }),
    "a b",
  ],
  [
    "a patch elsewhere than in patches/",
    {
      ...pnpm,
      "pnpm-workspace.yaml":
        "packages: ['packages/*']\ncatalog:\n  left: ^1.0.0\npatchedDependencies:\n  left@1.0.0: fixes/l.patch\n",
      "fixes/l.patch": "1",
    },
    (r) => r.write({ "fixes/l.patch": "2" }),
    "a b",
  ],
  [
    "a pnpm override",
    pnpm,
    (r) =>
      r.write({
        "pnpm-workspace.yaml": "packages: ['packages/*']\ncatalog:\n  left: ^1.0.0\noverrides:\n  left: 1.1.0\n",
      }),
    "a b",
  ],
  [
    "pnpm's own settings: everybody",
    pnpm,
    (r) =>
      r.write({ "pnpm-workspace.yaml": "packages: ['packages/*']\ncatalog:\n  left: ^1.0.0\nshamefullyHoist: true\n" }),
    "a b c",
  ],
  [".pnpmfile.cjs: everybody", { ...pnpm, ".pnpmfile.cjs": "1" }, (r) => r.write({ ".pnpmfile.cjs": "2" }), "a b c"],
  [
    "yarn resolutions: who has the package",
    {
      "yarn.lock": berryLock("1.0.0"),
      "packages/a/package.json": project("a", { dependencies: { left: "^1.0.0" } }),
      "packages/b/package.json": project("b", { dependencies: { right: "2.0.0" } }),
    },
    (r) => r.write({ "package.json": root({ resolutions: { left: "1.2.0" } }) }),
    "a",
  ],
  [
    "a catalog of yarn: who uses it",
    {
      "yarn.lock": berryLock("1.0.0"),
      ".yarnrc.yml": "catalog:\n  left: ^1.0.0\n",
      "packages/a/package.json": project("a", { dependencies: { left: "catalog:" } }),
      "packages/b/package.json": project("b", { dependencies: { right: "2.0.0" } }),
    },
    (r) =>
      r.write({
        ".yarnrc.yml": "catalog:\n  left: ^1.1.0\n",
        "yarn.lock": berryLock("1.1.0").replace("^1.0.0", "^1.1.0"),
      }),
    "a",
  ],
  [
    "a patch of yarn berry, with its digest in the lock file: who has the patched version",
    patched,
    (r) => {
      r.write({ ".yarn/patches/left-npm-1.0.0-abc.patch": "2" });
      r.write({ "yarn.lock": r.read("yarn.lock").replace("hash=1", "hash=2") });
    },
    "a c",
  ],
  [
    "beside a resolution for one range, a package of another",
    patched,
    (r) => r.write({ "yarn.lock": r.read("yarn.lock").replaceAll("left@npm:2.0.0", "left@npm:2.0.1") }),
    "c",
  ],
  [
    "a resolution below one parent: whatever may be meant",
    { ...patched, "package.json": root({ resolutions: { "x/left": "2.0.0" } }) },
    (r) => r.write({ "yarn.lock": r.read("yarn.lock").replace("hash=1", "hash=2") }),
    "a",
  ],
  [
    "yarn's own settings: everybody",
    { "yarn.lock": berryLock("1.0.0"), ".yarnrc.yml": "nodeLinker: pnp\n" },
    (r) => r.write({ ".yarnrc.yml": "nodeLinker: node-modules\n" }),
    "a b c",
  ],
  [
    "an alias of npm: who declares it",
    {
      "package-lock.json": npmLock({ "node_modules/l": { name: "left", version: "1.0.0", integrity: "sha512-1" } }),
      "packages/a/package.json": project("a", { dependencies: { l: "npm:left@^1.0.0" } }),
      "packages/b/package.json": project("b", { dependencies: { left: "^1.0.0" } }),
    },
    (r) =>
      r.write({
        "package-lock.json": npmLock({ "node_modules/l": { name: "left", version: "1.1.0", integrity: "sha512-2" } }),
      }),
    "a",
  ],
  [
    "a peer of a registry dependency: who has the dependency",
    {
      "package-lock.json": npmLock({
        "node_modules/plugin": { version: "1.0.0", peerDependencies: { host: "*" } },
        "node_modules/host": { version: "1.0.0", peer: true },
      }),
      "packages/a/package.json": project("a", { dependencies: { plugin: "^1.0.0" } }),
    },
    (r) =>
      r.write({
        "package-lock.json": npmLock({
          "node_modules/plugin": { version: "1.0.0", peerDependencies: { host: "*" } },
          "node_modules/host": { version: "2.0.0", peer: true },
        }),
      }),
    "a",
  ],
  [
    "a peer of a project: who has it as a peer",
    { "packages/a/package.json": project("a", { peerDependencies: { b: "*" } }) },
    (r) => r.write({ "packages/b/src/index.ts": "" }),
    "a b",
  ],
  [
    "the lock file deleted: everybody",
    {
      "package-lock.json": npmLock({ "node_modules/left": { version: "1.0.0", integrity: "sha512-1" } }),
      "packages/a/package.json": project("a", { dependencies: { left: "^1.0.0" } }),
    },
    (r) => r.remove("package-lock.json"),
    "a b c",
  ],
  [
    "a lock file that cannot be understood: everybody",
    { "bun.lock": "1" },
    (r) => r.write({ "bun.lock": "2" }),
    "a b c",
  ],
  [
    "a new package manager: everybody",
    {},
    (r) => r.write({ "package.json": root({ packageManager: "npm@11.0.0" }) }),
    "a b c",
  ],
  [
    "engines of the root: everybody",
    {},
    (r) => r.write({ "package.json": root({ engines: { node: ">=22" } }) }),
    "a b c",
  ],
  ["a script of the root: nobody", {}, (r) => r.write({ "package.json": root({ scripts: { x: "y" } }) }), ""],
  [".nvmrc: everybody", { ".nvmrc": "20" }, (r) => r.write({ ".nvmrc": "22" }), "a b c"],
  ["mise.toml: everybody", { "mise.toml": "" }, (r) => r.write({ "mise.toml": "[tools]" }), "a b c"],
  [
    "settings of a tool in the root's manifest: everybody",
    {},
    (r) => r.write({ "package.json": root({ browserslist: ["last 1 version"] }) }),
    "a b c",
  ],
  ["a tracked .env of the root: everybody", { ".env": "A=1\n" }, (r) => r.write({ ".env": "A=2\n" }), "a b c"],
  ["a tracked .env of a project", { "packages/a/.env": "A=1\n" }, (r) => r.write({ "packages/a/.env": "A=2\n" }), "a"],
  [
    "a chain of tsconfigs, arrays on the way",
    {
      "packages/a/tsconfig.json": { extends: ["../../config/x.json", "../../config/y.json"] },
      "config/x.json": {},
      "config/y.json": { extends: "./deep/z.json" },
      "config/deep/z.json": {},
    },
    (r) => r.write({ "config/deep/z.json": { compilerOptions: { strict: true } } }),
    "a",
  ],
  [
    "a tsconfig of a project that another extends by the package's name, undeclared",
    { "packages/b/tsconfig.json": { extends: "a/tsconfig.json" }, "packages/a/tsconfig.json": {} },
    (r) => r.write({ "packages/a/tsconfig.json": { compilerOptions: {} } }),
    "a b",
  ],
  [
    "a project reference",
    { "packages/b/tsconfig.json": { references: [{ path: "../a" }] } },
    (r) => r.write({ "packages/a/src/index.ts": "" }),
    "a b",
  ],
  [
    "paths of the project's own tsconfig, through baseUrl",
    {
      "packages/b/tsconfig.json": { compilerOptions: { baseUrl: "../..", paths: { "@a/*": ["packages/a/src/*"] } } },
      "packages/b/src/index.ts": "import '@a/index';",
    },
    (r) => r.write({ "packages/a/src/index.ts": "" }),
    "a b",
  ],
  [
    "paths of a tsconfig of the root that is not at its top",
    {
      "config/tsconfig.json": { compilerOptions: { baseUrl: "..", paths: { "@a/*": ["packages/a/src/*"] } } },
      "packages/b/tsconfig.json": { extends: "../../config/tsconfig.json" },
      "packages/b/src/index.ts": "import '@a/index';",
    },
    (r) => r.write({ "packages/a/src/index.ts": "" }),
    "a b",
  ],
  [
    "an import of JSON across projects",
    {
      "packages/b/src/index.ts": "import data from '../../a/data.json' with { type: 'json' };",
      "packages/a/data.json": {},
    },
    (r) => r.write({ "packages/a/data.json": { x: 1 } }),
    "a b",
  ],
  [
    "a dynamic import, a type import, a re-export",
    {
      "packages/b/src/index.ts": "await import('a');",
      "packages/c/src/index.ts": "export type { T } from 'a';",
    },
    (r) => r.write({ "packages/a/src/index.ts": "" }),
    "a b c",
  ],
  [
    "a dynamic import of which only the beginning is known",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the source's
    { "packages/b/src/index.ts": "export const load = (x: string) => import(`../../a/src/${x}.ts`);" },
    (r) => r.write({ "packages/a/src/index.ts": "" }),
    "a b",
  ],
  [
    "new URL(…, import.meta.url)",
    { "packages/b/src/index.ts": "new Worker(new URL('../../a/src/index.ts', import.meta.url));" },
    (r) => r.write({ "packages/a/src/index.ts": "" }),
    "a b",
  ],
  [
    "a path joined to __dirname",
    {
      "packages/b/src/index.cjs":
        "require('fs').readFileSync(require('path').join(__dirname, '../../a/src/index.ts'));",
    },
    (r) => r.write({ "packages/a/src/index.ts": "" }),
    "a b",
  ],
  [
    "import.meta.glob",
    { "packages/b/src/index.ts": "import.meta.glob('../../a/src/*.ts');" },
    (r) => r.write({ "packages/a/src/index.ts": "" }),
    "a b",
  ],
  [
    "style sheets: an unquoted url, a picture, Tailwind's sources",
    {
      "packages/b/src/x.css": "@import url(../../a/src/x.css);",
      "packages/c/src/x.css": '@source "../../a/src";',
      "packages/a/src/x.css": "",
    },
    (r) => r.write({ "packages/a/src/x.css": "a{}" }),
    "a b c",
  ],
  [
    "an import by the manifest's `imports`",
    {
      "packages/b/package.json": project("b", { imports: { "#a": "a" } }),
      "packages/b/src/index.ts": "import '#a';",
    },
    (r) => r.write({ "packages/a/src/index.ts": "" }),
    "a b",
  ],
  [
    "a subpath of a package's exports",
    {
      "packages/a/package.json": project("a", { exports: { "./button": "./src/index.ts" } }),
      "packages/b/src/index.ts": "import 'a/button';",
    },
    (r) => r.write({ "packages/a/src/index.ts": "" }),
    "a b",
  ],
  ["a symbolic link into another project", {}, (r) => r.write({ "packages/a/src/index.ts": "" }), "a b"],
  [
    "a flat eslint config that imports another project's",
    { "packages/b/eslint.config.js": "import base from 'a/eslint';" },
    (r) => r.write({ "packages/a/src/index.ts": "" }),
    "a b",
  ],
  [
    "vitest.workspace.ts at the root: everybody who tests",
    { "vitest.workspace.ts": "1" },
    (r) => r.write({ "vitest.workspace.ts": "2" }),
    "a b c",
  ],
  [
    "vite's config at the root, and what it imports",
    { "vite.config.ts": "import './tools/plugin.ts';", "tools/plugin.ts": "1" },
    (r) => r.write({ "tools/plugin.ts": "2" }),
    "a b c",
  ],
  [
    "globalDependencies: everybody",
    { "turbo.json": { ...turbo, globalDependencies: ["tools/**"] }, "tools/x": "1" },
    (r) => r.write({ "tools/x": "2" }),
    "a b c",
  ],
  [
    "$TURBO_ROOT$ in inputs: tasks that say so",
    {
      "turbo.json": { tasks: { ...turbo.tasks, "a#build": { inputs: ["$TURBO_DEFAULT$", "$TURBO_ROOT$/x.txt"] } } },
      "x.txt": "1",
    },
    (r) => r.write({ "x.txt": "2" }),
    "a",
  ],
  [
    "a package's own turbo.json",
    { "packages/a/turbo.json": { extends: ["//"], tasks: { build: { outputs: ["dist/**"] } } } },
    (r) => r.write({ "packages/a/turbo.json": { extends: ["//"], tasks: { build: { outputs: ["lib/**"] } } } }),
    "a",
  ],
  [
    "a package's turbo.json that extends another package's, and adds to its lists",
    {
      "packages/a/turbo.json": { extends: ["//"], tasks: { build: { outputs: ["lib/**"] } } },
      "packages/b/turbo.json": { extends: ["//", "a"], tasks: { build: { outputs: ["$TURBO_EXTENDS$", "x/**"] } } },
    },
    (r) => r.write({ "packages/a/turbo.json": { extends: ["//"], tasks: { build: { outputs: ["out/**"] } } } }),
    "a b",
  ],
  [
    "a file with another case",
    {},
    (r) => renameSync(join(r.root, "packages/a/src/index.ts"), join(r.root, "packages/a/src/Index.ts")),
    "a",
  ],
  ["a mode alone", {}, (r) => chmodSync(join(r.root, "packages/a/src/index.ts"), 0o755), "a"],
  [
    "a file replaced by a link with the same text",
    {},
    (r) => {
      unlinkSync(join(r.root, "packages/a/src/index.ts"));
      symlinkSync("export const a = 1;\n", join(r.root, "packages/a/src/index.ts"));
    },
    "a",
  ],
  [
    "a project in another project's directory: itself only",
    {
      "package.json": { name: "root", private: true, workspaces: ["packages/*", "packages/a/plugins/*"] },
      "packages/a/plugins/p/package.json": project("p"),
    },
    (r) => r.write({ "packages/a/plugins/p/x.ts": "" }),
    "p",
  ],
  [
    "a directory in a project with a manifest, no project of its own",
    { "packages/a/fixtures/f/package.json": { name: "a-fixture" } },
    (r) => r.write({ "packages/a/fixtures/f/package.json": { name: "other" } }),
    "a",
  ],
  [
    "a version alone: its project and who depends on it",
    { "packages/b/package.json": project("b", { dependencies: { a: "workspace:^" } }) },
    (r) => r.write({ "packages/a/package.json": project("a", { version: "1.0.1" }) }),
    "a b",
  ],
  [
    "a version that leaves the range of who depended on it",
    { "packages/b/package.json": project("b", { dependencies: { a: "^1.0.0" } }) },
    (r) => r.write({ "packages/a/package.json": project("a", { version: "2.0.0" }) }),
    "a b",
  ],
  [
    "a dependency by file:, link: or portal:",
    {
      "packages/b/package.json": project("b", { dependencies: { x: "file:../a" } }),
      "packages/c/package.json": project("c", { dependencies: { y: "portal:../a" } }),
    },
    (r) => r.write({ "packages/a/src/index.ts": "" }),
    "a b c",
  ],
  [
    "a dependency by file: on a directory that is no project",
    {
      "vendor/x/index.js": "1",
      "packages/b/package.json": project("b", { dependencies: { x: "file:../../vendor/x/" } }),
    },
    (r) => r.write({ "vendor/x/index.js": "2" }),
    "b",
  ],
  [
    "an import that closes a circle: its sources are in the key, though nobody waits",
    { "packages/a/package.json": project("a", { dependencies: { b: "*" } }), ...inB("import 'a';") },
    touchA,
    "a b",
  ],
  [
    "pnpm's lock file where an old one of npm was left behind",
    { ...pnpm, "package.json": { name: "root", packageManager: "pnpm@9.0.0" }, "package-lock.json": npmLock({}) },
    (r) => r.write({ "pnpm-lock.yaml": pnpmLock("1.1.0") }),
    "a",
  ],
  [
    "a range that looks like a number in an older lock file of yarn berry",
    {
      "yarn.lock": berryLock("1.0.0")
        .replace("  checksum: 1.0.0", "  dependencies:\n    right: 2\n")
        .replace(":2.0.0", ":2"),
      "packages/a/package.json": project("a", { dependencies: { left: "^1.0.0" } }),
    },
    (r) => r.write({ "yarn.lock": r.read("yarn.lock").replaceAll("2.0.0", "2.0.1") }),
    "a",
  ],
  [
    "Nx: sources of dependencies are inputs of a task that waits for none",
    {
      ...nx({ targetDefaults: { build: { cache: true, inputs: ["default", "^default"] } } }),
      "packages/b/package.json": project("b", { dependencies: { a: "*" } }),
    },
    touchA,
    "a b",
  ],
  [
    "Nx: a project with another name than its manifest, declared and imported by that",
    {
      ...nx({}),
      "packages/a/package.json": project("@org/a"),
      "packages/a/project.json": { name: "aa" },
      "packages/b/package.json": project("b", { dependencies: { "@org/a": "*" } }),
      "packages/c/src/index.ts": "import '@org/a/x';",
    },
    touchA,
    "aa b c",
  ],
  [
    "Nx: a name in package.json#nx, named by implicitDependencies",
    {
      ...nx({}),
      "packages/a/package.json": project("@org/a", { nx: { name: "aa" } }),
      "packages/b/package.json": project("b", { nx: { implicitDependencies: ["aa"] } }),
    },
    touchA,
    "aa b",
  ],
  [
    "a configuration at the root that imports a config package: all who lint",
    { "eslint.config.js": "import base from 'a';", "packages/c/eslint.config.js": "" },
    touchA,
    "a b",
  ],
  [
    "a root tsconfig that extends one in a package, by name or by path: who extends the root's",
    {
      "tsconfig.base.json": { extends: ["a/base.json", "./packages/c/base.json"] },
      "packages/a/base.json": {},
      "packages/c/base.json": {},
      "packages/b/tsconfig.json": { extends: "../../tsconfig.base.json" },
    },
    (r) => r.write({ "packages/a/base.json": { compilerOptions: {} } }),
    "a b",
  ],
  [
    "a project that the root's manifest depends on: everybody may use it, as a registry package of the root",
    {
      "package.json": root({ devDependencies: { b: "*" } }),
      "packages/b/package.json": project("b", { dependencies: { a: "*" } }),
    },
    touchA,
    "a b c",
  ],
  [
    "a project that a file of the root imports which nobody reads: itself",
    { "scripts/x.ts": "import 'a';" },
    touchA,
    "a",
  ],
  [
    "ranges that exclude the project's version: the registry's package is meant",
    {
      "packages/b/package.json": project("b", { dependencies: { a: "2.x || >=3" } }),
      "packages/c/package.json": project("c", { dependencies: { a: ">=0.9 <2" } }),
    },
    touchA,
    "a c",
  ],
  [
    "a lock file, a manifest and a pipeline that were broken and are mended: everybody",
    { "package-lock.json": "<<<<<<<\n", "packages/a/package.json": "<<<<<<<\n", "turbo.json": "{" },
    (r) =>
      r.write({
        "package-lock.json": npmLock({}),
        "packages/a/package.json": project("a"),
        "turbo.json": turbo,
      }),
    "a b c",
  ],
  [
    "what configuration in several languages extends or points to",
    {
      ...inB("module.exports = { content: ['./src/**', '../a/src/**/*.tsx'] };", "../tailwind.config.js"),
      "packages/c/.eslintrc.json": { root: true, extends: ["a"] },
    },
    touchA,
    "a b c",
  ],
  [
    "what a manifest's tools extend",
    {
      "packages/b/package.json": project("b", { prettier: "a" }),
      "packages/c/package.json": project("c", { jest: { preset: "a" }, eslintConfig: { extends: ["x"] } }),
    },
    touchA,
    "a b c",
  ],
  [
    "what prettier is told in the root's manifest: everybody",
    { "package.json": root({ prettier: "a" }) },
    touchA,
    "a b c",
  ],
  [
    "a YAML configuration at the root that extends a file",
    { ".eslintrc.yml": "extends: ./config/x.yml\n", "config/x.yml": "1" },
    (r) => r.write({ "config/x.yml": "2" }),
    "a b c",
  ],
  [
    "Jest's <rootDir>, and types of a tsconfig",
    {
      ...inB("module.exports = { moduleNameMapper: { '^@a/(.*)$': '<rootDir>/../a/src/$1' } };", "../jest.config.js"),
      "packages/c/tsconfig.json": { compilerOptions: { types: ["node", "a"] } },
    },
    touchA,
    "a b c",
  ],
  [
    "where a root configuration says that projects lie: who imports them only",
    {
      "tsconfig.base.json": {
        compilerOptions: { paths: { "@o/a": ["./packages/a/src"], "@o/c": ["./packages/c/src"] } },
      },
      "tsconfig.json": { files: [], references: [{ path: "./packages/a" }, { path: "./packages/c" }] },
      "vitest.config.ts": "export default { test: { projects: ['./packages/a', './packages/c'] } };",
      "packages/b/tsconfig.json": { extends: "../../tsconfig.base.json" },
      "packages/c/tsconfig.json": { extends: "../../tsconfig.base.json" },
      ...inB("import '@o/a';"),
    },
    touchA,
    "a b",
  ],
  [
    "an alias of several paths, and the longest beginning of several aliases",
    {
      "tsconfig.base.json": {
        compilerOptions: { paths: { "@x/*": ["packages/c/*"], "@x/a/*": ["gen/*", "packages/a/src/*"] } },
      },
      ...inB("import '@x/a/index';"),
    },
    touchA,
    "a b",
  ],
  [
    "an import from baseUrl",
    { "tsconfig.json": { compilerOptions: { baseUrl: "." } }, ...inB("import 'packages/a/src';") },
    touchA,
    "a b",
  ],
  [
    "a directory that begins with a dot is no member",
    { "packages/.a/package.json": project("x") },
    (r) => r.write({ "packages/.a/x": "" }),
    "",
  ],
  ["a file of a submodule", {}, (r) => r.write({ "packages/a/src/index.ts": "" }), "a"],
];

for (const [title, more, change, expected] of cases) {
  test(`affected: ${title}`, async () => {
    const files = Object.entries({ ...base, ...more }).filter(([, content]) => content !== absent);
    const r = new Repository(Object.fromEntries(files));
    made.push(r);
    if (title === "a symbolic link into another project") {
      symlinkSync("../../a/src", join(r.root, "packages/b/src/shared"));
      r.commit();
      r.git("tag", "-f", "base");
    }
    const isBroken = title.includes("that were broken");
    if (!isBroken) await r.affected();
    const before = isBroken ? new Map() : await keysNow(r);
    change(r);
    expect(await r.affected()).toBe(expected);
    const now = await keysNow(r);
    const other = [...now].filter(([id, key]) => before.get(id) !== key).map(([id]) => id);
    expect(await r.affected("build", "lint", "test")).toBe(other.sort().join(" "));
    r.commit();
    expect(await r.affected()).toBe(expected);
  });
}

async function keysNow(r: Repository): Promise<ReadonlyMap<string, string>> {
  const view = await r.view();
  const wanted = { tasks: ["build", "lint", "test"], projects: allProjects(view.workspace) };
  const keys = keysOf(taskGraph(view.workspace, view.graph, wanted), new PartsOf(view));
  return new Map([...keys].map(([id, { key }]) => [id, key]));
}
