// What git can do to a repository: submodules, sparse checkouts, line endings, odd names, heads and bases of every kind.
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { ask, atHead } from "../cli/workspace/ask-affected.ts";
import { compareWithBase } from "./git/compare.ts";
import { must } from "./git/worktree.ts";
import { type Files, Repository } from "./test-repository.ts";

const project = (name: string, dependencies: object = {}) => ({
  name,
  version: "1.0.0",
  scripts: { build: "true" },
  dependencies,
});
const base: Files = {
  "package.json": { name: "root", private: true, workspaces: ["packages/*"] },
  "turbo.json": { tasks: { build: { dependsOn: ["^build"] } } },
  "tsconfig.base.json": {},
  "packages/a/package.json": project("a"),
  "packages/a/index.ts": "export {};\n",
  "packages/b/package.json": project("b", { a: "*", s: "*" }),
  "packages/c/package.json": project("c"),
  "packages/c/index.ts": "import 'a';\n",
  "packages/c/tsconfig.json": { extends: "../../tsconfig.base.json" },
};

const made: { dispose: () => void }[] = [];
afterEach(() => {
  for (const one of made.splice(0)) one.dispose();
});
function repository(files = base, ...format: string[]): Repository {
  const r = new Repository(files, format);
  made.push(r);
  return r;
}
function withSubmodule(path: string): Repository {
  const inner = repository({ "package.json": project("s"), "x.ts": "" });
  const r = repository();
  r.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", inner.root, path);
  r.commit();
  r.git("tag", "-f", "base");
  return r;
}
const innerCommit = (r: Repository, path: string) =>
  r.git("-C", path, "-c", "user.name=t", "-c", "user.email=t@example.invalid", "commit", "-qam", "x");

test.each([
  ["packages/s", "a project", "b s"],
  ["packages/a/vendor", "a part of a project", "a b c"],
  ["third", "nobody's", ""],
])("a submodule that is at %s (%s): edited, committed inside, and its commit taken over", async (path, _, expected) => {
  const r = withSubmodule(path);
  expect(await r.affected()).toBe("");
  r.write({ [`${path}/x.ts`]: "1" });
  expect(await r.affected()).toBe(expected);
  innerCommit(r, path);
  expect(await r.affected()).toBe(expected);
  r.commit();
  expect(await r.affected()).toBe(expected);
});

test("what a sparse checkout leaves out is still a project, with its edges and what it extends", async () => {
  const r = repository();
  r.git("sparse-checkout", "set", "packages/a");
  expect(existsSync(join(r.root, "packages/c"))).toBe(false);
  expect(await r.affected()).toBe("");
  r.write({ "packages/a/index.ts": "" });
  expect(await r.affected()).toBe("a b c");
  r.git("checkout", "-q", ".");
  r.write({ "tsconfig.base.json": { compilerOptions: {} } });
  expect(await r.affected()).toBe("c");
});

test("a file that differs in line endings only, as attributes of its directory allow: nobody", async () => {
  const r = repository({ ...base, "packages/a/.gitattributes": "*.ts text\n" });
  r.write({ "packages/a/index.ts": "export {};\r\n" });
  expect(await r.affected()).toBe("");
});

test("a mode where modes are not trusted: nobody; an edit beside it counts", async () => {
  const r = repository();
  r.git("config", "core.fileMode", "false");
  chmodSync(join(r.root, "packages/a/index.ts"), 0o755);
  expect(await r.affected()).toBe("");
  r.write({ "packages/a/index.ts": "" });
  expect(await r.affected()).toBe("a b c");
});

test("a base that is counted from HEAD, in a shallow clone", async () => {
  const r = repository();
  for (const text of ["1", "2", "3"]) {
    r.write({ "packages/a/index.ts": text });
    r.commit();
  }
  const clone = `${r.root}-shallow`;
  made.push({ dispose: () => rmSync(clone, { recursive: true, force: true }) });
  execFileSync("git", ["clone", "-q", "--depth", "1", `file://${r.root}`, clone]);
  expect(await compareWithBase(clone, "HEAD~2")).toMatchObject({ changes: [{ path: "packages/a/index.ts" }] });
});

test("names that are no UTF-8", async () => {
  const r = repository();
  const odd = Buffer.concat([Buffer.from(`${r.root}/packages/a/`), Buffer.from([0xff, 0x2e, 0x74, 0x73])]);
  writeFileSync(odd, "1");
  expect(await r.affected()).toBe("a b c");
  r.commit();
  r.git("tag", "-f", "base");
  writeFileSync(odd, "2");
  expect(await r.affected()).toBe("a b c");
});

test("a repository with longer digests: an edit that is taken back affects nobody", async () => {
  const r = repository(base, "--object-format=sha256");
  r.write({ "packages/a/index.ts": "" });
  expect(await r.affected()).toBe("a b c");
  r.write({ "packages/a/index.ts": "export {};\n" });
  expect(await r.affected()).toBe("");
});

test("another head than the one checked out, by name or commit, without running hooks", async () => {
  const r = repository();
  r.write({ "packages/a/index.ts": "" });
  r.commit();
  r.git("tag", "later");
  r.git("checkout", "-q", "base");
  writeFileSync(join(r.root, ".git/hooks/post-checkout"), "#!/bin/sh\ntouch ran\n", { mode: 0o755 });
  const at = (head: string) => atHead(r.root, head, (root) => ask(root, { base: "base", tasks: [] }));
  for (const head of ["later", r.git("rev-parse", "later").trim()])
    expect((await at(head)).map((one) => one.project)).toEqual(["a", "b", "c"]);
  expect(await at("base")).toEqual([]);
  await expect(at("nope")).rejects.toThrow('the commit "nope" is not here');
  expect(r.git("worktree", "list").trim().split("\n")).toHaveLength(1);
  expect(existsSync(join(r.root, "ran"))).toBe(false);
});

test("a base that reads like an option is none; without a commit that is what is said", async () => {
  const r = repository();
  const file = join(r.root, "written");
  expect(await compareWithBase(r.root, `--output=${file}`)).toMatchObject({
    noBase: `"--output=${file}" is no commit`,
  });
  expect(existsSync(file)).toBe(false);
  const empty = mkdtempSync(join(tmpdir(), "sluice-empty-"));
  made.push({ dispose: () => rmSync(empty, { recursive: true }) });
  execFileSync("git", ["init", "-q"], { cwd: empty });
  expect(await compareWithBase(empty, "main")).toMatchObject({ noBase: "nothing is committed here yet" });
});

test("of what git says, the line that tells is told", () => {
  const err = "warning: x\nfatal: detected dubious ownership in repository\nTo add an exception:\n\tgit config y\n";
  expect(() => must({ ok: false, out: Buffer.alloc(0), err })).toThrow(
    "git said: detected dubious ownership in repository",
  );
});
