import { afterEach, expect, test } from "vitest";
import { Repository } from "../test-repository.ts";
import { coverageOf } from "./coverage.ts";

let r: Repository | undefined;
afterEach(() => r?.dispose());

test("coverage is read as istanbul's summary or lcov leave it, and is absent otherwise", () => {
  r = new Repository({
    "a/coverage/coverage-summary.json": { total: { lines: { pct: 87.25 } } },
    "b/coverage/lcov.info": "SF:x\nLF:10\nLH:9\nend_of_record\nSF:y\nLF:10\nLH:4\nend_of_record\n",
    "c/coverage/coverage-summary.json": "not JSON",
  });
  const of = (name: string) => r && coverageOf(r.root, { name, dir: name })?.linesPct;
  expect(["a", "b", "c", "d"].map(of)).toEqual([87.3, 65, undefined, undefined]);
});
