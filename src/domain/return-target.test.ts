import { expect, test } from "vitest";
import type { Event, Fact, Outcome } from "./event.ts";
import { bringerOf, defaultTarget, type Here, refusedReturn, returnTargets } from "./return-target.ts";
import { fold, type Run } from "./run.ts";

interface Ended {
  readonly version: string;
  readonly outcome?: Outcome;
  readonly rollbackOf?: string;
  readonly isFull?: boolean;
  readonly isPart?: true;
}

let clock = 0;

/** A deployment that has ended; each comes after the ones made before it. */
function deployed({ version, outcome = "succeeded", rollbackOf, isFull = false, isPart }: Ended): Run {
  clock += 10;
  const hold = { withinMs: 1, onDeadline: "rollback" } as const;
  const facts: readonly Fact[] = [
    {
      kind: "requested",
      environment: "production",
      release: { id: `r${version}`, version },
      intent: { services: {}, verify: [], onFailure: "rollback", hold, ...(isPart && { isPart }) },
      by: "ana",
      ...(rollbackOf === undefined ? {} : { rollbackOf }),
    },
    ...(isFull ? [{ kind: "promoted", by: "ana", full: true } as const] : []),
    { kind: "ended", outcome, stands: { web: `web-${version}` } },
  ];
  const started = clock;
  const events = facts.map((fact, position): Event => {
    const link = { previous: "", hash: "" };
    return {
      schema: 1,
      workspace: "w",
      deployment: `d${started}`,
      position,
      seq: started + position,
      at: started + position,
      ...link,
      fact,
    };
  });
  const run = fold(events);
  if (run === undefined) throw new Error("it was requested");
  return run;
}

const here = (version: string): Here => ({
  stands: { web: `web-${version}` },
  release: { id: `r${version}`, version },
});

/** Which is chosen when nobody names one; `oldestFirst` as they went. */
function chosen(oldestFirst: readonly Run[], standing: string): string | undefined {
  const history = oldestFirst.toReversed();
  return defaultTarget(returnTargets(history, here(standing)), bringerOf(history, here(standing)))?.release.version;
}

test("by default it is the last release that stood its bake", () => {
  expect(chosen([deployed({ version: "1" }), deployed({ version: "2" }), deployed({ version: "3" })], "3")).toBe("2");
  expect(
    chosen(
      [deployed({ version: "1" }), deployed({ version: "2", outcome: "rolled back" }), deployed({ version: "3" })],
      "3",
    ),
  ).toBe("1");
  expect(chosen([deployed({ version: "1" })], "1")).toBeUndefined();
});

test("a release that was itself taken back is skipped, and may still be named", () => {
  const [first, second] = [deployed({ version: "1" }), deployed({ version: "2" })];
  const back = deployed({ version: "1", rollbackOf: second.id });
  const third = deployed({ version: "3" });
  const history = [first, second, back, third];
  expect(chosen(history, "3")).toBe("1");
  const named = returnTargets(history.toReversed(), here("3")).map(({ release, isDoubtful }) => [
    release.version,
    isDoubtful,
  ]);
  expect(named).toEqual([
    ["2", true],
    ["1", false],
  ]);
});

test("a return that did not succeed takes nothing back", () => {
  const [first, second] = [deployed({ version: "1" }), deployed({ version: "2" })];
  const failed = deployed({ version: "1", rollbackOf: second.id, outcome: "failed" });
  expect(chosen([first, second, failed, deployed({ version: "3" })], "3")).toBe("2");
});

test("a release whose gates were skipped did not stand its bake", () => {
  expect(
    chosen([deployed({ version: "1" }), deployed({ version: "2", isFull: true }), deployed({ version: "3" })], "3"),
  ).toBe("1");
});

test("after a return, the next goes further back, never forward to what was left", () => {
  const [first, second, third] = [deployed({ version: "1" }), deployed({ version: "2" }), deployed({ version: "3" })];
  const back = deployed({ version: "2", rollbackOf: third.id });
  expect(chosen([first, second, third, back], "2")).toBe("1");
});

test("a deployment of a part is none to which the environment returns", () => {
  expect(
    chosen([deployed({ version: "1" }), deployed({ version: "2", isPart: true }), deployed({ version: "3" })], "3"),
  ).toBe("1");
});

test("an environment may restrict the versions to which one may return", () => {
  const made = (version: string, at: number) => ({ id: `r${version}`, version, at });
  expect(refusedReturn(made("1.9", 1), { within: 10, versions: ["2.*"] }, undefined)).toBe(
    "one may only return to 2.*",
  );
  expect(refusedReturn(made("2.1", 1), { within: 10, versions: ["v2.*"] }, undefined)).toBeUndefined();
  expect(refusedReturn(made("2.1", 1), { within: 10 }, made("2.2", 2))).toBe(
    "one may return to nothing older than 2.2",
  );
});
