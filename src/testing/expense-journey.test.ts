import { expect, test } from "vitest";
import { expenseJourney } from "./expense-journey.ts";

test("the first visitor signs up, others look at the page until a session is open", () => {
  const journey = expenseJourney({ month: "2026-03" });
  const first = journey.next();
  expect([first.method, first.path]).toEqual(["POST", "/api/accounts"]);
  expect(journey.next().path).toMatch(/^\/(env\.json)?$/);
  first.settle?.(201, JSON.stringify({ token: "t1" }));
  expect(journey.next().headers).toEqual({ authorization: "Bearer t1" });
});

test("a sign-up that was refused is tried again, with another address", () => {
  const journey = expenseJourney({ month: "2026-03" });
  const first = journey.next();
  first.settle?.(500, "");
  const second = journey.next();
  expect(second.path).toBe("/api/accounts");
  expect(second.body).not.toBe(first.body);
});

test("one request in fifty signs up, one in twenty loads the page, the rest uses sessions", () => {
  const journey = expenseJourney({ month: "2026-03" });
  const counts = { signUps: 0, pages: 0, recorded: 0, read: 0 };
  for (let n = 0; n < 5_000; n += 1) {
    const shot = journey.next();
    shot.settle?.(201, JSON.stringify({ token: `t${n}` }));
    if (shot.method === "POST") counts.signUps += 1;
    else if (shot.method === "PUT") counts.recorded += 1;
    else if (shot.path.startsWith("/api/")) counts.read += 1;
    else counts.pages += 1;
  }
  expect(counts).toMatchInlineSnapshot(`
    {
      "pages": 200,
      "read": 2013,
      "recorded": 2686,
      "signUps": 101,
    }
  `);
});
