// `sluice why-miss` after one edit of each kind: the part that differs is named, and what in it.
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Repository } from "../../workspace/test-repository.ts";
import { explainMisses } from "./explain-misses.ts";

const lock = (leftPad: string, typescript: string) => ({
  lockfileVersion: 3,
  packages: {
    "node_modules/left-pad": { version: leftPad, integrity: leftPad },
    "node_modules/typescript": { version: typescript, integrity: typescript },
  },
});
const turbo = (build: object) => ({
  tasks: { build: { dependsOn: ["^build"], outputs: ["dist/**"], ...build }, lint: {} },
});
const manifest = (name: string, dependencies: object, build = "true") => ({ name, scripts: { build }, dependencies });

let r: Repository;
beforeAll(async () => {
  r = new Repository({
    "package.json": { name: "root", private: true, workspaces: ["packages/*"], devDependencies: { typescript: "5" } },
    "package-lock.json": lock("1.3.0", "5.9.3"),
    "turbo.json": turbo({ env: ["MODE"] }),
    "tsconfig.json": {},
    "packages/ui/package.json": manifest("ui", {}),
    "packages/ui/src/a.ts": "a",
    "packages/web/package.json": manifest("web", { ui: "*", "left-pad": "1" }),
    "packages/web/src/b.ts": "b",
  });
  r.env = process.env;
  await r.run(["build"]);
  r.git("add", "-A");
});
afterAll(() => r.dispose());

const upstream = "waits for ui#build changed";
const cases: readonly (readonly [string, () => void, readonly string[]])[] = [
  [
    "a source",
    () => r.write({ "packages/web/src/b.ts": "x", "packages/web/src/c.ts": "" }),
    ["source packages/web/src/b.ts changed", "source packages/web/src/c.ts added"],
  ],
  ["a mode", () => chmodSync(join(r.root, "packages/web/src/b.ts"), 0o755), ["source packages/web/src/b.ts changed"]],
  ["a source of another project", () => r.write({ "packages/ui/src/a.ts": "x" }), [upstream]],
  [
    "the command",
    () => r.write({ "packages/web/package.json": manifest("web", { ui: "*", "left-pad": "1" }, "false") }),
    ["command: true → false", "source packages/web/package.json changed"],
  ],
  [
    "the definition",
    () => r.write({ "turbo.json": turbo({ env: ["MODE", "NAME"] }) }),
    ['definition: variables ["MODE"] → ["MODE","NAME"]', "environment: NAME added", upstream],
  ],
  [
    "a registry package",
    () => r.write({ "package-lock.json": lock("1.3.1", "5.9.3") }),
    ["registry packages: left-pad 1.3.0 → 1.3.1"],
  ],
  [
    "a tool of the root",
    () => r.write({ "package-lock.json": lock("1.3.0", "6.0.0") }),
    ["root dependencies: typescript 5.9.3 → 6.0.0", upstream],
  ],
  ["a root file", () => r.write({ ".npmrc": "x=1" }), ["root files: .npmrc added", upstream]],
  [
    "the team's salt",
    () => r.write({ "sluice.config.ts": 'export default { pipeline: { cache: { salt: "b" } } };' }),
    ["root settings: salt changed", upstream],
  ],
];

for (const [what, edit, differences] of cases) {
  test(`a miss after an edit of ${what} names it`, async () => {
    edit();
    const [web] = await explainMisses(r.root, ["web#build"]);
    r.git("reset", "-q", "--hard", "base");
    r.git("clean", "-fdq", "-e", ".sluice");
    expect(web).toMatchObject({ id: "web#build", state: "miss", differences });
  });
}

test("without an edit there is no miss", async () => {
  const states = async () => (await explainMisses(r.root, ["build"])).map(({ id, state }) => `${id} ${state}`);
  expect(await states()).toEqual(["ui#build hit", "web#build hit"]);
});
