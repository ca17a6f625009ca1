// Tasks that are watched by a real strace. Where there is none (or no right to trace), only the parser is shown.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, expect, test } from "vitest";
import { type Files, Repository } from "../test-repository.ts";
import { readTrace, whyUntraceable } from "./strace.ts";

const trouble = await whyUntraceable();
if (trouble !== undefined) console.log(`tests of the sandbox are skipped: ${trouble}`);
const folder = mkdtempSync(join(tmpdir(), "sluice-sandbox-test-"));
afterAll(() => rmSync(folder, { recursive: true }));

let r: Repository | undefined;
afterEach(() => r?.dispose());

const project = (name: string, build: string, dependencies: Record<string, string> = {}) => ({
  name,
  scripts: { build },
  dependencies,
});
const repository = (script: string, turbo: object, more: Files = {}) => {
  r = new Repository({
    "package.json": { name: "root", private: true, workspaces: ["packages/*"], dependencies: { tool: "1" } },
    "package-lock.json": {
      lockfileVersion: 3,
      packages: Object.fromEntries(
        ["tool", "helper", "stray"].map((name) => [`node_modules/${name}`, { version: "1.0.0" }]),
      ),
    },
    "turbo.json": { tasks: { build: { outputs: ["dist/**"], ...turbo } } },
    ".gitignore": "node_modules\ndist\n",
    "tools/version.txt": "1",
    "packages/ui/package.json": project("ui", "mkdir -p dist && cp src/a dist/a"),
    "packages/ui/src/a": "a",
    "packages/web/package.json": project("web", script, { ui: "*", helper: "1" }),
    "packages/web/src/b": "b",
    "packages/web/notes.md": "n",
    ...more,
  });
  r.write({ "node_modules/tool/x": "", "node_modules/helper/x": "", "node_modules/stray/x": "" });
  return r;
};
const sandbox = (isStrict: boolean) => ({ sandbox: { folder, isStrict }, concurrency: 1 });

test.skipIf(trouble)(
  "what a task reads beside its inputs is told, each with the mend that makes it an input",
  async () => {
    const undeclared = `D=../..; F=tools/version.txt; mkdir -p dist; cat src/b $D/$F notes.md ../ui/src/a ../ui/dist/a \
$D/node_modules/tool/x $D/node_modules/helper/x $D/node_modules/stray/x > dist/b; cat $D/.git/HEAD > /dev/null`;
    const r = repository(undeclared, { inputs: ["src/**"] });
    const [ui, web] = (await r.run(["build"], sandbox(false))).results;
    expect(ui?.undeclared).toBeUndefined();
    expect(web?.outcome).toBe("ran");
    expect(web?.undeclared?.reads.map(({ paths, mend }) => [...paths, mend])).toEqual([
      [".git", "What git says is no input: pass it in a declared variable"],
      ["packages/ui/dist/a", "Let web#build wait for ui#build (dependsOn), which makes it"],
      ["packages/ui/src/a", 'Let build wait for "^build" (dependsOn), or add "../ui/**" to the inputs of build'],
      ["packages/web/notes.md", 'Add "notes.md" to the inputs of build'],
      ["stray", "Add stray to the dependencies in packages/web/package.json"],
      ["tools/version.txt", 'Add "../../tools/version.txt" to the inputs of build'],
    ]);
    // What was told is enough: nothing is left, and each file is part of the key.
    r.write({
      "turbo.json": {
        tasks: {
          build: {
            outputs: ["dist/**"],
            dependsOn: ["^build"],
            inputs: ["src/**", "notes.md", "../../tools/version.txt"],
          },
        },
      },
      "packages/web/package.json": project("web", undeclared.replace(/cat \$D\/\.git.*/, ""), {
        ui: "*",
        helper: "1",
        stray: "1",
      }),
    });
    expect((await r.run(["build"], sandbox(true))).results.map((one) => one.outcome)).toEqual(["ran", "ran"]);
    r.write({ "tools/version.txt": "2" });
    expect((await r.run(["build"])).ran).toBe("ui#build web#build");
  },
);

test.skipIf(trouble)(
  "a file that was opened to be written and stayed as it was is read, and git's settings are nobody's input",
  async () => {
    const r = repository("cat < src/b <> src/b; cat ../../.git/config ../../.git/info/exclude > /dev/null", {});
    expect((await r.run(["build"], sandbox(true))).outcome("web#build")).toBe("ran");
    r.write({ "packages/web/package.json": project("web", "cat <> src/b; echo 2 > src/b", { ui: "*" }) });
    const changed = await r.run(["build"], sandbox(true));
    expect(changed.results.find((one) => one.id === "web#build")?.undeclared?.writes).toMatchObject([
      { paths: ["packages/web/src/b"], mend: /It is a source/ },
    ]);
  },
);

test.skipIf(trouble)("a whole project can be declared as an input of another", async () => {
  const r = repository("mkdir -p dist; cat ../ui/src/a > dist/b", { inputs: ["src/**", "../ui/src/**"] });
  expect((await r.run(["build"], sandbox(true))).results.map((one) => one.note)).toEqual([undefined, undefined]);
  r.write({ "packages/ui/src/a": "changed" });
  expect(await r.affected("build")).toBe("ui#build web#build");
  expect((await r.run(["build"])).ran).toBe("ui#build web#build");
});

test.skipIf(trouble)(
  "strict: a task that reads or writes what it does not declare fails, and is not stored",
  async () => {
    const script = "mkdir -p dist gen; cd gen; echo 1 > tmp; mv tmp 'kept é'; echo 2 > gone; rm gone; cat ../notes.md";
    const r = repository(script, { inputs: ["src/**"] });
    expect((await r.run(["build"])).outcome("web#build")).toBe("ran");
    const run = await r.run(["build"], { ...sandbox(true), isForced: true });
    const web = run.results.find((one) => one.id === "web#build");
    expect(web).toMatchObject({ outcome: "failed", note: "undeclared: 1 read, 1 write" });
    expect(web?.undeclared?.writes).toEqual([
      { paths: ["packages/web/gen/kept é"], mend: 'Add "gen/kept é" to the outputs of build' },
    ]);
    expect((await r.run(["build"])).outcome("web#build")).toBe("ran");
  },
);

test.skipIf(trouble)(
  "a task that is watched ends as it would: its status, its time-out, what it left in the background",
  async () => {
    const r = repository("exit 3", {}, { "packages/ui/package.json": project("ui", "(sleep 60 &) ; echo done") });
    const run = await r.run(["build"], { ...sandbox(false), keepGoing: true });
    expect(run.results.map(({ outcome, note }) => [outcome, note])).toEqual([
      ["ran", undefined],
      ["failed", "exit 3"],
    ]);
    r.write({ "packages/ui/package.json": project("ui", "sleep 60") });
    const late = await r.run(["build"], { ...sandbox(false), timeoutMs: 500 });
    expect(late.results[0]).toMatchObject({ outcome: "failed", note: "killed after 500 ms" });
  },
);

test("a trace is read as strace writes it", async () => {
  const file = join(folder, "trace");
  writeFileSync(
    file,
    String.raw`7 openat(AT_FDCWD</r>, "a/in.txt", O_RDONLY|O_CLOEXEC) = 3</r/a/in.txt>
7 openat(AT_FDCWD</r>, "own", O_RDONLY) = 3</r/own>
7 openat(AT_FDCWD</r>, "own", O_WRONLY|O_CREAT|O_TRUNC, 0666) = 3</r/own>
7 openat(AT_FDCWD</r>, "gone", O_RDONLY) = 3</r/gone>(deleted)
7 openat(AT_FDCWD</r>, "a", O_RDONLY|O_DIRECTORY) = 3</r/a>
7 openat2(AT_FDCWD</r>, "q \", O_RDWR", {flags=O_RDONLY, resolve=0}, 24) = 3</r/\303\251 \74x\76>
8 rename("tmp", "kept") = 0
7 rename("tmp", "kept") = 0
7 renameat2(5</d>, "x", 6</e>, "y", RENAME_NOREPLACE) = 0
`,
  );
  const { reads, writes } = await readTrace(file, { cwd: "/cwd", atMs: 0 });
  expect([...reads]).toEqual(["/r/a/in.txt", "/r/é <x>"]);
  expect([...writes]).toEqual(["/r/own", "/cwd/kept", "/r/kept", "/e/y"]);
});
