// A machine or a folder that lacks what a verb needs: one sentence, what to do, a status that scripts know, and no stack.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, expect, test } from "vitest";

const program = resolve(import.meta.dirname, "../dist/sluice.cjs");
const root = mkdtempSync(join(tmpdir(), "sluice-missing-"));
const [repository, folder, path] = [join(root, "repository"), join(root, "folder"), join(root, "bin")];
for (const at of [repository, folder]) {
  mkdirSync(join(at, "app"), { recursive: true });
  writeFileSync(join(at, "package.json"), JSON.stringify({ name: "shop", private: true, workspaces: ["app"] }));
  const scripts = { build: "true" };
  writeFileSync(join(at, "app/package.json"), JSON.stringify({ name: "app", version: "1.0.0", scripts }));
}
execFileSync("git", ["init", "--quiet"], { cwd: repository });
mkdirSync(path);
symlinkSync("/bin/sh", join(path, "sh"));
afterAll(() => {
  spawnSync(process.execPath, [program, "down"], { cwd: folder }); // the host serves though the database is away
  rmSync(root, { recursive: true, force: true });
}, 30_000);

const verbs = [
  ["graph"],
  ["graph", "--dot"],
  ["affected"],
  ["affected", "--base", "HEAD", "--task", "build"],
  ["run", "build"],
  ["run", "build", "--force"],
  ["run", "build", "--affected"],
  ["run", "build", "--watch"],
  ["why-miss", "app#build"],
];

test.each(verbs)("without git, %s %s says so", (...args) => {
  const { status, stderr } = spawnSync(process.execPath, [program, ...args], {
    cwd: repository,
    env: { PATH: path },
    encoding: "utf8",
  });
  expect([status, stderr]).toEqual([
    2,
    "✗ git is not installed here, or not on the PATH\n  → Install git: Sluice lets it tell what changed\n",
  ]);
});

test.each(verbs)("where there is no repository, %s %s says so", (...args) => {
  const { status, stderr } = spawnSync(process.execPath, [program, ...args], { cwd: folder, encoding: "utf8" });
  expect([status, stderr]).toEqual([
    2,
    `✗ ${folder} is not in a git repository\n  → Run git init there: Sluice lets git tell what changed\n`,
  ]);
});

test.each([
  [["up", "--port", "http"], {}, "--port http is not a port"],
  [["up", "--data", join(repository, "package.json")], {}, "nothing can be kept in"],
  [["up"], { DATABASE_URL: "nonsense" }, "DATABASE_URL is not the address of a PostgreSQL"],
  [["up"], { DATABASE_URL: "postgres://127.0.0.1:1/shop" }, "the PostgreSQL at 127.0.0.1:1 does not answer"],
])(
  "%j with %j says what is so and what to do",
  (args, env, so) => {
    const { status, stderr } = spawnSync(process.execPath, [program, ...args], {
      cwd: folder,
      env: { ...process.env, ...env },
      encoding: "utf8",
    });
    expect([status, stderr]).toEqual([2, expect.stringMatching(/^✗ [^\n]+\n {2}→ [^\n]+\n$/)]);
    expect(stderr).toContain(so);
  },
  30_000,
);
