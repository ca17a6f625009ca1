// What every target must do, the simulated one included: that keeps the simulation honest.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Frame, type RevisionId, wholly } from "../domain/frame.ts";
import { type Asked, assess, type Seen } from "../domain/seen.ts";
import { type Clock, Fenced, type Target } from "../engine/ports.ts";

export interface Bench {
  readonly target: Target;
  readonly clock: Clock;
  readonly journal: string;
  /** Two revisions that work, and one whose replicas exit at once. */
  readonly revisions: { readonly one: RevisionId; readonly two: RevisionId; readonly crashing: RevisionId };
  dispose(): Promise<void>;
}

export function targetContract(name: string, make: () => Promise<Bench>): void {
  describe(`${name} keeps the contract of a target`, () => {
    let bench: Bench;
    let seq = 0;
    beforeAll(async () => {
      bench = await make();
    });
    afterAll(() => bench?.dispose());

    const size = 2;

    async function apply(frame: Frame): Promise<void> {
      seq += 1;
      await bench.target.apply(frame, size, { journal: bench.journal, seq });
    }

    /** Observes until it is as asked; the last thing seen when it never is. */
    async function until(isSo: (seen: Seen) => boolean): Promise<Seen> {
      const deadline = bench.clock.now() + 20_000;
      let seen = await bench.target.observe();
      while (!isSo(seen) && bench.clock.now() < deadline) {
        await bench.clock.sleep(50);
        seen = await bench.target.observe();
      }
      return seen;
    }

    async function held(frame: Frame, rely = Object.keys(frame.revisions)): Promise<void> {
      const asked: Asked = { frame, rely, size, unavailable: 0 };
      await apply(frame);
      expect(assess(await until((seen) => assess(seen, asked).kind === "held"), asked)).toEqual({ kind: "held" });
    }

    test("a published revision exists and serves nobody; publishing it again is harmless", async () => {
      await bench.target.publish(bench.revisions.one);
      await bench.target.publish(bench.revisions.one);
      const seen = await bench.target.observe();
      expect(seen.revisions[bench.revisions.one]?.traffic ?? 0).toBe(0);
    });

    test("a frame is reached: replicas ready, weights reported back", async () => {
      await held({ revisions: { [bench.revisions.one]: { capacity: 100, traffic: 0 } }, routes: [] });
      await held(wholly(bench.revisions.one));
    });

    test("asking for the same frame again changes nothing", async () => {
      const before = await bench.target.observe();
      await apply(wholly(bench.revisions.one));
      expect((await bench.target.observe()).revisions).toEqual(before.revisions);
    });

    test("a share of traffic is shifted to a second revision and back", async () => {
      const { one, two } = bench.revisions;
      await bench.target.publish(two);
      const stands = { capacity: 100, traffic: 100 };
      await held({ revisions: { [one]: stands, [two]: { capacity: 50, traffic: 0 } }, routes: [] });
      await held({
        revisions: { [one]: { capacity: 100, traffic: 90 }, [two]: { capacity: 50, traffic: 10 } },
        routes: [],
      });
      const seen = await bench.target.observe();
      expect([seen.revisions[one]?.traffic, seen.revisions[two]?.traffic]).toEqual([90, 10]);
      expect(seen.revisions[two]?.running).toBe(1);
      await held({ revisions: { [one]: stands, [two]: { capacity: 50, traffic: 0 } }, routes: [] });
    });

    test("a revision that a frame no longer names goes", async () => {
      await held(wholly(bench.revisions.one));
      const seen = await until((s) => (s.revisions[bench.revisions.two]?.running ?? 0) === 0);
      expect(seen.revisions[bench.revisions.two]?.running ?? 0).toBe(0);
    });

    test("a command older than one seen before is refused and has no effect", async () => {
      const { one, two } = bench.revisions;
      const late = bench.target.apply(wholly(two), size, { journal: bench.journal, seq: seq - 1 });
      await expect(late).rejects.toBeInstanceOf(Fenced);
      expect((await bench.target.observe()).revisions[one]?.traffic).toBe(100);
    });

    test("a revision whose replicas crash is reported broken, and the other keeps its traffic", async () => {
      const { one, crashing } = bench.revisions;
      await bench.target.publish(crashing);
      await apply({
        revisions: { [one]: { capacity: 100, traffic: 100 }, [crashing]: { capacity: 50, traffic: 0 } },
        routes: [],
      });
      const seen = await until((s) => s.revisions[crashing]?.broken !== undefined);
      expect(seen.revisions[crashing]?.broken).toBeTypeOf("string");
      expect(seen.revisions[one]).toMatchObject({ ready: size, traffic: 100 });
      await held(wholly(one));
    });

    test("a dark frame takes everything away", async () => {
      await apply({ revisions: {}, routes: [] });
      const seen = await until((s) => Object.values(s.revisions).every((share) => share.running === 0));
      expect(Object.values(seen.revisions).every((share) => share.running === 0)).toBe(true);
    });
  });
}
