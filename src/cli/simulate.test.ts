// `sluice simulate` as a person runs it: a configuration in a folder, faults in words, a screen.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { troubleOf, weathers } from "./faults.ts";
import { openScreen, plain } from "./screen.ts";
import { runSimulation, type SimulateWishes } from "./simulate.ts";

let cwd: string;
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), "sluice-simulate-"));
  const services = `{ api: { kind: "http", path: "api", build: { bundle: "main.ts" }, replicas: 3 } }`;
  const strategy = `{ kind: "canary", steps: [{ setWeight: 10 }, { bake: "10m" }] }`;
  await writeFile(
    join(cwd, "sluice.config.ts"),
    `export default { workspace: "w", services: ${services}, environments: { production: { strategy: ${strategy}, bake: "0s" } } };`,
  );
});
afterAll(() => rm(cwd, { recursive: true }));

const usual = { environment: "production", rps: "100", errorRate: "0.2%", latency: "40ms", approveAfter: "5m" };

async function simulated(wishes: Partial<SimulateWishes> = {}) {
  const lines: string[] = [];
  const answers: unknown[] = [];
  const screen = {
    ...openScreen({ isJson: false }),
    colors: plain,
    width: 80,
    say: (...said: readonly string[]) => lines.push(...said),
    answer: (value: unknown) => answers.push(value),
  };
  const exit = await runSimulation({ screen, cwd } as never, { ...usual, ...wishes });
  // How long it took to find out is the machine's.
  return { exit, text: lines.join("\n").replace(/in [\d.]+ (ms|s)$/, "in no time"), answer: answers[0] };
}

test("a release that goes bad after five minutes is a story, a picture and its cost", async () => {
  expect((await simulated({ fault: ["api:errors=30%@5m"] })).text).toMatchInlineSnapshot(`
    "production  simulated: rolled back after 5.3 min: absolute limit: errors of api 10 % (61 of 600) in the last 60 s, more than the limit of 5 %

         0 ms  Planned: api from v1 to v2
        1.5 s  api: started 1 replica of v2
        1.5 s  api: gave v2 10 % of traffic
      5.3 min  api: suspicious: suspicion, not advancing: errors: 1.6 % against 0.2 % on stable; odds 90:1 against this being chance
      5.3 min  api: judged worse: absolute limit: errors of api 10 % (61 of 600) in the last 60 s, more than the limit of 5 %
      5.3 min  Going back to v1: absolute limit: errors of api 10 % (61 of 600) in the last 60 s, more than the limit of 5 %
      5.3 min  api: gave v1 all traffic, on the way back
      5.3 min  api: stopped v2, on the way back
      5.3 min  Rolled back: production is on v1 again: absolute limit: errors of api 10 % (61 of 600) in the last 60 s, more than the limit of 5 %

      What runs, a column is 6.3 s: the most traffic of v2, the least capacity
      api  traffic of v2  ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁
           v1 runs        ███████████████████████████████████████████████████  3
           v2 runs        ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁  0 to 1

      new version answered  3,185 requests
      while it was bad      200 requests saw it, 60 of them failed; at most 10 % of a service at once
      time to safe          20 s
      lowest capacity       100 % of a service's full size
      5.3 min of rollout in no time"
  `);
});

test("exits with 1 where it ends otherwise than was expected", async () => {
  expect((await simulated({ weather: "bad-at-once", expect: "rolled back" })).exit).toBe("ok");
  expect((await simulated({ weather: "bad-at-once", expect: "succeeded" })).exit).toBe("failed");
  await expect(simulated({ expect: "fine" })).rejects.toThrow('"fine" is no outcome');
});

test("every weather is made of faults that can be simulated", () => {
  for (const fault of Object.values(weathers).flat()) expect(troubleOf(fault)).not.toEqual({});
});

test("a fault that is none is refused with those that are", async () => {
  expect(() => troubleOf("fire@2m")).toThrow('"fire@2m" is no fault that can be simulated');
  expect(() => troubleOf("errors=30")).toThrow("is not a share of requests");
  expect(() => troubleOf("metrics-down@soon..later")).toThrow("is not a duration");
  expect(troubleOf("api:latency=2s@1h30m")).toEqual({
    service: "api",
    candidate: { slows: { latencyMs: 2000, afterMs: 5_400_000 } },
  });
  await expect(simulated({ fault: ["web:crash"] })).rejects.toThrow("web is not simulated");
});
