// The judge's benchmark is only worth as much as its simulator and its peers: both against numbers from elsewhere.
import { expect, test } from "vitest";
import { argo, flagger, kayenta, mannWhitney } from "../bench/judge/peers.ts";
import { published } from "../bench/judge/scenarios.ts";
import { routes, simulate } from "../bench/judge/simulator.ts";

const named = (name: string) => published.find((scenario) => scenario.name === name) ?? published[0]!;

test("Kayenta's Mann-Whitney interval, as its library computes it", () => {
  const x = [20.9, 21.8, 19.7, 15.9, 19.5, 19.4, 22.9, 17.2, 18.7, 23.4];
  const y = [11.1, 10.0, 7.1, 7.3, 9.8, 9.6, 6.2, 12.3, 10.4, 8.6];
  const found = mannWhitney(x, y);
  expect(found?.lower).toBeCloseTo(8.3, 9);
  expect(found?.upper).toBeCloseTo(13.3, 9);
  expect(found?.estimate).toBeCloseTo(10.75, 9);
});

test("a canary is the same on every machine and in every run", () => {
  expect(simulate(named("aa-low"), 7)).toEqual(simulate(named("aa-low"), 7));
  expect(simulate(named("aa-low"), 8)).not.toEqual(simulate(named("aa-low"), 7));
});

test("the traffic is what the scenario says", () => {
  const { intervals } = simulate(named("err-1-3"), 0);
  const sum = (side: "stable" | "candidate") =>
    intervals
      .flatMap((interval) => Object.values(interval[side]))
      .reduce((all, { requests, errors }) => ({ requests: all.requests + requests, errors: all.errors + errors }), {
        requests: 0,
        errors: 0,
      });
  const [stable, candidate] = [sum("stable"), sum("candidate")];
  expect(stable.requests + candidate.requests).toBeGreaterThan(88_000);
  expect(stable.requests + candidate.requests).toBeLessThan(92_000);
  expect(candidate.requests / (stable.requests + candidate.requests)).toBeCloseTo(0.1, 1);
  expect(stable.errors / stable.requests).toBeGreaterThan(0.008);
  expect(stable.errors / stable.requests).toBeLessThan(0.012);
  expect(candidate.errors / candidate.requests).toBeGreaterThan(0.025);
  expect(candidate.errors / candidate.requests).toBeLessThan(0.035);
  expect(routes(named("err-1-3"))).toHaveLength(4);
});

test("the peers do on an outage what they are known to do", () => {
  const scenario = named("outage");
  const canary = simulate(scenario, 0);
  expect([kayenta, flagger, argo].map((peer) => peer(canary, scenario))).toEqual([600, 360, 240]);
});
