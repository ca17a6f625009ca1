// The course of the evidence as lines: what a rollback needs is drawn by itself only where it is another.
import { expect, test } from "vitest";
import type { Counts, Interval } from "../../src/domain/evidence.ts";
import { evidenceView } from "../../src/domain/judge/view.ts";
import { evidenceLines } from "../src/view/evidence.ts";

const log2Edges = Array.from({ length: 65 }, (_, b) => 4 + b / 16);
const size = { width: 100, height: 100 };

test("where replicas are alike there is one thick line", () => {
  expect(evidenceLines(view(0), size).firm).toBeUndefined();
});

test("where they differ, the firm evidence stays below the line of a rollback that the usual one crosses", () => {
  const lines = evidenceLines(view(0.03), size);
  expect(last(lines.whole)).toBeLessThan(lines.rollbackY);
  expect(last(lines.firm ?? "")).toBeGreaterThan(lines.rollbackY);
  expect(lines.failedX).toBeUndefined();
});

/** Five minutes of a new version that is 9 % slower. */
function view(podLogSd: number) {
  const sides = { stable: bell(30, 2250), candidate: bell(32, 250) };
  const intervals = Array.from({ length: 60 }, (_, t): Interval => {
    return { ...sides, startMs: 5000 * t, endMs: 5000 * (t + 1) };
  });
  const beginning = { history: { intervals: [], podLogSd }, strata: ["GET /"], buckets: { log2Edges } };
  return evidenceView({ beginning, intervals }, { isOver: false });
}

function bell(middle: number, requests: number): Record<string, Counts> {
  const latency = log2Edges.slice(1).map((_, b) => Math.round((requests / 12) * Math.exp(-(((b - middle) / 6) ** 2))));
  return { "GET /": { requests: latency.reduce((sum, n) => sum + n, 0), errors: 0, latency } };
}

/** The height at the end of a path. */
function last(path: string): number {
  return Number(/([\d.]+)$/.exec(path)?.[1]);
}
