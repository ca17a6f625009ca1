import { afterEach, expect, test } from "vitest";
import { Repository } from "../test-repository.ts";
import { amendmentsOf } from "./amendments.ts";

let r: Repository | undefined;
afterEach(() => r?.dispose());

test("overrides, resolutions and patches are sorted by the package that they are about", async () => {
  r = new Repository({
    "package.json": {
      overrides: { a: "1", "b@^2": "2.0.1", c: { ".": "3", d: "4" } },
      resolutions: { "**/@s/e": "5", "f/g": "6" },
      pnpm: { overrides: { "h>i@1": "7" } },
    },
    "patches/@s__j@1.0.0.patch": "x",
    "patches/@s+k+2.0.0.patch": "x",
    "patches/l.patch": "x",
    ".yarn/patches/m-npm-1.0.0-abc.patch": "x",
    ".yarn/patches/@s-n-npm-1.0.0-abc.patch": "x",
  });
  const names = [...amendmentsOf((await r.view()).workspace).keys()].sort();
  expect(names.join(" ")).toBe("@s/e @s/j @s/k @s/n a b c d f g h i l m");
});
