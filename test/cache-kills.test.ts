// Two real runs at once, and kill -9 at any moment: whatever is left, the next run gives what a first run would give.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { openStore, readEntry } from "../src/workspace/cache/store.ts";
import { listStore } from "../src/workspace/cache/upkeep.ts";
import { type Files, Repository } from "../src/workspace/test-repository.ts";

const program = resolve(import.meta.dirname, "../dist/sluice.cjs");
let r: Repository | undefined;
let children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children) child.kill("SIGKILL");
  children = [];
  r?.dispose();
});

const names = ["a", "b", "c", "d", "e", "f"];
/** Each waits for the one before it and writes in two steps, so that a kill meets half an output. */
const projects: Files = Object.fromEntries(
  names.flatMap((name, i) => {
    const before = names[i - 1];
    const build = `mkdir -p dist && echo half > dist/out && cat src/x ${before ? `../${before}/dist/out` : ""} > dist/new && mv dist/new dist/out`;
    const dependencies = before ? { [before]: "*" } : {};
    return [
      [`${name}/package.json`, { name, scripts: { build }, dependencies }],
      [`${name}/src/x`, `${name}1\n`],
    ];
  }),
);

function run(root: string): { child: ChildProcess; ended: Promise<number | null> } {
  const child = spawn(process.execPath, [program, "run", "build"], { cwd: root, stdio: "ignore", detached: true });
  children.push(child);
  return { child, ended: new Promise((done) => child.once("exit", done)) };
}

test.skipIf(!existsSync(program))(
  "parallel runs and kill -9 in the middle never lead to a wrong output, and leave no broken entry",
  { timeout: 120_000 },
  async () => {
    r = new Repository({
      "package.json": { name: "root", private: true, workspaces: names },
      "turbo.json": { tasks: { build: { dependsOn: ["^build"], outputs: ["dist/**"] } } },
      ".gitignore": "dist\n",
      ...projects,
    });
    const { root } = r;
    for (let round = 1; round <= 4; round++) {
      const edited = names[round % names.length] ?? "a";
      r.write({ [`${edited}/src/x`]: `${edited}${round}\n` });
      const [killed, other] = [run(root), run(root)];
      await wait(130 + 60 * round);
      // The run alone, not its tasks: as the kernel's out-of-memory killer would.
      killed.child.kill("SIGKILL");
      await killed.ended;
      expect([round, await other.ended]).toEqual([round, 0]);
      expect([round, await run(root).ended]).toEqual([round, 0]);
      let all = "";
      for (const name of names) {
        all = r.read(`${name}/src/x`) + all;
        expect([round, name, r.read(`${name}/dist/out`)]).toEqual([round, name, all]);
      }
    }
    const folder = join(root, ".sluice/cache");
    const store = openStore(folder);
    for (const { key, file } of listStore(folder)) {
      expect(readEntry(file)?.key).toBe(key);
      const found = store.open(key);
      for (const [output, content] of found?.contents() ?? [])
        expect([output.path, content.toString()]).not.toContain("half\n");
      found?.close();
    }
  },
);

test.skipIf(!existsSync(program))(
  "what a run started ends with it, though the run was killed and could not end it",
  async () => {
    r = new Repository({
      "package.json": { name: "root", private: true, workspaces: ["a"] },
      "a/package.json": { name: "a", scripts: { build: "sleep 600 & echo $! > ../left; wait" } },
    });
    const file = join(r.root, "left");
    const killed = run(r.root);
    await expect.poll(() => existsSync(file) && readFileSync(file, "utf8"), { timeout: 10_000 }).toMatch(/\d\n/);
    killed.child.kill("SIGKILL");
    await killed.ended;
    const left = Number(readFileSync(file, "utf8"));
    await expect.poll(() => isAlive(left), { timeout: 10_000 }).toBe(false);
  },
);

test.skipIf(!existsSync(program))("a reader who has seen enough, as `head` has, does not end the run", async () => {
  const build = "seq 1 20000; mkdir -p dist && echo built > dist/out";
  r = new Repository({
    "package.json": { name: "root", private: true, workspaces: ["a", "b"] },
    ".gitignore": "dist\nstatus\n",
    "a/package.json": { name: "a", scripts: { build } },
    "b/package.json": { name: "b", scripts: { build }, dependencies: { a: "*" } },
  });
  const piped = `(${JSON.stringify(process.execPath)} ${JSON.stringify(program)} run build 2>&1; echo $? > status) | true`;
  const child = spawn("sh", ["-c", piped], { cwd: r.root, stdio: "ignore" });
  children.push(child);
  const status = join(r.root, "status");
  await expect.poll(() => existsSync(status) && readFileSync(status, "utf8"), { timeout: 10_000 }).toMatch(/\d\n/);
  expect([r.read("status"), r.read("a/dist/out"), r.read("b/dist/out")]).toEqual(["0\n", "built\n", "built\n"]);
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
