// Crash schedules for as long as asked: `npm run crash -- --schedules 20000 --seed 1`. Exit status 1 when one is violated.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { build } from "esbuild";

const { values } = parseArgs({
  options: { schedules: { type: "string", default: "20000" }, seed: { type: "string", default: "1" } },
});
const folder = mkdtempSync(join(tmpdir(), "sluice-crash-"));
const outfile = join(folder, "schedules.mjs");
await build({
  entryPoints: [resolve(import.meta.dirname, "../../src/testing/schedules.ts")],
  outfile,
  bundle: true,
  format: "esm",
  platform: "node",
  logLevel: "warning",
});
const { drawSchedule, randomBy, violationsOf } = await import(pathToFileURL(outfile).href);
rmSync(folder, { recursive: true });

const random = randomBy(Number(values.seed));
const total = Number(values.schedules);
const started = performance.now();
let violations = 0;
for (let i = 1; i <= total; i++) {
  const schedule = drawSchedule(random);
  const found = await violationsOf(schedule).catch((error) => [String(error.stack ?? error)]);
  if (found.length > 0) {
    violations += 1;
    if (violations <= 20) console.log(`${schedule.name}\n  ${found.join("\n  ")}`);
  }
  if (i % 5000 === 0) console.error(`${i} of ${total} …`);
}
const seconds = (performance.now() - started) / 1000;
console.log(
  `${total} schedules, ${violations} violations, ${Math.round(total / seconds)} schedules/s, seed ${values.seed}`,
);
process.exitCode = violations === 0 ? 0 : 1;
