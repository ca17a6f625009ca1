// Plants deliberate faults, one at a time, and shows which test catches each. Exit status 1 when one survives, or when a
// fault can no longer be planted because the source has moved on.
//   npm run mutants [-- --only NAME] [--list] [--json] [--jobs N]
//   --check        only that each can still be planted: a second, in CI; all of it takes a quarter of an hour on two cores
//   --only "changes nothing"   plants what is no fault: it survives, and is told
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { faults, harmless } from "./faults.mjs";

const root = resolve(import.meta.dirname, "../..");
const folder = mkdtempSync(join(tmpdir(), "sluice-mutants-"));
/** Quick ones first; only what they miss is shown to the crash schedules. */
const suites = [
  [
    "src/domain/plan.test.ts",
    "src/domain/verbs.test.ts",
    "src/domain/seen.test.ts",
    "src/domain/return-target.test.ts",
    "src/domain/judge/judge.test.ts",
    "src/engine",
    "test/field-complaints.test.ts",
  ],
  ["test/crash.test.ts"],
];
/** A fault may also make the tests hang: that is noticed too, by several times what all of them take without one. */
let hangsAfterMs = 1_800_000;

let runs = 0;
const running = new Set();
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, () => {
    for (const { pid } of running) process.kill(-pid, "SIGKILL");
    rmSync(folder, { recursive: true, force: true });
    process.exit(1);
  });
}

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    list: { type: "boolean", default: false },
    check: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    jobs: { type: "string", default: String(availableParallelism()) },
  },
});

const chosen =
  values.only === undefined ? faults : [...faults, harmless].filter(({ name }) => name.includes(values.only));
if (values.check) check();
else if (values.list) for (const { name, file } of faults) console.log(`${file.padEnd(32)} ${name}`);
else await main().finally(() => rmSync(folder, { recursive: true }));

async function main() {
  if (chosen.length === 0) throw new Error(`there is no fault "${values.only}": --list names them`);
  const begun = performance.now();
  const sound = await run(undefined, [
    ...new Set([...suites.flat(), ...chosen.flatMap((fault) => fault.suites ?? [])]),
  ]);
  if (sound.caught !== undefined) throw new Error(`without a fault the tests fail already: ${sound.caught}`);
  hangsAfterMs = Math.max(120_000, 4 * (performance.now() - begun));
  const results = [];
  const waiting = [...chosen];
  await Promise.all(
    Array.from({ length: Number(values.jobs) }, async () => {
      for (let fault = waiting.shift(); fault !== undefined; fault = waiting.shift()) {
        const result = await judged(fault);
        results.push(result);
        if (!values.json) console.log(line(result));
      }
    }),
  );
  const left = results.filter(({ state }) => state !== "caught");
  if (values.json) console.log(JSON.stringify(results, undefined, 1));
  else console.log(`${results.length} faults, ${results.length - left.length} caught, ${left.length} not`);
  process.exitCode = left.length === 0 ? 0 : 1;
}

/** How often a fault's snippet is in its file: once, or it cannot be planted. */
function placesOf({ file, from }) {
  return readFileSync(resolve(root, file), "utf8").split(from).length - 1;
}

function check() {
  const lost = chosen.filter((fault) => placesOf(fault) !== 1);
  for (const fault of lost)
    console.log(line({ ...fault, state: "cannot be planted", by: lostWords(fault), seconds: 0 }));
  console.log(`${chosen.length} faults, ${chosen.length - lost.length} can be planted`);
  process.exitCode = lost.length === 0 ? 0 : 1;
}

function lostWords(fault) {
  return `its snippet is there ${placesOf(fault)} times: ${fault.from.split("\n")[0]}`;
}

async function judged(planted) {
  const { name, file, suites: own } = planted;
  const started = performance.now();
  const result = (state, by) => ({
    name,
    file,
    state,
    by,
    seconds: Math.round((performance.now() - started) / 100) / 10,
  });
  if (placesOf(planted) !== 1) return result("cannot be planted", lostWords(planted));
  for (const tests of own === undefined ? suites : [own]) {
    const { caught } = await run(name, tests);
    if (caught !== undefined) return result("caught", caught);
  }
  return result("survived", "no test failed");
}

function line({ name, file, state, by, seconds }) {
  const sign = state === "caught" ? "✓" : "✗";
  return `${sign} ${name.padEnd(52)} ${file.padEnd(30)} ${String(seconds).padStart(5)} s  ${state === "caught" ? by : `${state.toUpperCase()}: ${by}`}`;
}

/** Runs the tests with a fault planted: the first that failed, in words, or nothing. */
async function run(fault, tests) {
  runs += 1;
  const report = join(folder, `${runs}.json`);
  const vitest = resolve(root, "node_modules/vitest/vitest.mjs");
  const config = resolve(import.meta.dirname, "vitest.config.mjs");
  const child = spawn(
    process.execPath,
    [vitest, "run", "--config", config, "--reporter=json", `--outputFile=${report}`, ...tests],
    {
      cwd: root,
      env: { ...process.env, SLUICE_FAULT: fault ?? "", NODE_NO_WARNINGS: "1" },
      stdio: "ignore",
      detached: true,
    },
  );
  running.add(child);
  let hasHung = false;
  const timer = setTimeout(() => {
    hasHung = true;
    process.kill(-child.pid, "SIGKILL");
  }, hangsAfterMs);
  const code = await new Promise((resolve) => child.on("exit", resolve));
  clearTimeout(timer);
  running.delete(child);
  if (hasHung) return { caught: "the tests never end" };
  if (code === 0) return {};
  const { testResults = [] } = readReport(report);
  const failed = testResults.flatMap(({ name, message, assertionResults }) => {
    const one = assertionResults.find(({ status }) => status === "failed");
    if (one !== undefined) return [`${relative(root, name)}: ${one.fullName}`];
    return message ? [`${relative(root, name)}: ${message.split("\n")[0]}`] : [];
  });
  return { caught: failed[0] ?? `the tests end with ${code}` };
}

function readReport(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return {};
  }
}
