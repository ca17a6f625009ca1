// `sluice run --watch` as a person has it: a change is run, Ctrl-C leaves nothing behind.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { Repository } from "../src/workspace/test-repository.ts";

const program = resolve(import.meta.dirname, "../dist/sluice.cjs");
let r: Repository | undefined;
let child: ChildProcess | undefined;
afterEach(() => {
  child?.kill("SIGKILL");
  r?.dispose();
});

test.skipIf(!existsSync(program))(
  "a watched run runs what changed, and Ctrl-C ends it with its servers",
  { timeout: 60_000 },
  async () => {
    r = new Repository({
      "package.json": { name: "root", private: true, workspaces: ["a", "b"] },
      ".gitignore": "*.pid\n.env\n",
      "a/package.json": { name: "a", scripts: { check: "cat src/x", dev: "echo $$ > ../server.pid; sleep 600" } },
      "a/src/x": "one\n",
      "b/package.json": { name: "b", scripts: { check: "cat src/x" } },
      "b/src/x": "two\n",
    });
    let said = "";
    child = spawn(process.execPath, [program, "run", "check", "dev", "--watch"], {
      cwd: r.root,
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk) => (said += chunk));
    const ended = new Promise<number | null>((done) => child?.once("exit", done));
    const says = async (text: RegExp) => {
      for (let i = 0; i < 400 && !text.test(said); i++) await wait(50);
      expect(said).toMatch(text);
    };
    await says(/2 ran; waiting for changes/);
    await says(/a#dev {2}\$/);
    said = "";
    r.write({ "a/src/x": "three\n" });
    await says(/a#check {2}three[\s\S]*1 cached, 1 ran; waiting/);
    said = "";
    r.write({ "b/package.json": "{ half" });
    await says(/b\/package.json is not valid JSON/);
    r.write({ "b/package.json": { name: "b", scripts: { check: "echo mended" } } });
    await says(/b#check {2}mended[\s\S]*; waiting/);
    said = "";
    r.write({ "b/.env": "A=1" });
    await says(/1 cached, 1 ran; waiting/);
    const server = Number(r.read("server.pid"));
    child.kill("SIGINT");
    await ended;
    expect(() => process.kill(server, 0)).toThrow();
  },
);
