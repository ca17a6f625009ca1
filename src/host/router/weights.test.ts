// Weights are exact, not likely: in every hundred requests that a router draws for, each revision gets its percent.
import fc from "fast-check";
import { expect, test } from "vitest";
import type { RoutedService } from "../table.ts";
import { Service } from "./service.ts";

const nowMs = 1_000_000;

function routed(weights: readonly number[], replicas: number): RoutedService {
  const revisions = weights.map((weight, v): [string, RoutedService["revisions"][string]] => [
    `v${v}`,
    { weight, replicas: Array.from({ length: replicas }, (_, r) => ({ id: `v${v}-${r}`, port: 1000 + 10 * v + r })) },
  ]);
  return { revisions: Object.fromEntries(revisions), routes: [], buffer: { maxMs: 0, maxBytes: 0 } };
}

/** Whole percents that sum to 100. */
const weightsOf = fc
  .array(fc.integer({ min: 0, max: 100 }), { minLength: 1, maxLength: 4 })
  .map((cuts) => [0, ...cuts.toSorted((a, b) => a - b), 100].slice(1).map((cut, i, all) => cut - (all[i - 1] ?? 0)));

/** What may come between two requests that are drawn for. */
const between = fc.constantFrom("nothing", "another table", "nobody ready", "a session's request", "a request by rule");
type Between = typeof between extends fc.Arbitrary<infer T> ? T : never;

function apply(service: Service, table: RoutedService): void {
  service.apply(table, { stickySecret: undefined, nowMs });
}

function serviceWith(weights: readonly number[]): Service {
  const service = new Service("test/web", routed(weights, 1), nowMs);
  apply(service, routed(weights, 1));
  return service;
}

function happen(what: Between, service: Service, weights: readonly number[]): void {
  const asked = { avoid: undefined, nowMs };
  if (what === "another table") apply(service, routed(weights, 2));
  if (what === "nobody ready") {
    apply(service, routed(weights, 0));
    for (let i = 0; i < 7; i++) expect(service.choose({ wanted: undefined, ...asked })).toBeUndefined();
    apply(service, routed(weights, 1));
  }
  if (what === "a session's request") service.choose({ wanted: { to: "v0", isStrict: false }, ...asked });
  if (what === "a request by rule") service.choose({ wanted: { to: "v1", isStrict: true }, ...asked });
}

function expectExact(drawn: readonly string[], weights: readonly number[]): void {
  for (let from = 0; from + 100 <= drawn.length; from++) {
    const window = drawn.slice(from, from + 100);
    expect(weights.map((_, v) => window.filter((id) => id === `v${v}`).length)).toEqual(weights);
  }
}

const draw = (service: Service): string =>
  service.choose({ wanted: undefined, avoid: undefined, nowMs })?.revision.id ?? "nobody";

test("every window of 100 is exact, whatever comes between: tables, moments without a replica, sessions, rules", () => {
  fc.assert(
    fc.property(weightsOf, fc.array(between, { minLength: 150, maxLength: 250 }), (weights, events) => {
      const service = serviceWith(weights);
      const drawn = events.map((event) => {
        happen(event, service, weights);
        return draw(service);
      });
      expectExact(drawn, weights);
    }),
    { numRuns: 60 },
  );
});

test("from the first request after a change of weights on", () => {
  fc.assert(
    fc.property(weightsOf, weightsOf, fc.nat(150), (before, after, requests) => {
      const service = serviceWith(before);
      for (let i = 0; i < requests; i++) draw(service);
      apply(service, routed(after, 1));
      expectExact(
        Array.from({ length: 130 }, () => draw(service)),
        after,
      );
    }),
    { numRuns: 60 },
  );
});

test("two routers (an upgrade's old and new one) are each exact, however requests fall on them", () => {
  fc.assert(
    fc.property(weightsOf, fc.array(fc.boolean(), { minLength: 300, maxLength: 300 }), (weights, turns) => {
      const [one, other] = [serviceWith(weights), serviceWith(weights)];
      const drawn = turns.map((isOne) => ({ isOne, id: draw(isOne ? one : other) }));
      for (const side of [true, false])
        expectExact(
          drawn.filter(({ isOne }) => isOne === side).map(({ id }) => id),
          weights,
        );
    }),
    { numRuns: 20 },
  );
});
