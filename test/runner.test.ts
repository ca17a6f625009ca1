// A push becomes a build: a real git repository, the real control plane and database, the real runner as a process that is
// killed midway.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";

const program = resolve(import.meta.dirname, "../dist/sluice.js");
const root = mkdtempSync(join(tmpdir(), "sluice-runner-"));
const [origin, data] = [join(root, "origin"), join(root, "data")];
let runner: ChildProcess | undefined;

function sluice(...args: string[]): { readonly [key: string]: unknown } {
  const text = execFileSync(process.execPath, [program, ...args, "--data", data, "--json"], {
    encoding: "utf8",
    cwd: root,
  });
  return JSON.parse(text);
}

function git(...args: string[]): string {
  const who = ["-c", "user.name=ana", "-c", "user.email=ana@example.com"];
  return execFileSync("git", [...who, ...args], { cwd: origin, encoding: "utf8" }).trim();
}

/** One project; its test shows what a task may see, and takes as long as the file `slow` says. */
function write(version: string): string {
  mkdirSync(join(origin, "app"), { recursive: true });
  writeFileSync(join(origin, "package.json"), JSON.stringify({ name: "shop", private: true, workspaces: ["app"] }));
  writeFileSync(join(origin, "turbo.json"), JSON.stringify({ tasks: { test: { passThroughEnv: ["DEPLOY_KEY"] } } }));
  writeFileSync(
    join(origin, "app/package.json"),
    JSON.stringify({ name: "app", version: "1.0.0", scripts: { test: "node test.js" } }),
  );
  writeFileSync(
    join(origin, "app/test.js"),
    `// ${version}
const { existsSync } = require("node:fs");
console.log("version ${version}, secret", process.env.DEPLOY_KEY, ", token", process.env.SLUICE_RUNNER_TOKEN, process.env.GIT_TOKEN);
if (existsSync("slow")) {
  const daemon = require("node:child_process").spawn("sleep", ["600"], { detached: true, stdio: "inherit" });
  console.log("processes", process.pid, daemon.pid, "end");
  setTimeout(() => console.log("slept"), 60_000);
}`,
  );
  git("add", "-A");
  git("commit", "--quiet", "--message", version);
  return git("rev-parse", "HEAD");
}

interface BuildAnswer {
  readonly id: string;
  readonly state: string;
  readonly attempt: number;
  readonly because?: string;
}

function where(): string {
  return (JSON.parse(readFileSync(join(data, "control.json"), "utf8")) as { url: string }).url;
}

async function ended(id: string, until: (build: BuildAnswer) => boolean = isOver): Promise<BuildAnswer> {
  for (let tries = 0; tries < 240; tries++) {
    const found = (sluice("build", "ls").builds as BuildAnswer[]).find((build) => build.id === id);
    if (found !== undefined && until(found)) return found;
    await sleep(250);
  }
  throw new Error(`${id} did not end; the log says\n${await logOf(id)}`);
}

function isOver({ state }: BuildAnswer): boolean {
  return state !== "queued" && state !== "running";
}

async function logOf(id: string): Promise<string> {
  const token = readFileSync(join(data, "token"), "utf8").trim();
  const answer = await fetch(`${where()}/api/v1/builds/${id}/log`, { headers: { authorization: `Bearer ${token}` } });
  return await answer.text();
}

function startRunner(): ChildProcess {
  return spawn(process.execPath, [program, "runner", "--data", data], { cwd: root, stdio: "ignore" });
}

async function push(secret: string, body: object): Promise<{ status: number; build?: string }> {
  const text = JSON.stringify(body);
  const signature = `sha256=${createHmac("sha256", secret).update(text).digest("hex")}`;
  const answer = await fetch(`${where()}/hooks/shop`, {
    method: "POST",
    headers: { "x-github-event": "push", "x-hub-signature-256": signature, "content-type": "application/json" },
    body: text,
  });
  return { status: answer.status, ...((await answer.json()) as object) };
}

beforeAll(() => {
  mkdirSync(origin);
  git("init", "--quiet", "--initial-branch=main");
  git("config", "uploadpack.allowAnySHA1InWant", "true");
  sluice("up");
}, 60_000);

afterAll(() => {
  runner?.kill("SIGKILL");
  sluice("down");
  rmSync(root, { recursive: true, force: true });
}, 60_000);

test("a signed push to a branch is built from a clean checkout; secrets are for trusted branches and never in the log", async () => {
  const first = write("one");
  const { hook, secret } = sluice(
    "repository",
    "add",
    "shop",
    origin,
    "--run",
    "test",
    "--on",
    "main",
    "wild",
    "--all",
  );
  expect(hook).toBe(`${where()}/hooks/shop`);
  writeFileSync(join(root, "secrets.env"), "DEPLOY_KEY=correct horse battery\nGIT_TOKEN=for-the-fetch-only\n");
  sluice("repository", "secret", "shop", join(root, "secrets.env"));
  expect((await push("wrong", { ref: "refs/heads/main", after: first })).status).toBe(401);
  expect((await push(String(secret), { ref: "refs/heads/other", after: first })).status).toBe(202);
  const { build = "" } = await push(String(secret), { ref: "refs/heads/main", after: first, pusher: { name: "ana" } });
  expect(await ended(build)).toMatchObject({ state: "succeeded", attempt: 1 });
  const log = await logOf(build);
  expect(log).toContain("version one, secret *** , token undefined undefined");
  expect(log).not.toMatch(/horse|for-the-fetch-only/);
  git("branch", "wild");
  const untrusted = await push(String(secret), { ref: "refs/heads/wild", after: first });
  expect(await ended(untrusted.build ?? "")).toMatchObject({ state: "succeeded" });
  // The trusted result was shared: an untrusted build may read it, and has no secret to make another.
  expect(await logOf(untrusted.build ?? "")).toMatch(/app#test {2}(cached|done)/);
}, 120_000);

test("a push is built as far as it differs from what was last built well; told again, it is the same build", async () => {
  const { secret } = sluice("repository", "add", "shop", origin, "--run", "test");
  const head = () => git("rev-parse", "HEAD");
  const pushed = async () => (await push(String(secret), { ref: "refs/heads/main", after: head() })).build ?? "";
  const edit = (file: string, text: string) => {
    writeFileSync(join(origin, file), text);
    git("add", "-A");
    git("commit", "--quiet", "--message", file);
  };
  edit("app/test.js", "process.exit(3)");
  expect(await ended(await pushed())).toMatchObject({ state: "failed" });
  edit("README.md", "nothing that a test reads");
  const stillBroken = await pushed();
  expect(await ended(stillBroken)).toMatchObject({
    state: "failed",
    because: expect.stringContaining("ended with code 1"),
  });
  expect(await pushed()).toBe(stillBroken);
  edit("app/test.js", "");
  expect(await ended(await pushed())).toMatchObject({ state: "succeeded" });
  edit("README.md", "again nothing");
  const unaffected = await pushed();
  expect(await ended(unaffected)).toMatchObject({ state: "succeeded" });
  expect(await logOf(unaffected)).not.toContain("app#test");
}, 120_000);

test("a build that fails says at which step, and one that is cancelled leaves nothing running", async () => {
  writeFileSync(join(origin, "app/slow"), "");
  write("slow");
  const slow = (sluice("build", "run", "shop", "--detach").build as BuildAnswer).id;
  await ended(slow, ({ state }) => state === "running");
  for (let tries = 0; tries < 200 && !(await logOf(slow)).includes(" end"); tries++) await sleep(100);
  const started = await processesOf(slow);
  sluice("build", "cancel", slow);
  expect(await ended(slow)).toMatchObject({ state: "cancelled", because: expect.stringMatching(/^cancelled by \w/) });
  expect(started.filter(isAlive)).toEqual([]);
  rmSync(join(origin, "app/slow"));
  writeFileSync(join(origin, "app/test.js"), "process.exit(3)");
  git("add", "-A");
  git("commit", "--quiet", "--message", "broken");
  const broken = (sluice("build", "run", "shop", "--detach").build as BuildAnswer).id;
  expect(await ended(broken)).toMatchObject({
    state: "failed",
    because: expect.stringMatching(/^sluice run test ended with code 1/),
  });
  for (let tries = 0; tries < 50 && left().length > 0; tries++) await sleep(100);
  expect(left()).toEqual([]);
}, 120_000);

test("a runner that is killed midway leaves its build to the next one, which sweeps what was left", async () => {
  writeFileSync(join(origin, "app/slow"), "");
  write("killed midway");
  const id = (sluice("build", "run", "shop", "--detach").build as BuildAnswer).id;
  for (let tries = 0; tries < 200 && !(await logOf(id)).includes(" end"); tries++) await sleep(100);
  const started = await processesOf(id);
  const lock = JSON.parse(readFileSync(join(data, "runner/runner.lock"), "utf8")) as { pid: number };
  process.kill(lock.pid, "SIGKILL");
  expect(left()).not.toEqual([]);
  runner = startRunner();
  for (let tries = 0; tries < 100 && left().length > 0; tries++) await sleep(100);
  expect(left()).toEqual([]);
  expect(started.filter(isAlive)).toEqual([]);
  const again = await ended(id, ({ attempt, state }) => attempt === 2 && state === "running");
  expect(again.attempt).toBe(2);
  sluice("build", "cancel", id);
  await ended(id);
}, 120_000);

/** What the slow test started: itself, and a daemon that left its process group. */
async function processesOf(id: string): Promise<readonly number[]> {
  const [, pids = ""] = /processes (.*) end/.exec(await logOf(id)) ?? [];
  const found = pids.split(" ").map(Number);
  expect(found.filter(isAlive)).toHaveLength(2);
  return found;
}

function isAlive(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, "latin1").includes(") Z ");
  } catch {
    return false;
  }
}

/** Directories of builds. */
function left(): readonly string[] {
  const work = join(data, "runner");
  return existsSync(work) ? readdirSync(work).filter((name) => name.startsWith("b-")) : [];
}
