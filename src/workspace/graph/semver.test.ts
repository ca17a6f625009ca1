import { expect, test } from "vitest";
import { satisfies } from "./semver.ts";

const within =
  "1 1.x 1.2 1.2.x 1.2.3 =1.2.3 v1.2.3 ^1 ^1.2 ^1.2.3 ~1 ~1.2 ~1.2.3 >=1 >1.1 >1.2.2 <2 <=1.2 <=1 * x >= 1.2.3";
const outside = "2 2.x 1.3 1.2.4 ^2 ^1.2.4 ^0.1.2 ~1.1 ~1.2.4 >1 >1.2 >1.2.3 <1 <1.2 <1.2.3 <=1.1 >2";

test("ranges mean what they mean to npm", () => {
  for (const range of within.replace(">= 1", ">=1").split(" "))
    expect([range, satisfies("1.2.3", range)]).toEqual([range, true]);
  for (const range of outside.split(" ")) expect([range, satisfies("1.2.3", range)]).toEqual([range, false]);
  expect(
    ["^2 || ^1", ">=1.0.0 <2.0.0", "1.0.0 - 1.3", ">= 1.2.3", "> 1 || 1.2.x"].map((r) => satisfies("1.2.3", r)),
  ).not.toContain(false);
  expect(["^2 || ^3", ">=1.3.0 <2.0.0", "1.0.0 - 1.1", ">0.9 <1.0.0"].map((r) => satisfies("1.2.3", r))).not.toContain(
    true,
  );
});

test("a caret keeps the first number that is not zero", () => {
  expect(["^0.0.3", "^0.0", "^0.0.x", "^0", "^0.x"].map((r) => satisfies("0.0.3", r))).not.toContain(false);
  expect(["^0.0.2", "^0.1.0", "^0.0.4"].map((r) => satisfies("0.0.3", r))).not.toContain(true);
});

test("a prerelease is meant only by a range that names one of its version", () => {
  expect(
    ["^1.0.0-beta.0", ">=1.0.0-alpha", "1.0.0-beta.2", "~1.0.0-beta.1"].map((r) => satisfies("1.0.0-beta.2", r)),
  ).not.toContain(false);
  expect(
    ["^1.0.0", "1.x", "^1.0.0-beta.3", ">=0.9.0-rc.1", "^1.0.0-beta.10"].map((r) => satisfies("1.0.0-beta.2", r)),
  ).not.toContain(true);
});

test("of a tag, a protocol or no version nobody can tell", () => {
  expect([satisfies("1.0.0", "latest"), satisfies("", "^1.0.0"), satisfies("1.0.0", "^2 || next")]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});
