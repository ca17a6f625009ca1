import { expect, test } from "vitest";
import { Problem } from "../domain/problem.ts";
import { exitCodes, exitFor, exitTable, Unreachable } from "./exit.ts";

test("each kind of end has a status of its own", () => {
  const statuses = Object.values(exitCodes).map(({ status }) => status);
  expect(new Set(statuses).size).toBe(statuses.length);
  expect(exitFor(new Problem("so", "mend"))).toBe("usage");
  expect(exitFor(new Unreachable("so", "mend"))).toBe("unreachable");
  expect(exitFor(new TypeError("so"))).toBe("bug");
});

test("the table of statuses is what people read", () => {
  expect(exitTable()).toMatchInlineSnapshot(`
    "  0  done; a deployment that was waited for succeeded
      1  a deployment failed, was rolled back, aborted or superseded, or a check did not hold
      2  something in the command, the configuration or the build is to be mended first
      3  the control plane cannot be reached, or it refused the token
      4  a bug in Sluice; --verbose prints where
    130  Ctrl-C; a deployment goes on in the control plane"
  `);
});
