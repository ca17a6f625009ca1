import fc from "fast-check";
import { expect, test } from "vitest";
import type { DesiredRevision, DesiredService, ReplicaState } from "./api.ts";
import { decide, type ReplicaView } from "./decide.ts";
import type { RoutedService } from "./table.ts";

/** What the tests do not look at. */
const spec = {
  folder: "/",
  command: ["x"],
  env: {},
  readiness: { kind: "tcp", intervalMs: 1, timeoutMs: 1, healthyThreshold: 1, unhealthyThreshold: 1 },
  startWithinMs: 1,
  drainTimeoutMs: 1,
  graceMs: 1,
} satisfies DesiredRevision["spec"];

function service(revisions: Record<string, { replicas: number; weight: number }>): DesiredService {
  return {
    fence: { journal: "j", seq: 1 },
    revisions: Object.fromEntries(Object.entries(revisions).map(([name, asked]) => [name, { ...asked, spec }])),
    routes: [],
    ingress: [],
    entry: { environment: "e", port: 0 },
    buffer: { maxMs: 0, maxBytes: 0 },
  };
}

/** "a:ready,ready,starting" */
function replicas(...sides: string[]): readonly ReplicaView[] {
  return sides.flatMap((side) => {
    const [revision = "", states = ""] = side.split(":");
    return states.split(",").map((state, i) => ({
      id: `${revision}-${i + 1}`,
      revision,
      slot: i + 1,
      port: 1,
      state: state as ReplicaState,
    }));
  });
}

const inForce = (weights: Record<string, number>): RoutedService => ({
  revisions: Object.fromEntries(Object.entries(weights).map(([name, weight]) => [name, { weight, replicas: [] }])),
  routes: [],
  buffer: { maxMs: 0, maxBytes: 0 },
});

const weightsOf = (route: RoutedService) =>
  Object.fromEntries(Object.entries(route.revisions).map(([name, { weight }]) => [name, weight]));

test("one that serves stays until what replaces it is ready", () => {
  const desired = service({ b: { replicas: 2, weight: 100 } });
  const early = decide(desired, replicas("a:ready,ready", "b:starting,starting"), inForce({ a: 100 }));
  expect([weightsOf(early.route), early.leave]).toEqual([{ a: 100, b: 0 }, []]);
  const late = decide(desired, replicas("a:ready,ready", "b:ready,ready"), inForce({ a: 100 }));
  expect([weightsOf(late.route), late.leave]).toEqual([{ b: 100 }, ["a-1", "a-2"]]);
});

test("a missing replica of the old side does not hold up the removal of a candidate that serves nobody", () => {
  const desired = service({ a: { replicas: 3, weight: 100 } });
  const { leave } = decide(desired, replicas("a:ready,ready,backing off", "b:ready"), inForce({ a: 100, b: 0 }));
  expect(leave).toEqual(["b-1"]);
});

test("nor the removal of one that serves, when the old side has no fewer ready", () => {
  const desired = service({ a: { replicas: 3, weight: 100 } });
  const { leave, route } = decide(desired, replicas("a:ready,ready,unready", "b:ready"), inForce({ a: 90, b: 10 }));
  expect([leave, weightsOf(route)]).toEqual([["b-1"], { a: 100 }]);
});

test("when all of the weighted revision fails, traffic goes to what is ready, even if it waits at 0", () => {
  const desired = service({ a: { replicas: 1, weight: 100 }, b: { replicas: 1, weight: 0 } });
  const { route } = decide(desired, replicas("a:backing off", "b:ready"), inForce({ a: 100 }));
  expect(weightsOf(route)).toEqual({ a: 0, b: 100 });
});

test("one side that fails leaves its share to the other", () => {
  const desired = service({ a: { replicas: 1, weight: 90 }, b: { replicas: 1, weight: 10 } });
  const { route } = decide(desired, replicas("a:backing off", "b:ready"), inForce({ a: 90, b: 10 }));
  expect(weightsOf(route)).toEqual({ a: 0, b: 100 });
});

test("a dark document takes everything away at once", () => {
  expect(decide(service({}), replicas("a:ready,starting"), inForce({ a: 100 })).leave).toEqual(["a-1", "a-2"]);
});

test("fewer replicas: those that are not ready go first, then the youngest", () => {
  const desired = service({ a: { replicas: 1, weight: 100 } });
  const { leave } = decide(desired, replicas("a:ready,unready,ready"), inForce({ a: 100 }));
  expect(new Set(leave)).toEqual(new Set(["a-2", "a-3"]));
});

const names = ["a", "b", "c"] as const;
const states: readonly ReplicaState[] = [
  "starting",
  "ready",
  "unready",
  "draining",
  "stopping",
  "backing off",
  "exited",
];
const anyDesired = fc
  .record({
    sizes: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 3, maxLength: 3 }),
    share: fc.integer({ min: 0, max: 100 }),
    isDark: fc.boolean(),
  })
  .map(({ sizes, share, isDark }) => {
    const named = names.filter((_, i) => (sizes[i] ?? 0) > 0);
    const weights = isDark || named.length === 0 ? [0, 0] : named.length === 1 ? [100, 0] : [share, 100 - share];
    return service(
      Object.fromEntries(
        named.map((name, i) => [name, { replicas: sizes[names.indexOf(name)] ?? 0, weight: weights[i] ?? 0 }]),
      ),
    );
  });
const anyReplicas = fc
  .array(fc.record({ revision: fc.constantFrom(...names), state: fc.constantFrom(...states) }), { maxLength: 8 })
  .map((list) => list.map((one, i) => ({ ...one, id: `r${i}`, slot: i + 1, port: i })));
const anyForce = fc.record({ a: fc.constantFrom(0, 50, 100), b: fc.constantFrom(0, 50) }).map(inForce);

test("whatever is asked and seen: traffic sums up, goes to what is ready, and never away from the last that serves", () => {
  fc.assert(
    fc.property(anyDesired, anyReplicas, anyForce, (desired, seen, force) => {
      const { route, leave, start } = decide(desired, seen, force);
      const isDark = Object.values(desired.revisions).every(({ weight }) => weight === 0);
      const weighted = Object.values(route.revisions).filter(({ weight }) => weight > 0);
      const sum = weighted.reduce((total, { weight }) => total + weight, 0);
      expect(sum).toBeCloseTo(isDark ? 0 : 100);
      const hasReady = Object.values(route.revisions).some((revision) => revision.replicas.length > 0);
      if (hasReady) expect(weighted.every((revision) => revision.replicas.length > 0)).toBe(true);
      // Whoever serves and leaves does so only when somebody ready takes over.
      const serving = seen.filter(
        ({ id, state, revision }) =>
          leave.includes(id) && state === "ready" && (force.revisions[revision]?.weight ?? 0) > 0,
      );
      if (!isDark && serving.length > 0) expect(hasReady).toBe(true);
      // Nothing that is wanted leaves, and what is missing is started.
      for (const [name, { replicas: wanted }] of Object.entries(desired.revisions)) {
        const stay = seen.filter(
          ({ id, revision, state }) =>
            revision === name && !leave.includes(id) && !["draining", "stopping", "exited"].includes(state),
        );
        expect(stay.length + start.filter(({ revision }) => revision === name).length).toBeGreaterThanOrEqual(wanted);
      }
    }),
    { numRuns: 2_000 },
  );
});

test("step by step every document is reached", () => {
  fc.assert(
    fc.property(anyDesired, anyReplicas, anyForce, (desired, first, force) => {
      let seen: readonly ReplicaView[] = first;
      let route: RoutedService = force;
      for (let step = 0; step < 10; step++) {
        const decision = decide(desired, seen, route);
        route = decision.route;
        const started = decision.start.map(({ revision, slot }) => ({
          id: `${revision}${slot}.${step}`,
          revision,
          slot,
          port: 1,
          state: "ready" as const,
        }));
        // Whoever leaves is gone, and everybody else becomes ready.
        seen = [...seen, ...started]
          .filter(
            ({ id, state }) => !decision.leave.includes(id) && !["draining", "stopping", "exited"].includes(state),
          )
          .map((replica) => ({ ...replica, state: "ready" as const }));
      }
      const counts = Object.fromEntries(
        names.map((name) => [name, seen.filter(({ revision }) => revision === name).length]),
      );
      expect(counts).toEqual(Object.fromEntries(names.map((name) => [name, desired.revisions[name]?.replicas ?? 0])));
      for (const [name, { weight }] of Object.entries(desired.revisions))
        expect(route.revisions[name]?.weight ?? 0).toBeCloseTo(weight);
    }),
    { numRuns: 500 },
  );
});
