// The soak, short: a deployment with a blow, under traffic of every kind. The long one: npm run soak.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";

const program = join(import.meta.dirname, "../bench/host/run.mjs");

test("no request fails through a deployment with a blow but those in flight on what was killed", () => {
  const args = [program, "soak", "--requests", "800", "--rate", "100", "--seed", "8", "--json"];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8", timeout: 55_000 });
  expect(status, stderr).toBe(0);
  const figures: { failed: number; sent: number; deployments: object } = JSON.parse(stdout);
  expect(figures.failed).toBe(0);
  expect(figures.sent).toBeGreaterThanOrEqual(800);
});
