import fc from "fast-check";
import { expect, test } from "vitest";
import { nearest } from "./nearest.ts";
import { cpu, duration, formatMs, memory, percent, size, type Unit } from "./units.ts";

test.each<[Unit, string | number, number | undefined]>([
  [duration, "30s", 30_000],
  [duration, "1h30m", 5_400_000],
  [duration, "0.5s", 500],
  [duration, "30", undefined],
  [duration, 30, undefined],
  [duration, "31d", undefined],
  [cpu, "250m", 250],
  [cpu, 0.5, 500],
  [cpu, "0.5 vCPU", 500],
  [cpu, "250M", undefined],
  [cpu, 0, undefined],
  [memory, "512Mi", 512],
  [memory, "1GB", 1024],
  [memory, "1G", 954],
  [memory, "1.5Gi", 1536],
  [memory, 512, 512],
  [memory, "1TB", undefined],
  [size, "64KB", 65_536],
  [size, "1.5MB", 1_572_864],
  [size, 512, 512],
  [size, "64Ki", undefined],
  [percent, "5%", 5],
  [percent, 0.5, 0.5],
  [percent, 101, undefined],
])("$name reads %s as %s", (unit, spelling, value) => {
  expect(unit.read(spelling)).toBe(value);
});

test("what a unit writes, it reads as the same number", () => {
  const wholes: [Unit, number, number][] = [
    [duration, 0, 30 * 86_400_000],
    [cpu, 1, 256_000],
    [memory, 4, 4 * 2 ** 20],
    [size, 0, 2 ** 40],
    [percent, 0, 100],
  ];
  for (const [unit, min, max] of wholes) {
    fc.assert(fc.property(fc.integer({ min, max }), (n) => unit.read(unit.write(n)) === n));
  }
});

test("a duration is written with its largest units first", () => {
  expect([0, 250, 90_000, 5_400_000].map(formatMs)).toEqual(["0s", "250ms", "1m30s", "1h30m"]);
});

test("a misspelled name finds the one that was meant, and no other", () => {
  expect(nearest("memroy", ["cpu", "memory"])).toBe("memory");
  expect(nearest("prod", ["production", "staging"])).toBeUndefined();
});
