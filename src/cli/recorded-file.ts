// Intervals that somebody else recorded, from a JSON file: two sides, or replicas one by one.
import { readFile } from "node:fs/promises";
import { z } from "zod";
import type { Interval, ReplicaInterval } from "../domain/evidence.ts";
import { Problem } from "../domain/problem.ts";

export type Intervals = { readonly replicas: readonly ReplicaInterval[] } | { readonly intervals: readonly Interval[] };

const Counts = z.record(
  z.string(),
  z.object({ requests: z.number(), errors: z.number(), latency: z.array(z.number()) }),
);
const times = {
  startMs: z.number(),
  endMs: z.number(),
  buckets: z.exactOptional(z.object({ log2Edges: z.array(z.number()).min(3) })),
};
const Recorded = z.union([
  z.array(z.object({ ...times, replicas: z.record(z.string(), Counts) })).min(1),
  z.array(z.object({ ...times, stable: Counts, candidate: Counts })).min(1),
]);

export async function intervalsFrom(file: string): Promise<Intervals> {
  const text = await readFile(file, "utf8").catch(() => {
    throw new Problem(`${file} cannot be read`, "Name a JSON file");
  });
  const parsed = Recorded.safeParse(jsonOf(text, file));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new Problem(
      `${file} holds no list of intervals: ${issue?.path.join(".")} ${issue?.message}`,
      "Let it be a list of {startMs, endMs, stable, candidate} or {startMs, endMs, replicas}; see docs/judge.md",
    );
  }
  const [replicas, intervals] = [
    parsed.data.flatMap((one) => ("replicas" in one ? [one] : [])),
    parsed.data.flatMap((one) => ("stable" in one ? [one] : [])),
  ];
  return replicas.length > 0 ? { replicas } : { intervals };
}

function jsonOf(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Problem(`${file} is not JSON: ${error instanceof Error ? error.message : error}`, "Mend it");
  }
}
