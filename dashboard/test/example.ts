// A journal to draw: staging and production of a shop, with a promoted canary, one taken back, one aborted, and one
// under way. Made by the domain itself, so it is as a real one would be.
import type { Event, Fact, ReleaseRef } from "../../src/domain/event.ts";
import type { IntendedService, Intent, Standing } from "../../src/domain/plan.ts";
import type { Run } from "../../src/domain/run.ts";
import type { CanaryStep, Gate } from "../../src/domain/strategy.ts";
import { record, type Script } from "../../src/testing/recording.ts";

const watch: Gate = {
  kind: "bake",
  lastsMs: 60_000,
  checks: [
    { kind: "errors", rateMax: 0.05, minimumRequests: 100 },
    { kind: "latency", quantile: 0.99, limitMs: 3000, minimumRequests: 100 },
    { kind: "comparison", alpha: 0.01, minimumRequests: 100, requireProof: false },
  ],
  withinMs: 600_000,
};
const steps: readonly CanaryStep[] = [10, 50].flatMap((weight) => [{ kind: "setWeight" as const, weight }, watch]);
const smoke: Gate = { kind: "job", name: "smoke tests", withinMs: 120_000 };
const approval: Gate = { kind: "approve", policy: { roles: ["ops"], quorum: 1 }, withinMs: 3_600_000 };

/** Everything that had happened by `now`, as a journal would hold it. */
export function exampleEvents(now: number): readonly Event[] {
  const minute = 60_000;
  const scripts: readonly Omit<Script, "seq">[] = [
    deployment({ n: 1, at: now - 190 * minute, environment: "staging", reason: "the first release" }),
    deployment({ n: 1, at: now - 170 * minute, environment: "production", reason: "the first release" }),
    deployment({ n: 2, at: now - 150 * minute, environment: "production", from: 1, reason: "monthly chart" }),
    {
      ...deployment({ n: 3, at: now - 90 * minute, environment: "production", from: 2, reason: "faster search" }),
      answer: gateIsWorse,
    },
    deployment({ n: 3, at: now - 60 * minute, environment: "staging", from: 1, reason: "faster search, again" }),
    {
      ...deployment({ n: 4, at: now - 62_000, environment: "production", from: 2, reason: "search fixed" }),
      until: secondWatch,
    },
    { ...deployment({ n: 5, at: now - 20_000, environment: "production", from: 2 }), until: () => true },
    {
      ...deployment({ n: 4, at: now - 8000, environment: "staging", from: 3, reason: "search fixed" }),
      until: isHeld,
      answer: unsure,
    },
  ];
  const events: Event[] = [];
  for (const script of scripts) events.push(...record({ ...script, seq: events.length + 1 }));
  return events;
}

interface Wanted {
  readonly n: number;
  readonly at: number;
  readonly environment: string;
  readonly from?: number;
  readonly reason?: string;
}

function deployment({ n, at, environment, from, reason }: Wanted): Omit<Script, "seq"> {
  return {
    id: `${environment}-${n}`,
    environment,
    release: releaseOf(n),
    intent: intent(n),
    by: n % 2 === 0 ? "grace" : "ada",
    ...(reason === undefined ? {} : { reason }),
    stands: from === undefined ? {} : standing(from),
    ...(from === undefined ? {} : { standingRelease: releaseOf(from) }),
    startMs: at,
  };
}

function releaseOf(n: number): ReleaseRef {
  return { id: `sha256-${n}${"0a9c".repeat(4)}`, version: String(n) };
}

function standing(n: number): Standing {
  return Object.fromEntries(Object.entries(intent(n).services).map(([name, { revision }]) => [name, revision]));
}

function intent(n: number): Intent {
  const users = service(`user-service-${Math.min(n, 2)}f03a`, { size: 2, strategy: { kind: "canary", steps } });
  const expenses = service(`expense-service-${n}c81e`, { size: 3, strategy: { kind: "canary", steps } });
  const gateway = service(`api-gateway-${n}b2d7`, {
    size: 4,
    strategy: { kind: "canary", steps: [{ kind: "setWeight", weight: 1 }, smoke, ...steps, approval] },
    dependsOn: ["user-service", "expense-service"],
  });
  const mailer = service(`mailer-${Math.min(n, 2)}e55d`, { serves: false, strategy: { kind: "recreate" } });
  return {
    services: { "user-service": users, "expense-service": expenses, "api-gateway": gateway, mailer },
    verify: [{ kind: "job", name: "end-to-end tests", withinMs: 120_000 }, watch],
    onFailure: "rollback",
    hold: { withinMs: 3_600_000, onDeadline: "rollback" },
  };
}

function service(revision: string, over: Partial<IntendedService>): IntendedService {
  const preview = [{ match: { header: "x-preview", value: revision }, to: revision }];
  return {
    revision,
    size: 1,
    serves: true,
    strategy: { kind: "recreate" },
    dependsOn: [],
    withinMs: 600_000,
    preview,
    ...over,
  };
}

const gateIsWorse: NonNullable<Script["answer"]> = (task, run) => {
  const isSecond = task.kind === "attempt" && task.step.kind === "bake" && done(run, task.node.id, "bake") === 1;
  return isSecond && task.node.id === "api-gateway"
    ? judged(task, "fail", [
        {
          check: "errors",
          verdict: "fail",
          because: "21.3 % of 1,204 requests failed, limit 5 %; stable 0.1 % of 9,811",
        },
        { check: "latency p99", verdict: "pass", because: "212 ms, limit 3 s; stable 198 ms" },
        { check: "GET /health", verdict: "pass", because: "200 in 4 ms" },
      ])
    : undefined;
};

const unsure: NonNullable<Script["answer"]> = (task) =>
  task.kind === "attempt" && task.step.kind === "bake"
    ? judged(task, "inconclusive", [
        { check: "errors", verdict: "inconclusive", because: "too few requests: 41 of at least 100" },
        { check: "latency p99", verdict: "inconclusive", because: "too few requests: 41 of at least 100" },
      ])
    : undefined;

function judged(
  task: { readonly node: { readonly id: string }; readonly index: number },
  verdict: "fail" | "inconclusive",
  findings: Extract<Fact, { kind: "judged" }>["findings"],
): Fact {
  const because =
    verdict === "fail" ? "errors 21.3 % of 1,204 requests, limit 5 %" : "too few requests: 41 of at least 100";
  return {
    kind: "judged",
    node: task.node.id,
    step: task.index,
    verdict,
    because,
    findings,
    digest: "9f86d081884c7d65",
  };
}

function done(run: Run, id: string, kind: string): number {
  const node = run.plan?.nodes.find((candidate) => candidate.id === id);
  return node?.steps.slice(0, run.nodes[id]?.step ?? 0).filter((step) => step.kind === kind).length ?? 0;
}

const secondWatch = (run: Run): boolean => {
  const node = run.plan?.nodes.find(({ id }) => id === "expense-service");
  return (
    node?.steps[run.nodes["expense-service"]?.step ?? 0]?.kind === "bake" && done(run, "expense-service", "bake") === 1
  );
};

const isHeld = (run: Run): boolean => run.hold !== undefined;
