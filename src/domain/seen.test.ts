import { describe, expect, test } from "vitest";
import { type Asked, assess, overloads } from "./seen.ts";

const frame = { revisions: { new: { capacity: 100, traffic: 0 } }, routes: [] };
const asked: Asked = { frame, rely: ["new"], size: 10, unavailable: 0 };
const oneBroken = { revisions: { new: { ready: 9, running: 10, traffic: 0, broken: "crash loop" } } };

describe("a rolling deployment", () => {
  test("bears as many broken replicas as its failure share allows", () => {
    expect(assess(oneBroken, { ...asked, failureShare: 10 })).toEqual({ kind: "held" });
  });

  test("fails beyond it, and at once without one", () => {
    expect(assess(oneBroken, { ...asked, failureShare: 5 }).kind).toBe("broken");
    expect(assess(oneBroken, asked).kind).toBe("broken");
  });
});

test("replicas that still start are not among the broken ones, where the target tells how many those are", () => {
  const starting = { revisions: { new: { ready: 4, running: 10, traffic: 0, broken: "crash loop", failing: 1 } } };
  expect(assess(starting, { ...asked, failureShare: 10 }).kind).toBe("waiting");
  const two = { revisions: { new: { ...starting.revisions.new, failing: 2 } } };
  expect(assess(two, { ...asked, failureShare: 10 }).kind).toBe("broken");
});

test("weights count only as they are reported back", () => {
  const shifted: Asked = {
    ...asked,
    frame: { revisions: { new: { capacity: 100, traffic: 100 } }, routes: [] },
    rely: [],
  };
  expect(assess({ revisions: { new: { ready: 10, running: 10, traffic: 50 } } }, shifted)).toEqual({
    kind: "waiting",
    because: "the router reports 50 % for new, not 100 %",
  });
});

test("a frame is not held by almost: one replica or one percent of traffic short, it waits", () => {
  const shifted: Asked = { ...asked, frame: { revisions: { new: { capacity: 100, traffic: 10 } }, routes: [] } };
  const seen = (ready: number, traffic: number) =>
    assess({ revisions: { new: { ready, running: 10, traffic } } }, shifted);
  expect([seen(10, 10), seen(9, 10), seen(10, 9)].map(({ kind }) => kind)).toEqual(["held", "waiting", "waiting"]);
});

test("a frame that would give a revision more than its ready replicas bear is told apart before it is asked for", () => {
  const shifted: Asked = { ...asked, frame: { revisions: { new: { capacity: 100, traffic: 60 } }, routes: [] } };
  const ready = (n: number) => ({ revisions: { new: { ready: n, running: 10, traffic: 0 } } });
  expect([overloads(ready(5), shifted), overloads(ready(6), shifted)]).toEqual(["new", undefined]);
});
