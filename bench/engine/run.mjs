// What the engine costs on the process target, on this machine: a first deployment by phase, time that it adds to a step,
// and the time from a failing verdict until all traffic is back. `npm run bench:engine [-- --rollouts 5 --json]`
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir, totalmem } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: {
    rollouts: { type: "string", default: "5" },
    schedules: { type: "string", default: "5000" },
    json: { type: "boolean" },
  },
});
const program = resolve(import.meta.dirname, "../../dist/sluice.js");
const root = mkdtempSync(join(tmpdir(), "sluice-bench-engine-"));
const data = join(root, ".sluice");

const server = `import { createServer } from "node:http";
const { PORT, ERROR_SHARE = "0" } = process.env;
const server = createServer((request, response) => {
  response.statusCode = request.url !== "/health" && Math.random() < Number(ERROR_SHARE) ? 500 : 200;
  response.end("ok");
});
server.keepAliveTimeout = 75_000;
server.listen(Number(PORT), "127.0.0.1");
process.on("SIGTERM", () => server.close(() => process.exit(0)));
`;

const strategies = {
  canary:
    'strategy: { kind: "canary", steps: [{ setWeight: 10 }, { bake: "1s" }, { setWeight: 50 }, { bake: "1s" }, { setWeight: 100 }] }',
  blueGreen: 'strategy: { kind: "blueGreen", switchShares: [50, 100], afterSwitch: [{ bake: "1s" }] }',
};

function configure(strategy, env) {
  writeFileSync(
    join(root, "sluice.config.ts"),
    `import { defineConfig } from "sluice";
export default defineConfig({
  workspace: "bench",
  services: { web: { kind: "http", path: "web", build: { bundle: "main.ts" }, replicas: 2, ingress: { path: "/" }, env: ${JSON.stringify(env)} } },
  environments: { production: { ${strategies[strategy]}, checks: { minimumRequests: 10, comparison: false }, bake: "0s" } },
});`,
  );
}

function sluice(...args) {
  const started = performance.now();
  const ran = spawnSync(process.execPath, [program, ...args, "--json", "-C", root], {
    encoding: "utf8",
    env: { ...process.env, SLUICE_INTERVAL_MS: "500" },
  });
  return {
    ms: performance.now() - started,
    status: ran.status,
    json: parsed(ran.stdout),
    text: ran.stdout + ran.stderr,
  };
}

function parsed(text) {
  const last = text.trim().split("\n").at(-1) ?? "";
  return last.startsWith("{") ? JSON.parse(last) : {};
}

async function eventsOf(id) {
  const { url } = JSON.parse(readFileSync(join(data, "control.json"), "utf8"));
  const authorization = `Bearer ${readFileSync(join(data, "token"), "utf8").trim()}`;
  const answer = await fetch(`${url}/api/v1/deployments/${id}/events`, { headers: { authorization } });
  const body = await answer.json();
  return body.events ?? body;
}

/** Milliseconds of each step that only shifts traffic: no replica is waited for, so it is engine, host and router alone. */
function shifts(events) {
  const plan = events.find(({ fact }) => fact.kind === "planned").fact.plan;
  const capacity = (frame) =>
    JSON.stringify(
      Object.entries(frame.revisions)
        .map(([r, share]) => [r, share.capacity])
        .sort(),
    );
  return events.flatMap((event, i) => {
    if (event.fact.kind !== "step done") return [];
    const { steps } = plan.nodes.find((node) => node.id === event.fact.node);
    const [step, before] = [steps[event.fact.step], steps[event.fact.step - 1]];
    const isShift = step.kind === "set" && before?.kind === "set" && capacity(step.frame) === capacity(before.frame);
    return isShift ? [event.at - events[i - 1].at] : [];
  });
}

function backAfter(events) {
  const verdict = events.find(({ fact }) => fact.kind === "judged" && fact.verdict === "fail");
  const back = events.find(({ fact }) => fact.kind === "walked back");
  return verdict && back ? [back.at - verdict.at] : [];
}

function quantiles(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (q) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? null;
  return { n: sorted.length, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: sorted.at(-1) ?? null };
}

async function load(isOver) {
  const seen = spawnSync(process.execPath, [program, "status", "--json", "-C", root], { encoding: "utf8" });
  const url = /http:\/\/127\.0\.0\.1:\d+/.exec(seen.stdout)?.[0];
  while (!isOver()) {
    await Promise.all(
      Array.from({ length: 4 }, () =>
        fetch(url)
          .then((a) => a.text())
          .catch(() => {}),
      ),
    );
    await new Promise((next) => setTimeout(next, 20));
  }
}

async function deployUnderLoad(name) {
  let over = false;
  const loading = load(() => over);
  const { spawn } = await import("node:child_process");
  const child = spawn(process.execPath, [program, "deploy", "production", "--name", name, "--json", "-C", root], {
    env: { ...process.env, SLUICE_INTERVAL_MS: "500" },
    stdio: ["ignore", "pipe", "ignore"],
  });
  let out = "";
  child.stdout.on("data", (chunk) => {
    out += chunk;
  });
  await new Promise((done) => child.once("close", done));
  over = true;
  await loading;
  return eventsOf(parsed(out).deployment);
}

mkdirSync(join(root, "web"), { recursive: true });
writeFileSync(join(root, "package.json"), '{"name":"bench","private":true,"type":"module","workspaces":["web"]}');
writeFileSync(join(root, "web/package.json"), '{"name":"web","type":"module"}');
writeFileSync(join(root, "web/main.ts"), server);
const report = {
  machine: `${cpus().length} × ${cpus()[0]?.model}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`,
  steps: {},
};
try {
  configure("canary", { N: "0" });
  const up = sluice("up", "--port", "0");
  const first = sluice("deploy", "production", "--name", "0");
  if (first.json.outcome !== "succeeded") throw new Error(first.text);
  report.firstDeployment = { upSeconds: up.ms / 1000, buildAndDeploySeconds: first.ms / 1000 };
  for (const strategy of Object.keys(strategies)) {
    const [added, back] = [[], []];
    for (let i = 0; i < Number(values.rollouts); i++) {
      configure(strategy, { N: `${strategy}${i}` });
      added.push(...shifts(await deployUnderLoad(`${strategy}-${i}`)));
      configure(strategy, { N: `${strategy}${i}`, ERROR_SHARE: "0.5" });
      back.push(...backAfter(await deployUnderLoad(`${strategy}-${i}-bad`)));
    }
    report.steps[strategy] = { shiftStep: quantiles(added), verdictToAllTrafficOnStable: quantiles(back) };
  }
} finally {
  sluice("down");
  rmSync(root, { recursive: true, force: true, maxRetries: 5 });
}
const crash = resolve(import.meta.dirname, "../crash/run.mjs");
const ran = spawnSync(process.execPath, [crash, "--schedules", values.schedules, "--json"], { encoding: "utf8" });
report.crashSchedules = parsed(ran.stdout);
if (values.json) console.log(JSON.stringify(report));
else {
  console.log(report.machine);
  console.log("process target, 2 replicas, bakes of 1 s, counted intervals of 0.5 s; moments by the database's clock");
  const { upSeconds, buildAndDeploySeconds } = report.firstDeployment;
  console.log(`first deployment: up ${upSeconds.toFixed(1)} s, build and deploy ${buildAndDeploySeconds.toFixed(1)} s`);
  for (const [strategy, { shiftStep, verdictToAllTrafficOnStable }] of Object.entries(report.steps)) {
    console.log(`${strategy}: a step that only shifts traffic, engine and host together: ${text(shiftStep)}`);
    console.log(`${strategy}: failing verdict → all traffic on stable: ${text(verdictToAllTrafficOnStable)}`);
  }
  const { schedules, violations, schedulesPerSecond, simulatedHoursPerSecond, threads } = report.crashSchedules;
  console.log(
    `crash schedules (the real engine on simulated parts and virtual time, ${threads} threads): ${schedules}, ` +
      `${violations} violations, ${schedulesPerSecond} a second, ${simulatedHoursPerSecond} simulated hours a second`,
  );
}

function text({ n, p50Ms, p99Ms, maxMs }) {
  return `p50 ${p50Ms} ms, p99 ${p99Ms} ms, max ${maxMs} ms (n = ${n})`;
}
