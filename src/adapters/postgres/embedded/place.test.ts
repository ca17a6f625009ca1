import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { place } from "./place.ts";

let folder: string;
let native: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-place-"));
  native = join(folder, "modules", "package", "native");
  mkdirSync(native, { recursive: true });
  writeFileSync(join(native, "postgres"), "binary");
  writeFileSync(join(native, "..", "package.json"), '{"version":"18.4.0"}');
});
afterEach(() => rmSync(folder, { recursive: true }));

const isRoot = process.getuid?.() === 0;

test.skipIf(isRoot)("for a user of its own everything is under the data folder, which others may not enter", () => {
  const data = join(folder, "data");
  expect(place(data, native)).toMatchObject({ cluster: join(data, "postgres", "data"), native });
  expect(statSync(join(data, "postgres")).mode & 0o077).toBe(0);
});

test.runIf(isRoot)("root lends the cluster to nobody, who may pass through our folders and not look into them", () => {
  const data = join(folder, "inner", "data");
  const { cluster, as } = place(data, native);
  expect(cluster).toBe(join(data, "postgres", "data"));
  expect(as?.uid).toBeGreaterThan(0);
  for (const passed of [data, join(data, "postgres")]) expect(statSync(passed).mode & 0o077).toBe(0o011);
});

test.runIf(isRoot)("binaries that nobody can reach are copied once to where they can be", () => {
  chmodSync(join(folder, "modules"), 0o700);
  const data = join(folder, "data");
  const first = place(data, native);
  expect(first.native).toBe(join(data, "postgres", "binaries-18.4.0", "native"));
  expect(readFileSync(join(first.native, "postgres"), "utf8")).toBe("binary");
  expect(statSync(dirname(first.native)).mode & 0o001).toBe(1);
  writeFileSync(join(native, "postgres"), "changed");
  expect(readFileSync(join(place(data, native).native, "postgres"), "utf8")).toBe("binary");
});
