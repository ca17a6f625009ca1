import { targetContract } from "../testing/target-contract.ts";
import { SimClock } from "./sim-clock.ts";
import { SimTarget } from "./sim-target.ts";

targetContract("the simulated target", async () => {
  const clock = new SimClock();
  const behaviours = { "web-crashing": { crashesAfterMs: 100 } };
  return {
    target: new SimTarget({ clock, behaviours, routerLagMs: 100, drainMs: 500 }),
    clock,
    journal: "simulated",
    revisions: { one: "web-one", two: "web-two", crashing: "web-crashing" },
    dispose: async () => {},
  };
});
