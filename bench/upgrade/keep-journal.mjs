// Keeps what a version of Sluice writes, as test/fixtures/journals/NAME.sql: a first deployment, one that is taken back, one
// that a person ends, and one left in the middle of its canary, all made by the real command on real parts. Run it at each
// release whose tables or facts differ from the last one's; test/upgrade.test.ts reads every file with the newest code.
//   npm run keep-journal -- NAME [--from COMMIT]  COMMIT is built in a worktree of its own; this one's dist/ unless given
//                                [--finish]       then the present dist/ takes the machine over and ends the canary
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { build } from "esbuild";
import pg from "pg";

const here = resolve(import.meta.dirname, "../..");
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { from: { type: "string" }, finish: { type: "boolean", default: false } },
});
const [name] = positionals;
if (name === undefined) throw new Error("usage: npm run keep-journal -- NAME [--from COMMIT][--finish]");

const temporary = mkdtempSync(join(tmpdir(), "sluice-journal-"));
const root = join(temporary, "repository");
const checkout = join(temporary, "checkout");
const tools = mkdtempSync(join(import.meta.dirname, ".run-")); // beside node_modules, which stay outside the bundle
const newest = join(here, "dist/sluice.js");
let program = newest;
const services = [];
/** The public address, from the first deployment on. */
let address;

const service = `import { createServer } from "node:http";
const { PORT, ERROR_SHARE = "0" } = process.env;
const server = createServer((request, response) => {
  response.statusCode = request.url !== "/health" && Math.random() < Number(ERROR_SHARE) ? 500 : 200;
  response.end("{}");
});
server.listen(Number(PORT), "127.0.0.1");
process.on("SIGTERM", () => server.close(() => process.exit(0)));
`;

for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => void stopAll().then(() => process.exit(1)));
try {
  const { dump } = await bundled("src/testing/sql-dump.ts");
  const { startEmbedded, stopEmbedded } = await bundled("src/adapters/postgres/embedded/server.ts");
  if (values.from !== undefined) program = builtFrom(values.from);
  const { url } = await startEmbedded(temporary);
  services.push(() => stopEmbedded(temporary));
  const database = new pg.Client(url);
  await database.connect();
  services.push(() => database.end());
  services.push(() => sluice(newest, url, "down"));
  await live(url, database);
  const file = join(here, "test/fixtures/journals", `${name}.sql`);
  writeFileSync(file, await dump(database));
  console.log(`${file}: ${readFileSync(file).length} bytes`);
  if (values.finish) await finish(url, database);
} finally {
  await stopAll();
}

async function stopAll() {
  for (const stop of services.splice(0).reverse()) await stop();
  if (values.from !== undefined) spawnSync("git", ["worktree", "remove", "--force", checkout], { cwd: here });
  rmSync(tools, { recursive: true, force: true });
  rmSync(temporary, { recursive: true, force: true, maxRetries: 5 });
}

async function live(url, database) {
  mkdirSync(join(root, "web"), { recursive: true });
  writeFileSync(join(root, "package.json"), '{"name":"kept","private":true,"type":"module","workspaces":["web"]}');
  writeFileSync(join(root, "web/package.json"), '{"name":"web","type":"module"}');
  writeFileSync(join(root, "web/main.ts"), service);
  configure({ N: "1" }, "1s");
  sluice(program, url, "up", "--port", "0");
  expect(await deploy(url, "1"), "succeeded");
  configure({ N: "2", ERROR_SHARE: "0.6" }, "4s");
  expect(await deploy(url, "2"), "rolled back");
  configure({ N: "3" }, "30s");
  const third = deploy(url, "3");
  await until(database, `${newestOf(3)} and kind = 'step done'`);
  sluice(program, url, "pause", "production", "--reason", "lunch");
  sluice(program, url, "abort", "production", "--reason", "the wrong one");
  expect(await third, "aborted");
  configure({ N: "4" }, "6s");
  void deploy(url, "4");
  // In the middle of its first bake, with some of its evidence kept.
  await until(
    database,
    `${newestOf(4)} and (select count(*) from sluice.evidence e where e.deployment = events.deployment) >= 2`,
  );
  process.kill(JSON.parse(readFileSync(join(root, ".sluice/control.json"), "utf8")).pid, "SIGKILL");
}

/** What is deployed at the end by the newest program, beside what the older one had begun. */
async function finish(url, database) {
  const answers = { ok: 0, failed: 0 };
  const over = new AbortController();
  const loading = load((ok) => {
    answers[ok ? "ok" : "failed"] += 1;
  }, over.signal);
  sluice(newest, url, "up", "--port", "0");
  await until(database, `${newestOf(4)} and kind = 'ended'`);
  over.abort();
  await loading;
  const { rows } = await database.query("select outcome from sluice.deployments order by turn");
  console.log(`finished by the newest: ${rows.map(({ outcome }) => outcome).join(", ")}; ${JSON.stringify(answers)}`);
  process.exitCode = rows.at(-1).outcome === "succeeded" && answers.failed === 0 ? 0 : 1;
}

/** The last of so many deployments. */
function newestOf(count) {
  return `deployment = (select id from sluice.deployments order by turn desc limit 1)
    and (select count(*) from sluice.deployments) = ${count}`;
}

function configure(env, bake) {
  writeFileSync(
    join(root, "sluice.config.ts"),
    `import { defineConfig } from "sluice";
export default defineConfig({
  workspace: "kept",
  services: { web: { kind: "http", path: "web", build: { bundle: "main.ts" }, replicas: 2, ingress: { path: "/" },
    drainTimeout: "2s", grace: "1s", env: ${JSON.stringify(env)} } },
  environments: { production: {
    strategy: { kind: "canary", steps: [{ setWeight: 20 }, { bake: "${bake}" }, { setWeight: 100 }] },
    checks: { minimumRequests: 20 }, bake: "1s",
  } },
});
`,
  );
}

async function deploy(url, release) {
  const over = new AbortController();
  const loading = load(() => {}, over.signal);
  const child = spawn(process.execPath, [program, "deploy", "production", "--name", release, "--json", "-C", root], {
    env: environment(url),
    stdio: ["ignore", "pipe", "ignore"],
  });
  let out = "";
  child.stdout.on("data", (chunk) => {
    out += chunk;
  });
  await new Promise((done) => child.once("close", done));
  over.abort();
  await loading;
  return JSON.parse(out.trim().split("\n").at(-1) || "{}").outcome;
}

function sluice(own, url, ...args) {
  const ran = spawnSync(process.execPath, [own, ...args, "--json", "-C", root], {
    encoding: "utf8",
    env: environment(url),
  });
  if (ran.status !== 0) console.error(`sluice ${args.join(" ")}: ${ran.stdout}${ran.stderr}`);
  return ran.stdout;
}

function environment(url) {
  return { ...process.env, DATABASE_URL: url, SLUICE_INTERVAL_MS: "500" };
}

/** A request every 10 ms, once there is somebody to answer. */
async function load(told, signal) {
  while (!signal.aborted) {
    address ??= await entry();
    if (address === undefined) await sleep(500);
    else
      await fetch(address).then(
        (answer) => answer.text().then(() => told(answer.ok)),
        () => told(false),
      );
    await sleep(10);
  }
}

/** What the public address is, once the machine says. */
async function entry() {
  const child = spawn(process.execPath, [program, "status", "--json", "-C", root], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  let out = "";
  child.stdout.on("data", (chunk) => {
    out += chunk;
  });
  await new Promise((done) => child.once("close", done));
  return /http:\/\/127\.0\.0\.1:\d+/.exec(out)?.[0];
}

async function until(database, where) {
  for (let i = 0; i < 1200; i++) {
    const { rows } = await database
      .query(`select 1 from sluice.events where ${where} limit 1`)
      .catch(() => ({ rows: [] }));
    if (rows.length > 0) return;
    await sleep(50);
  }
  throw new Error(`it did not become so within a minute: ${where}`);
}

function expect(outcome, wanted) {
  if (outcome !== wanted) throw new Error(`a deployment ended as ${outcome}, not as ${wanted}`);
}

function builtFrom(commit) {
  execFileSync("git", ["worktree", "add", "--detach", "--quiet", checkout, commit], { cwd: here });
  symlinkSync(join(here, "node_modules"), join(checkout, "node_modules"));
  execFileSync(process.execPath, ["scripts/build.mjs"], { cwd: checkout, stdio: "inherit" });
  return join(checkout, "dist/sluice.js");
}

async function bundled(source) {
  const outfile = join(tools, `${source.split("/").at(-1)}.mjs`);
  await build({
    entryPoints: [join(here, source)],
    outfile,
    bundle: true,
    packages: "external",
    platform: "node",
    format: "esm",
  });
  return import(pathToFileURL(outfile).href);
}
