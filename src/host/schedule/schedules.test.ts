import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { JobSpec, SeenJob } from "../jobs.ts";
import { latestMoment, nextMoment, whyNoMoment } from "./moments.ts";
import { type ScheduledJob, Schedules } from "./schedules.ts";

const at = (text: string) => Date.parse(text);
const iso = (ms: number | undefined) => (ms === undefined ? undefined : new Date(ms).toISOString());

test("moments are those of the zone, also where clocks are put forward and back", () => {
  const berlin = { cron: "30 2 * * *", zone: "Europe/Berlin" };
  expect(iso(nextMoment(berlin, at("2026-07-01T12:00Z")))).toBe("2026-07-02T00:30:00.000Z");
  expect(iso(nextMoment(berlin, at("2026-12-01T12:00Z")))).toBe("2026-12-02T01:30:00.000Z");
  // 02:30 does not exist on 29 March, and comes twice on 25 October: a daily job runs once on each day all the same.
  const ranOn = (from: string, to: string) => {
    const found: (string | undefined)[] = [];
    for (let now = at(from), after = now; now < at(to); now += 15 * 60_000) {
      const moment = latestMoment(berlin, { after, now });
      if (moment !== undefined) found.push(iso(moment));
      after = moment ?? after;
    }
    return found;
  };
  expect(ranOn("2026-03-28T12:00Z", "2026-03-30T12:00Z")).toEqual([
    "2026-03-29T01:00:00.000Z",
    "2026-03-30T00:30:00.000Z",
  ]);
  expect(ranOn("2026-10-24T12:00Z", "2026-10-26T12:00Z")).toEqual([
    "2026-10-25T00:30:00.000Z",
    "2026-10-26T01:30:00.000Z",
  ]);
});

test("the latest moment counts once, and the moment that is now counts", () => {
  const hourly = { cron: "0 * * * *", zone: "UTC" };
  const now = at("2026-01-01T12:00Z");
  expect(latestMoment(hourly, { after: now - 1, now })).toBe(now);
  expect(latestMoment(hourly, { after: now, now: now + 59 * 60_000 })).toBeUndefined();
  expect(latestMoment(hourly, { after: at("2026-01-01T00:00Z"), now: now + 5_000 })).toBe(now);
});

test("what never comes, or is no schedule, is said", () => {
  expect(whyNoMoment({ cron: "0 3 * * *", zone: "UTC" })).toBeUndefined();
  expect(whyNoMoment({ cron: "0 0 30 2 *", zone: "UTC" })).toContain("never comes");
  expect(whyNoMoment({ cron: "61 * * * *", zone: "UTC" })).toBeDefined();
  expect(whyNoMoment({ cron: "* * * * *", zone: "Mars/Base" })).toBeDefined();
});

let folder: string;
let jobs: Map<string, SeenJob>;
let started: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-schedules-"));
  jobs = new Map();
  started = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** As the supervisor opens it; again after a restart. */
function open(): Schedules {
  const running = { state: "running", startedAt: 0, lines: [] } as const;
  const start = ({ key }: JobSpec): SeenJob => {
    if (!jobs.has(key)) started.push(key);
    jobs.set(key, jobs.get(key) ?? running);
    return running;
  };
  return new Schedules({ folder, start, see: (key) => jobs.get(key), log: () => undefined });
}

function end(key: string, exitCode = 0): void {
  jobs.set(key, {
    state: "ended",
    startedAt: 0,
    endedAt: 1_000,
    because: `exited with code ${exitCode}`,
    exitCode,
    lines: [],
  });
}

const spec = { folder: "/", command: ["true"], env: {}, timeoutMs: 1_000 };
const hourly: ScheduledJob = {
  name: "tidy",
  service: "api",
  version: "1",
  cron: "0 * * * *",
  zone: "UTC",
  overlap: "skip",
  spec,
};
const noon = at("2026-01-01T12:00Z");
const key = (hour: number) => `production/tidy@2026-01-01T${hour}:00:00.000Z`;

test("a job runs once at its moment, across any number of looks and restarts", () => {
  const schedules = open();
  schedules.put("production", [hourly], noon - 1_000);
  for (const now of [noon - 500, noon, noon + 1, noon + 1_000]) schedules.tick(now);
  open().tick(noon + 2_000);
  expect(started).toEqual([key(12)]);
  end(key(12));
  open().tick(noon + 3_600_000);
  expect(started).toEqual([key(12), key(13)]);
});

test("one that died between starting a run and writing it down finds the run, and starts none", () => {
  open().put("production", [hourly], noon - 1_000);
  const dies = open();
  jobs.set(key(12), { state: "running", startedAt: 0, lines: [] });
  dies.tick(noon);
  expect(started).toEqual([]);
  expect(dies.seen(noon)[0]?.runs).toMatchObject([{ key: key(12), state: "running", by: "schedule" }]);
});

test("a moment that comes while the last run is under way is skipped, or not, as was asked", () => {
  const schedules = open();
  schedules.put("production", [hourly, { ...hourly, name: "both", overlap: "allow" }], noon - 1_000);
  schedules.tick(noon);
  schedules.tick(noon + 3_600_000);
  expect(started).toEqual([key(12), key(12).replace("tidy", "both"), key(13).replace("tidy", "both")]);
  expect(schedules.seen(noon)[0]?.runs[0]).toMatchObject({
    state: "skipped",
    because: "the run of 2026-01-01T12:00:00.000Z was still under way",
  });
});

test("after a short absence the latest moment is made up for; after a long one it is told and not run", () => {
  open().put("production", [hourly], noon - 4 * 3_600_000);
  open().tick(noon + 4 * 60_000);
  expect(started).toEqual([key(12)]);
  end(key(12));
  const schedules = open();
  schedules.tick(noon + 5.5 * 3_600_000);
  expect(started).toEqual([key(12)]);
  expect(schedules.seen(noon)[0]?.runs[0]).toMatchObject({
    state: "skipped",
    because: "its time passed while the host was down",
  });
});

test("a clock that is put back runs nothing again; a schedule that is new does not look back", () => {
  const schedules = open();
  schedules.put("production", [hourly], noon - 1_000);
  schedules.tick(noon);
  end(key(12));
  schedules.tick(noon - 1_800_000);
  schedules.tick(noon);
  expect(started).toEqual([key(12)]);
  schedules.put("production", [{ ...hourly, cron: "5 * * * *" }], noon + 600_000);
  schedules.tick(noon + 600_001);
  expect(started).toEqual([key(12)]);
});

test("a job by hand runs once for each request, also where it has no schedule, and its end is told", () => {
  const schedules = open();
  const { cron: _, ...byHand } = hourly;
  schedules.put("production", [byHand], noon);
  schedules.runByHand("production", "tidy", { id: "a", now: noon });
  schedules.runByHand("production", "tidy", { id: "a", now: noon + 1 });
  expect(started).toEqual(["production/tidy@a"]);
  end("production/tidy@a", 3);
  expect(open().seen(noon)[0]?.runs).toMatchObject([
    { by: "hand", state: "failed", exitCode: 3, because: "exited with code 3" },
  ]);
  expect(() => schedules.runByHand("production", "tydi", { id: "b", now: noon })).toThrow("production has no job tydi");
});

test("a schedule that cannot be kept is refused, and what was asked before stays", () => {
  const schedules = open();
  schedules.put("production", [hourly], noon);
  expect(() => schedules.put("production", [{ ...hourly, cron: "0 0 30 2 *" }], noon)).toThrow("never comes");
  expect(open().seen(noon)[0]?.cron).toBe("0 * * * *");
});
