import { spawn } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { openStore } from "../cache/store.ts";
import { listStore, prune } from "../cache/upkeep.ts";
import { type Files, Repository } from "../test-repository.ts";
import { lock } from "./lock.ts";

const build = "mkdir -p dist && cp src/* dist/ && echo built $MODE";
const project = (name: string, dependencies: Record<string, string> = {}, script = build) => ({
  name,
  scripts: { build: script, lint: "echo linted" },
  dependencies,
});
const files: Files = {
  "package.json": { name: "root", private: true, workspaces: ["packages/*"] },
  "package-lock.json": { name: "root", lockfileVersion: 3, packages: {} },
  "turbo.json": { tasks: { build: { dependsOn: ["^build"], outputs: ["dist/**"], env: ["MODE"] }, lint: {} } },
  ".gitignore": "node_modules\ndist\n.env*\n",
  "packages/ui/package.json": project("ui"),
  "packages/ui/src/a.ts": "a",
  "packages/web/package.json": project("web", { ui: "*" }),
  "packages/web/src/b.ts": "b",
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
const all = "ui#build web#build";

type Case = readonly [title: string, change: (r: Repository) => void, ran: string];
const cases: readonly Case[] = [
  ["nothing changed: nothing runs", () => {}, ""],
  ["a commit of what was built: nothing runs", (r) => r.commit(), ""],
  ["a source: it and who waits for it", (r) => r.write({ "packages/ui/src/a.ts": "x" }), all],
  ["a source of the last one: it alone", (r) => r.write({ "packages/web/src/b.ts": "x" }), "web#build"],
  ["a variable that is declared", (r) => Object.assign(r.env, { MODE: "x" }), all],
  ["a declared variable that is empty, not unset", (r) => Object.assign(r.env, { MODE: "" }), all],
  ["a variable that nobody declared: nothing", (r) => Object.assign(r.env, { OTHER: "x" }), ""],
  [".env of a project, which git ignores", (r) => r.write({ "packages/web/.env": "A=1" }), "web#build"],
  [".env of the root", (r) => r.write({ ".env.local": "A=1" }), all],
  [".env.example: nothing", (r) => r.write({ "packages/web/.env.example": "A=1" }), ""],
  [".npmrc", (r) => r.write({ ".npmrc": "x=1" }), all],
  ["the Node version that the repository asks for", (r) => r.write({ ".nvmrc": "22" }), all],
  [
    "the command",
    (r) => r.write({ "packages/web/package.json": project("web", { ui: "*" }, `${build} && true`) }),
    "web#build",
  ],
  ["an executable bit", (r) => chmodSync(join(r.root, "packages/web/src/b.ts"), 0o755), "web#build"],
  [
    "a file that is renamed",
    (r) => {
      r.write({ "packages/web/src/c.ts": "b" });
      r.remove("packages/web/src/b.ts");
    },
    "web#build",
  ],
  [
    "the definition of another task: nothing",
    (r) =>
      r.write({
        "turbo.json": {
          tasks: {
            build: { dependsOn: ["^build"], outputs: ["dist/**"], env: ["MODE"] },
            lint: { inputs: ["src/**"] },
          },
        },
      }),
    "",
  ],
];
for (const [title, change, ran] of cases) {
  test(`the key: ${title}`, async () => {
    const r = repository();
    expect((await r.run(["build"])).ran).toBe(all);
    change(r);
    expect((await r.run(["build"])).ran).toBe(ran);
    expect((await r.run(["build"])).ran).toBe("");
  });
}

test("an undeclared variable is hidden from the task", async () => {
  const r = repository({ "packages/ui/package.json": project("ui", {}, "mkdir -p dist; echo $SECRET. > dist/x") });
  r.env.SECRET = "hidden";
  await r.run(["build"]);
  expect(r.read("packages/ui/dist/x")).toBe(".\n");
});

test("outputs come back exactly: modes, links, empty folders; strays go, and what git has stays", async () => {
  const script = "mkdir -p dist/empty && echo x > dist/tool && chmod 755 dist/tool && ln -s tool dist/link";
  const r = repository({ "packages/ui/package.json": project("ui", {}, script) });
  await r.run(["build"]);
  const dist = join(r.root, "packages/ui/dist");
  rmSync(dist, { recursive: true });
  mkdirSync(dist);
  writeFileSync(join(dist, "stray"), "");
  expect((await r.run(["build"])).outcome("ui#build")).toBe("restored");
  expect(readdirSync(dist).sort()).toEqual(["empty", "link", "tool"]);
  expect(statSync(join(dist, "tool")).mode & 0o777).toBe(0o755);
  expect(readlinkSync(join(dist, "link"))).toBe("tool");
  writeFileSync(join(dist, "later"), "");
  await r.run(["build"]);
  expect(existsSync(join(dist, "later"))).toBe(false);
});

test("the output of a deleted source is not in the new result", async () => {
  const r = repository({ "packages/ui/src/old.ts": "old" });
  await r.run(["build"]);
  r.remove("packages/ui/src/old.ts");
  await r.run(["build"]);
  expect(readdirSync(join(r.root, "packages/ui/dist"))).toEqual(["a.ts"]);
});

test("a log is replayed byte for byte, standard error in its place", async () => {
  const r = repository({ "packages/ui/package.json": project("ui", {}, "echo one; echo two >&2; echo three") });
  const first = await r.run(["build"]);
  const second = await r.run(["build"]);
  expect(second.logs.get("ui#build")).toBe(first.logs.get("ui#build"));
  expect(second.ran).toBe("");
});

test("a task ends though a daemon that it left holds its output open", async () => {
  const daemon = 'require("child_process").spawn("sleep", ["30"], { detached: true, stdio: "inherit" }).unref()';
  const r = repository({ "packages/ui/package.json": project("ui", {}, `node -e '${daemon}' && echo done`) });
  const run = await r.run(["build"]);
  expect([run.outcome("ui#build"), run.logs.get("ui#build")]).toEqual(["ran", "done\n"]);
}, 20_000);

test("a source edited while its task runs means that the result is not kept", async () => {
  const r = repository({ "packages/web/package.json": project("web", { ui: "*" }, `${build}; echo late > src/b.ts`) });
  const first = await r.run(["build"]);
  expect(first.results.find((x) => x.id === "web#build")?.note).toBe(
    "not cached: packages/web/src/b.ts changed while it ran",
  );
  r.write({ "packages/web/src/b.ts": "b" });
  expect((await r.run(["build"])).ran).toBe("web#build");
});

test("a failure is never kept, ends what waits for it, and with keep-going nothing else", async () => {
  const r = repository({
    "packages/ui/package.json": project("ui", {}, "exit 3"),
    "packages/other/package.json": project("other", {}, "true"),
  });
  const run = await r.run(["build"], { keepGoing: true, concurrency: 1 });
  expect(["ui#build", "web#build", "other#build"].map((id) => run.outcome(id))).toEqual(["failed", "skipped", "ran"]);
  expect((await r.run(["build"])).outcome("ui#build")).toBe("failed");
});

test("what lies behind a task without a command, or behind one that is in place, is waited for", async () => {
  const r = repository({
    "turbo.json": {
      tasks: { build: { outputs: ["dist/**"] }, ready: { dependsOn: ["^build"] }, test: { dependsOn: ["ready"] } },
    },
    "packages/ui/package.json": project("ui", {}, `sleep 0.3; ${build}`),
    "packages/web/package.json": { ...project("web", { ui: "*" }), scripts: { test: "cat ../ui/dist/a.ts src/b.ts" } },
  });
  expect((await r.run(["test"])).logs.get("web#test")).toBe("ab");
  r.write({ "packages/ui/package.json": project("ui", {}, "sleep 0.3; exit 1") });
  expect((await r.run(["test"])).outcome("web#test")).toBe("skipped");
});

test("servers take no place from tasks, run beside those that wait for them, and end with them", async () => {
  const script = (name: string) => `touch ../../${name}.up; sleep 600`;
  const r = repository({
    "turbo.json": { tasks: { dev: { persistent: true }, e2e: { dependsOn: ["dev", "^dev"] } } },
    ".gitignore": "*.up\n",
    "packages/ui/package.json": { name: "ui", scripts: { dev: script("ui") } },
    "packages/web/package.json": {
      name: "web",
      scripts: { dev: script("web"), e2e: "until test -e ../../ui.up && test -e ../../web.up; do sleep 0.05; done" },
      dependencies: { ui: "*" },
    },
  });
  const run = await r.run(["e2e"], { concurrency: 1 });
  expect(["ui#dev", "web#dev", "web#e2e"].map((id) => run.outcome(id))).toEqual(["ran", "ran", "ran"]);
});

test("a task that passes at the second try is called flaky", async () => {
  const r = repository({
    "packages/ui/package.json": project("ui", {}, "test -e ../../tried || { touch ../../tried; exit 1; }"),
  });
  const run = await r.run(["build"], { retries: 1 });
  expect(run.results.find((x) => x.id === "ui#build")).toMatchObject({ outcome: "ran", isFlaky: true });
});

test("bytes flipped anywhere in the cache lead to another run, never to wrong outputs", async () => {
  const r = repository();
  await r.run(["build"]);
  for (const { file } of listStore(join(r.root, ".sluice/cache"))) {
    const bytes = readFileSync(file);
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 0xff;
    writeFileSync(file, bytes);
  }
  r.remove("packages/ui/dist");
  r.remove("packages/web/dist");
  expect((await r.run(["build"])).ran).toBe(all);
  expect(r.read("packages/ui/dist/a.ts")).toBe("a");
});

test("a restore does not follow a link that leads out of the workspace", async () => {
  const r = repository();
  await r.run(["build"]);
  const outside = join(r.root, "..", `${r.root.split("/").at(-1)}-outside`);
  mkdirSync(outside);
  try {
    r.remove("packages/ui/dist");
    symlinkSync(outside, join(r.root, "packages/ui/dist"));
    await r.run(["build"]);
    expect(readdirSync(outside)).toEqual([]);
    expect(r.read("packages/ui/dist/a.ts")).toBe("a");
  } finally {
    rmSync(outside, { recursive: true });
  }
});

test("a cache that cannot be written costs the next run time, not this one its success", async () => {
  const r = repository({ "not-a-folder": "" });
  const run = await r.run(["build"], { cacheFolder: join(r.root, "not-a-folder/cache") });
  expect(run.results.map((x) => [x.outcome, x.note])).toEqual([
    ["ran", "not cached: the cache could not be written"],
    ["ran", "not cached: the cache could not be written"],
  ]);
});

test("a place for its own notes that cannot be made costs the next run time, too", async () => {
  const r = repository({ ".sluice/outputs": "no folder" });
  for (let i = 0; i < 2; i++) expect((await r.run(["build"])).results.map((x) => x.outcome)).not.toContain("failed");
  expect(r.read("packages/web/dist/b.ts")).toBe("b");
});

test("what makes no sense is refused in one sentence", async () => {
  const twins = repository({ "packages/x/package.json": project("ui") });
  await expect(twins.run(["build"])).rejects.toThrow("two projects are called ui: packages/ui and packages/x");
  const circle = repository({ "packages/ui/package.json": project("ui", { web: "*" }) });
  await expect(circle.run(["build"])).rejects.toThrow("these tasks wait for each other: ui#build → web#build");
  const outside = repository({ "turbo.json": { tasks: { build: { outputs: ["../x/**"] } } } });
  await expect(outside.run(["build"])).rejects.toThrow("ui#build declares an output outside its project: ../x/**");
  const shared = repository({
    "turbo.json": { tasks: { build: { outputs: ["dist/**"] }, lint: { outputs: ["dist/**"] } } },
  });
  await expect(shared.run(["build", "lint"])).rejects.toThrow(
    "ui#build and ui#lint both declare the output packages/ui/dist",
  );
});

test("a place within another task's place is left alone by that other task", async () => {
  const r = repository({
    "turbo.json": { tasks: { build: { outputs: ["dist/**"] }, docs: { outputs: ["dist/docs/**"] } } },
    "packages/ui/package.json": { name: "ui", scripts: { build, docs: "mkdir -p dist/docs && echo d > dist/docs/d" } },
  });
  await r.run(["docs"]);
  await r.run(["build", "docs"]);
  r.write({ "packages/ui/src/a.ts": "x" });
  await r.run(["build"], { isForced: true }).catch(() => {});
  await r.run(["build", "docs"]);
  r.remove("packages/ui/dist");
  expect((await r.run(["build", "docs"])).ran).toBe("");
  expect(readdirSync(join(r.root, "packages/ui/dist"))).toEqual(["a.ts", "docs"]);
});

test("what two tasks both declare is the earlier one's where one waits for the other, as Nx infers them", async () => {
  const r = repository({
    "turbo.json": {
      tasks: {
        build: { outputs: ["dist/**/*.{js,d.ts}", "dist/info"] },
        types: { dependsOn: ["build"], outputs: ["dist/**/*.d.ts", "dist/info", "types.info"] },
      },
    },
    "packages/ui/package.json": {
      name: "ui",
      scripts: {
        build: "mkdir -p dist && touch dist/a.js dist/a.d.ts dist/info && cat src/a.ts > dist/a.js",
        types: "test -f dist/a.d.ts && touch types.info",
      },
    },
    ".gitignore": "dist\n*.info\n",
  });
  await r.run(["build", "types"]);
  r.write({ "packages/ui/src/a.ts": "x" });
  expect((await r.run(["build", "types"])).ran).toBe("ui#build ui#types");
  for (const tasks of [["build"], ["types"], ["build", "types"]]) {
    r.remove("packages/ui/dist");
    r.remove("packages/ui/types.info");
    expect((await r.run(tasks)).ran).toBe("");
    expect(readdirSync(join(r.root, "packages/ui/dist")).sort()).toEqual(["a.d.ts", "a.js", "info"]);
  }
});

test("what a command of Nx's runtime inputs prints is part of the key", async () => {
  const r = repository({
    "turbo.json": "",
    "nx.json": {
      targetDefaults: { build: { cache: true, inputs: ["{projectRoot}/**", { runtime: "cat tool-version" }] } },
    },
    ".gitignore": "dist\ntool-version\n",
  });
  r.remove("turbo.json");
  r.write({ "tool-version": "1" });
  r.commit();
  await r.run(["build"]);
  expect((await r.run(["build"])).ran).toBe("");
  r.write({ "tool-version": "2" });
  expect((await r.run(["build"])).ran).toContain("ui#build");
});

test("two runs at once build each task once and agree", async () => {
  const r = repository({
    "packages/ui/package.json": project("ui", {}, `echo ran >> ../../runs.log; sleep 0.2; ${build}`),
    ".gitignore": "dist\n*.log\n",
  });
  const runs = await Promise.all([r.run(["build"]), r.run(["build"])]);
  expect(runs.map((run) => run.results.every((x) => x.outcome !== "failed"))).toEqual([true, true]);
  expect(r.read("runs.log")).toBe("ran\n");
  expect(r.read("packages/ui/dist/a.ts")).toBe("a");
});

test("what a run that was killed left running is ended before its task runs again", async () => {
  const r = repository();
  const orphan = spawn("sh", ["-c", "mkdir -p dist; echo half > dist/a.ts; sleep 1; echo orphan > dist/a.ts"], {
    cwd: join(r.root, "packages/ui"),
    detached: true,
  });
  const ended = new Promise((done) => orphan.once("exit", (_, signal) => done(signal)));
  await expect.poll(() => existsSync(join(r.root, "packages/ui/dist/a.ts"))).toBe(true);
  const stat = existsSync("/proc/self/stat") ? readFileSync(`/proc/${orphan.pid}/stat`, "latin1") : "";
  const began = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  mkdirSync(join(r.root, ".sluice/locks"), { recursive: true });
  writeFileSync(join(r.root, ".sluice/locks/ui%23build"), `${2 ** 22 - 1} 12345\n${orphan.pid} ${began}`);
  await r.run(["build"]);
  expect(await ended).toBe("SIGKILL");
  expect(r.read("packages/ui/dist/a.ts")).toBe("a");
});

test("a run that is stopped does not wait for another run's task", async () => {
  const r = repository();
  const theirs = await lock(join(r.root, ".sluice/locks"), "ui#build", () => false);
  let looks = 0;
  const run = await r.run(["build"], { isStopped: () => ++looks > 20 });
  theirs?.release();
  expect(["ui#build", "web#build"].map((id) => run.outcome(id))).toEqual(["stopped", "stopped"]);
});

test("pruning removes the longest unused first, until the rest fits", async () => {
  const r = repository();
  await r.run(["build"]);
  const folder = join(r.root, ".sluice/cache");
  const [oldest, newest] = listStore(folder);
  expect(
    prune(folder, { sizeMaxBytes: newest?.bytes ?? 0, ageMaxMs: 1e9, nowMs: Date.now() }).map((e) => e.key),
  ).toEqual([oldest?.key]);
  expect(openStore(folder).has(newest?.key ?? "")).toBe(true);
});
