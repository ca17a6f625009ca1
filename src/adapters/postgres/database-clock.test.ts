import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { databaseClock } from "./database-clock.ts";

async function clocks() {
  const world = { database: 5_000_000, steady: 100, putBack: 0 };
  const clock = await databaseClock(
    { now: async () => world.database, onPutBack: async () => void world.putBack++, everyMs: 5 },
    () => world.steady,
  );
  const pass = (ms: number) => {
    world.database += ms;
    world.steady += ms;
  };
  return { world, clock, pass };
}

async function until(isSo: () => boolean): Promise<void> {
  for (let i = 0; i < 1000 && !isSo(); i++) await sleep(5);
}

test("time is the database's, and passes steadily between two questions", async () => {
  const { clock, pass } = await clocks();
  pass(1_000);
  expect(clock.now()).toBe(5_001_000);
  clock.stop();
});

test("a database's clock that is put forward or back is followed; only back, what waits is made due", async () => {
  const { world, clock } = await clocks();
  world.database += 3_600_000;
  await until(() => clock.now() > 8_000_000);
  expect([clock.now(), world.putBack]).toEqual([8_600_000, 0]);
  world.database -= 3_600_000;
  await until(() => world.putBack > 0);
  expect([clock.now(), world.putBack]).toEqual([5_000_000, 1]);
  clock.stop();
});
