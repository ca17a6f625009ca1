import { expect, test } from "vitest";
import { parseConfig } from "../domain/config/config.ts";
import { InvalidConfig } from "../domain/config/problems.ts";
import { Problem } from "../domain/problem.ts";
import { errorLines, plain, wantsColors } from "./screen.ts";

test("colours are for terminals that want them", () => {
  expect(wantsColors({ isTTY: true }, {})).toBe(true);
  expect(wantsColors({ isTTY: true }, { NO_COLOR: "1" })).toBe(false);
  expect(wantsColors({ isTTY: true }, { TERM: "dumb" })).toBe(false);
  expect(wantsColors({}, { CI: "true" })).toBe(false);
  expect(wantsColors({}, { FORCE_COLOR: "1" })).toBe(true);
});

test("a problem is one sentence and its mend, without a stack trace", () => {
  expect(errorLines(new Problem("Port 8080 is taken", "Stop what listens there"), plain, false)).toEqual([
    "✗ Port 8080 is taken",
    "  → Stop what listens there",
  ]);
});

test("a wrong configuration lists every problem", () => {
  const parsed = parseConfig({ services: {}, enviroments: {} });
  const error = new InvalidConfig("sluice.config.ts", parsed.ok ? [] : parsed.problems);
  expect(errorLines(error, plain, false).join("\n")).toMatchInlineSnapshot(`
    "✗ sluice.config.ts has 3 problems:

      environments  is missing
      → Add for example environments: {staging: {port: 8080}, production: {after: "staging", strategy: "canary"}}

      enviroments  "enviroments" is not a known key
      → Did you mean "environments"?

      services  is empty
      → Name at least one: services: { api: { … } }"
  `);
});

test("only a bug shows where it comes from, and only on wish", () => {
  const bug = new TypeError("x is not a function");
  expect(errorLines(bug, plain, false).join("\n")).not.toContain("    at ");
  expect(errorLines(bug, plain, true).join("\n")).toContain("    at ");
});
