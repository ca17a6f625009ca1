// Logs as files that grow and are cut, read by somebody who follows them.
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { HostClient } from "../../../host/client.ts";
import { rotate } from "../../../host/replica/log-rotation.ts";
import { linesSince, timeOf } from "./line-time.ts";
import { type LogWish, replicaLogs } from "./replica-logs.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-follow-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const fileOf = (id: string) => join(folder, `${id}.log`);

/** Two replicas of one service, as the host would list them. */
function host(): Pick<HostClient, "services" | "get"> {
  const replicas = ["web-1", "web-2"].map((id) => ({ id, logFile: fileOf(id), startedAt: 0 }));
  const seen = { revisions: { v1: { replicas } } } as unknown as Awaited<ReturnType<HostClient["get"]>>;
  return { services: async () => ["production/web"], get: async () => seen };
}

function follow(wish: Partial<LogWish>) {
  const left = new AbortController();
  const lines = replicaLogs(
    { host: host(), folder },
    { environment: "production", tail: 100, follow: false, ...wish },
    left.signal,
  );
  return { lines, leave: () => left.abort() };
}

async function all(wish: Partial<LogWish>): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { replica, line } of follow(wish).lines) found.push(`${replica} ${line}`);
  return found;
}

test("of all replicas, of one, the last lines, and those since a moment", async () => {
  writeFileSync(fileOf("web-1"), "2026-01-01T00:00:00Z early\n2026-01-01T01:00:00Z late\n  at its stack\n");
  writeFileSync(fileOf("web-2"), '{"time":1767225600,"msg":"early"}\n{"time":1767229200000,"msg":"late"}\n');
  expect(await all({})).toHaveLength(5);
  expect(await all({ replica: "web-2", tail: 1 })).toEqual(['web-2 {"time":1767229200000,"msg":"late"}']);
  expect(await all({ since: Date.parse("2026-01-01T00:30:00Z") })).toEqual([
    "web-1 2026-01-01T01:00:00Z late",
    "web-1   at its stack",
    'web-2 {"time":1767229200000,"msg":"late"}',
  ]);
});

test("of a revision or replica that is gone, as long as its file is there", async () => {
  mkdirSync(join(folder, "production/web"), { recursive: true });
  for (const id of ["web-3f2a-1", "web-3f2a-2", "web-77bd-1"])
    writeFileSync(join(folder, "production/web", `${id}.log`), `${id} says\n`);
  writeFileSync(fileOf("web-1"), "here\n");
  expect(await all({ revision: "web-3f2a" })).toEqual(["web-3f2a-1 web-3f2a-1 says", "web-3f2a-2 web-3f2a-2 says"]);
  expect(await all({ service: "web", replica: "web-77bd-1" })).toEqual(["web-77bd-1 web-77bd-1 says"]);
  expect(await all({ service: "api", replica: "web-77bd-1" })).toEqual([]);
  expect(await all({ environment: "production/..", replica: "web-77bd-1" })).toEqual([]);
  expect(await all({})).toEqual(["web-1 here"]);
});

test("whoever follows a log misses nothing when it is cut, and the last lines reach behind the cut", async () => {
  writeFileSync(fileOf("web-1"), "one\n");
  const { lines, leave } = follow({ follow: true, replica: "web-1" });
  const next = async () => (await lines.next()).value?.line;
  expect(await next()).toBe("one");
  const coming = next();
  appendFileSync(fileOf("web-1"), "two\nthree\n");
  rotate(fileOf("web-1"), { bytesMax: 1, partsMax: 2, ageMaxMs: 1_000, partAgeMaxMs: 1_000 }, Date.now());
  appendFileSync(fileOf("web-1"), "four\n");
  expect([await coming, await next(), await next()]).toEqual(["two", "three", "four"]);
  leave();
  expect(await all({ replica: "web-1", tail: 2 })).toEqual(["web-1 three", "web-1 four"]);
});

test("the time of a line is what it says itself", () => {
  expect(timeOf("[2026-01-01 10:00:00,5+01:00] started")).toBe(Date.parse("2026-01-01T09:00:00.5Z"));
  expect(timeOf('{"level":30,"ts":1767225600.5}')).toBe(1_767_225_600_500);
  expect(timeOf("started at 2026")).toBeUndefined();
  expect(linesSince(["a", "b"], { since: 10, beganAt: 5 })).toEqual([]);
});
