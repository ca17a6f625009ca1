import { expect, test } from "vitest";
import type { Fact } from "../../domain/event.ts";
import { fold, type Run } from "../../domain/run.ts";
import { bake, intent, service, strategies } from "../../testing/intents.ts";
import { record } from "../../testing/recording.ts";
import { plain } from "../screen.ts";
import { deploymentLines } from "./deployment.ts";
import { planLines } from "./plan.ts";

const two = intent(
  {
    api: service(strategies.canary, { revision: "api-2", size: 2 }),
    web: service(strategies.blueGreen, { revision: "web-2", dependsOn: ["api"] }),
    mailer: service(strategies.rolling, { revision: "mailer-1" }),
  },
  { verify: [{ kind: "job", name: "e2e", withinMs: 60_000 }, bake(120_000)] },
);

function played(options: { until?: (run: Run) => boolean; worse?: boolean; first?: boolean } = {}): Run {
  const events = record({
    id: "d-7",
    environment: "production",
    release: { id: "r-3f2a9c1b40de", version: "3" },
    intent: two,
    by: "ada",
    stands: options.first === true ? {} : { api: "api-1", web: "web-1", mailer: "mailer-1" },
    ...(options.first === true ? {} : { standingRelease: { id: "r-1", version: "2" } }),
    startMs: 0,
    seq: 1,
    ...(options.until === undefined ? {} : { until: options.until }),
    answer: (task) =>
      options.worse === true && task.kind === "attempt" && task.step.kind === "bake"
        ? worse(task.node.id, task.index)
        : undefined,
  });
  const run = fold(events);
  if (run === undefined) throw new Error("nothing was recorded");
  return run;
}

function worse(node: string, step: number): Fact {
  const because = "errors 21.3 % of 1,204 requests, limit 5 %";
  return {
    kind: "judged",
    node,
    step,
    verdict: "fail",
    because,
    findings: [
      { check: "errors", verdict: "fail", because: "21.3 % of 1,204 requests failed, limit 5 %; stable 0.1 %" },
    ],
    digest: "0",
  };
}

const view = { now: 40_000, colors: plain, width: 100, stepsMax: 12 };

test("a plan reads as prose: steps, what is watched, how it goes back", () => {
  const run = played({ until: ({ plan }) => plan !== undefined });
  expect(planLines(run, plain).join("\n")).toMatchInlineSnapshot(`
    "production  v2 → v3  r-3f2a9c1b40de
      unchanged: mailer

      api  canary, v2 → v3, 2 replicas
         1  start 1 replica of v3
         2  give v3 10 % of traffic
         3  watch v3 at 10 % of traffic for 60 s  if worse: back to v2
         4  size v3 for 50 %
         5  give v3 50 % of traffic
         6  watch v3 at 50 % of traffic for 60 s  if worse: back to v2
         7  start 1 replica of v3
         8  give v3 all traffic

      web  blueGreen, v2 → v3, 4 replicas  after api
         9  start 4 replicas of v3
        10  run smoke
        11  give v3 all traffic
        12  watch v3 at all traffic for 60 s      if worse: back to v2

      verify  after web
        13  run e2e
        14  watch v3 for 2 min                    if worse: back to v2

      settle api  after verify
        15  stop v2

      settle web  after verify
        16  stop v2

      Watched for: errors at most 5 %, from 100 requests on
      Takes at least 5 min of watching
      Going back takes a moment: the old side keeps running at full size until the end"
  `);
});

test("a first deployment has nothing to go back to, and says so nowhere else than in its title", () => {
  const run = played({ first: true, until: ({ plan }) => plan !== undefined });
  expect(planLines(run, plain).slice(0, 12).join("\n")).toMatchInlineSnapshot(`
    "production  the first release → v3  r-3f2a9c1b40de

      api  canary, v3, 2 replicas
         1  start 2 replicas of v3
         2  give v3 all traffic

      mailer  rolling, v3, 4 replicas
         3  start 4 replicas of v3
         4  give v3 all traffic

      web  blueGreen, v3, 4 replicas  after api, mailer
         5  start 4 replicas of v3"
  `);
});

test("a canary under way shows who has the traffic, its step, and the time left", () => {
  const run = played({ until: ({ nodes }) => nodes.api?.step === 5 });
  expect(deploymentLines(run, { ...view, now: run.lastAt + 12_000 }).join("\n")).toMatchInlineSnapshot(`
    "production  v2 → v3  d-7 · by ada · 74 s

      api  ▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒████████████████████  v2 50 % · v3 50 %
      web  ▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒  v2 100 %

      ✓ api: watched v3 at 10 % of traffic
      ✓ api: sized v3 for 50 %
      ✓ api: gave v3 50 % of traffic
      ● api: watching v3 at 50 % of traffic    48 s to go
      ○ api: start 1 replica of v3
      ○ api: give v3 all traffic
      ○ web: start 4 replicas of v3
      ○ web: run smoke
      ○ web: give v3 all traffic
      ○ web: watch v3 at all traffic for 60 s  if worse: back to v2
      ○ verify: run e2e
      ○ verify: watch v3 for 2 min             if worse: back to v2
        … 4 more steps

    ● api: watching v3 at 50 % of traffic, 48 s to go"
  `);
});

test("a deployment that goes back says why and how far it is", () => {
  const run = played({ worse: true, until: ({ phase }) => phase.kind === "retreating" });
  expect(deploymentLines(run, { ...view, now: run.lastAt }).join("\n")).toMatchInlineSnapshot(`
    "production  v2 → v3  d-7 · by ada · 1 s

      api  ▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒████  v2 90 % · v3 10 %
      web  ▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒  v2 100 %

      ✓ api: started 1 replica of v3
      ✓ api: gave v3 10 % of traffic
      ✗ api: watch v3 at 10 % of traffic for 60 s
      ○ api: size v3 for 50 %
      ○ api: give v3 50 % of traffic
      ○ api: watch v3 at 50 % of traffic for 60 s  if worse: back to v2
      ○ api: start 1 replica of v3
      ○ api: give v3 all traffic
      ○ web: start 4 replicas of v3
      ○ web: run smoke
      ○ web: give v3 all traffic
      ○ web: watch v3 at all traffic for 60 s      if worse: back to v2
        … 4 more steps

      ✗ errors  21.3 % of 1,204 requests failed, limit 5 %; stable 0.1 %

    ← Going back to v2: errors 21.3 % of 1,204 requests, limit 5 %"
  `);
});

test("a deployment that ended shows what stands now", () => {
  const run = played({ worse: true });
  expect(deploymentLines(run, { ...view, stepsMax: 3 }).join("\n")).toMatchInlineSnapshot(`
    "production  v2 → v3  d-7 · by ada · 2 s

      api  ▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒  v2 100 %
      web  ▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒  v2 100 %

      ✓ api: started 1 replica of v3
      ✓ api: gave v3 10 % of traffic
      ✗ api: watch v3 at 10 % of traffic for 60 s
        … 13 more steps

      ✗ errors  21.3 % of 1,204 requests failed, limit 5 %; stable 0.1 %

    ✗ Rolled back: production is on v2 again: errors 21.3 % of 1,204 requests, limit 5 %"
  `);
  expect(deploymentLines(played(), { ...view, stepsMax: 3 }).at(-1)).toBe("✓ v3 is live in production");
});
