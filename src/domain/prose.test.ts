import { expect, test } from "vitest";
import { record } from "../testing/recording.ts";
import type { Fact } from "./event.ts";
import type { IntendedService, Intent } from "./plan.ts";
import { story, tellNow } from "./prose.ts";
import { fold } from "./run.ts";
import type { Gate, Strategy } from "./strategy.ts";

const watch: Gate = {
  kind: "bake",
  lastsMs: 30_000,
  checks: [{ kind: "errors", rateMax: 0.05, minimumRequests: 50 }],
  withinMs: 120_000,
};
const canary: Strategy = {
  kind: "canary",
  steps: [{ kind: "setWeight", weight: 10 }, watch, { kind: "setWeight", weight: 50 }, watch],
};

test("a canary that is promoted reads as a story", () => {
  expect(sentences({ web: service({ strategy: canary }) })).toMatchInlineSnapshot(`
    "     0 s  ada asked for v3 in production: faster search
       0.4 s  Planned: web from v2 to v3
       0.8 s  web: started 1 replica of v3
       1.2 s  web: gave v3 10 % of traffic
      31.2 s  web: judged healthy: errors 0.1 % of 2,431 requests, limit 5 %; p99 38 ms, limit 3 s
      31.2 s  web: watched v3 at 10 % of traffic
      31.6 s  web: started 1 replica of v3
        32 s  web: gave v3 50 % of traffic
        62 s  web: judged healthy: errors 0.1 % of 2,431 requests, limit 5 %; p99 38 ms, limit 3 s
        62 s  web: watched v3 at 50 % of traffic
      62.4 s  web: started 1 replica of v3
      62.8 s  web: gave v3 all traffic
      63.2 s  web: closed the preview
      63.6 s  web: stopped v2
      63.6 s  v3 is live in production"
  `);
});

test("a canary that is worse is taken back, and every step of the way back is told", () => {
  const worse: Fact = {
    kind: "judged",
    node: "web",
    step: 5,
    verdict: "fail",
    because: "errors 21.3 % of 1,204 requests, limit 5 %",
    findings: [],
    digest: "0",
  };
  const answer = (task: { kind: string; index?: number }) =>
    task.kind === "attempt" && task.index === 5 ? worse : undefined;
  expect(sentences({ web: service({ strategy: canary }) }, answer)).toMatchInlineSnapshot(`
    "     0 s  ada asked for v3 in production: faster search
       0.4 s  Planned: web from v2 to v3
       0.8 s  web: started 1 replica of v3
       1.2 s  web: gave v3 10 % of traffic
      31.2 s  web: judged healthy: errors 0.1 % of 2,431 requests, limit 5 %; p99 38 ms, limit 3 s
      31.2 s  web: watched v3 at 10 % of traffic
      31.6 s  web: started 1 replica of v3
        32 s  web: gave v3 50 % of traffic
      32.4 s  web: judged worse: errors 21.3 % of 1,204 requests, limit 5 %
      32.4 s  Going back to v2: errors 21.3 % of 1,204 requests, limit 5 %
      32.8 s  web: gave v2 all traffic, on the way back
      33.2 s  web: stopped v3, on the way back
      33.2 s  Rolled back: production is on v2 again: errors 21.3 % of 1,204 requests, limit 5 %"
  `);
});

test("gates are told by what they ask of people and jobs", () => {
  const strategy: Strategy = {
    kind: "blueGreen",
    preview: [{ kind: "job", name: "smoke tests", withinMs: 60_000 }],
    switchShares: [100],
    afterSwitch: [{ kind: "approve", policy: { roles: ["ops"], quorum: 1 }, withinMs: 3_600_000 }],
  };
  expect(sentences({ web: service({ strategy }) })).toMatchInlineSnapshot(`
    "     0 s  ada asked for v3 in production: faster search
       0.4 s  Planned: web from v2 to v3
       0.8 s  web: started 3 replicas of v3
       1.2 s  web: opened the preview of v3
       1.6 s  web: running smoke tests
         2 s  web: ran smoke tests
       2.4 s  web: gave v3 all traffic
       3.4 s  grace approved
       3.4 s  web: approved by grace
       3.8 s  web: closed the preview
       4.2 s  web: stopped v2
       4.2 s  v3 is live in production: not judged: web (no bake with checks in its way)"
  `);
});

test("recreate tells that requests wait while the two sides change places", () => {
  expect(sentences({ web: service({ strategy: { kind: "recreate" } }) })).toMatchInlineSnapshot(`
    "     0 s  ada asked for v3 in production: faster search
       0.4 s  Planned: web from v2 to v3
       0.8 s  web: held requests back
       1.2 s  web: stopped v2
       1.6 s  web: started 3 replicas of v3
         2 s  web: gave v3 all traffic
         2 s  v3 is live in production: not judged: web (no bake with checks in its way)"
  `);
});

test("the present moment is one sentence with the time that is left", () => {
  const events = play({ web: service({ strategy: canary }) }, undefined, (run) => run.nodes.web?.step === 2);
  const run = fold(events)!;
  expect(tellNow(run, run.lastAt + 12_000)).toMatchInlineSnapshot(`"web: watching v3 at 10 % of traffic, 18 s to go"`);
});

function service(over: Partial<IntendedService>): IntendedService {
  const preview = [{ match: { header: "x-preview", value: "web" }, to: "web-v3" }];
  return {
    revision: "web-v3",
    size: 3,
    serves: true,
    strategy: { kind: "recreate" },
    dependsOn: [],
    withinMs: 600_000,
    preview,
    ...over,
  };
}

type Answer = Parameters<typeof record>[0]["answer"];
type Until = Parameters<typeof record>[0]["until"];

function play(services: Intent["services"], answer?: Answer, until?: Until) {
  const hold = { withinMs: 600_000, onDeadline: "rollback" as const };
  return record({
    id: "d-3",
    environment: "production",
    release: { id: "r3", version: "3" },
    intent: { services, verify: [], onFailure: "rollback", hold },
    by: "ada",
    reason: "faster search",
    stands: { web: "web-v2" },
    standingRelease: { id: "r2", version: "2" },
    startMs: 1_000_000,
    seq: 1,
    ...(answer === undefined ? {} : { answer }),
    ...(until === undefined ? {} : { until }),
  });
}

function sentences(services: Intent["services"], answer?: Answer): string {
  return story(play(services, answer))
    .map(({ event, sentence }) => `${String((event.at - 1_000_000) / 1000).padStart(6)} s  ${sentence}`)
    .join("\n");
}
