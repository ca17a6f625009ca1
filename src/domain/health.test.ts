import { expect, test } from "vitest";
import { parseHealth } from "./health.ts";

test("parts as a map: one that is down makes a healthy service degraded, with its reason", () => {
  const body = {
    status: "healthy",
    checks: {
      database: { status: "healthy", latencyMs: 3 },
      cache: { status: "unhealthy", error: "connection refused" },
    },
  };
  expect(parseHealth(JSON.stringify(body), true)).toEqual({
    status: "degraded",
    parts: [
      { name: "database", status: "healthy", note: "3 ms" },
      { name: "cache", status: "unhealthy", note: "connection refused" },
    ],
  });
});

test("the health+json draft, Spring's components, a list and plain words are understood", () => {
  const bodies = [
    { status: "pass", checks: { "postgres:responseTime": [{ status: "warn", output: "slow" }] } },
    { status: "UP", components: { db: { status: "UP" } } },
    { status: "ok", checks: [{ name: "payments", status: "open", message: "circuit is open" }] },
    { status: "ok", checks: { memory: "ok", queue: false } },
  ];
  expect(
    bodies.map((body) => parseHealth(JSON.stringify(body), true)?.parts.map(({ name, status }) => `${name} ${status}`)),
  ).toEqual([
    ["postgres:responseTime degraded"],
    ["db healthy"],
    ["payments unhealthy"],
    ["memory healthy", "queue unhealthy"],
  ]);
});

test("a failing answer is unhealthy whatever it says, and a body about something else says nothing", () => {
  expect(parseHealth('{"status":"ok"}', false)?.status).toBe("unhealthy");
  expect(["OK", "{}", "[]", '{"status":"teapot"}', "null"].map((body) => parseHealth(body, true))).toEqual(
    Array(5).fill(undefined),
  );
});
