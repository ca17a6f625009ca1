import fc from "fast-check";
import { expect, test } from "vitest";
import { openSlots } from "./slots.ts";

test("never more at once than may be, never more memory than there is but for one alone, and each in its turn", async () => {
  const needs = fc.array(fc.integer({ min: 0, max: 150 }), { maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(needs, fc.integer({ min: 1, max: 4 }), fc.scheduler(), async (all, max, scheduler) => {
      const slots = openSlots(max, 100);
      const begun: number[] = [];
      const inside = new Set<number>();
      const crowds: string[] = [];
      const one = async (needsMiB: number, i: number) => {
        await slots.within(needsMiB, async () => {
          begun.push(i);
          inside.add(i);
          const usedMiB = [...inside].reduce((sum, other) => sum + (all[other] ?? 0), 0);
          if (inside.size > max || (inside.size > 1 && usedMiB > 100)) crowds.push([...inside].join());
          await scheduler.schedule(Promise.resolve());
          inside.delete(i);
          if (i % 3 === 0) throw new Error("a task that ends badly gives its place back too");
        });
      };
      const ended = Promise.allSettled(all.map(one));
      await scheduler.waitFor(ended);
      expect(crowds).toEqual([]);
      expect(begun).toEqual(all.map((_, i) => i));
    }),
  );
});
