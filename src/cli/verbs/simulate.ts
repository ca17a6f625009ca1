// `sluice simulate`: a whole rollout on a virtual clock, with chosen faults and traffic.
import type { Command } from "commander";
import { weathers } from "../faults.ts";
import type { SimulateWishes } from "../simulate.ts";
import { addVerb, contextOf, endWith } from "../verb.ts";

export function simulateVerb(program: Command): void {
  addVerb(program, {
    usage: "simulate <environment>",
    summary:
      "play a rollout of this configuration on a virtual clock, with chosen faults and traffic; nothing is built",
    examples: [
      "sluice simulate production",
      "sluice simulate production --weather bad-later --rps 20",
      "sluice simulate production --fault api:errors=3%@10m --seed 7",
      "sluice simulate production --fault metrics-down@2m..9m --fault crash@12m --json",
      'sluice simulate production --fault errors=30% --expect "rolled back"    # in CI: exits with 1 when it ends otherwise',
    ],
    json: '{"outcome":"rolled back","lastsMs":…,"timeline":[…],"moments":[…],"exposure":{…},"timeToSafeMs":…,"lowestCapacity":100,"plan":{…}}',
  })
    .addHelpText("after", () => `${helpText}\n`)
    .option("--fault <fault...>", "what goes wrong; may be given more than once")
    .option("--weather <name>", "a ready-made set of faults")
    .option("--rps <number>", "requests per second of each service", "100")
    .option("--error-rate <share>", "of requests that fail anyway, on both sides", "0.2%")
    .option("--latency <duration>", "the usual one, on both sides", "40ms")
    .option("--approve-after <duration>", "when people say yes where they are asked", "5m")
    .option("--only <services>", "only these change (default: all)")
    .option("--first", "nothing stands there yet")
    .option("--seed <number>", "counts vary by chance, the same for the same number (default: expectations)")
    .option("--expect <outcome>", "exit with 1 when it ends otherwise: succeeded, rolled back, aborted, failed, stuck")
    .action(async (environment: string, options: Omit<SimulateWishes, "environment">, command: Command) => {
      const { runSimulation } = await import("../simulate.ts");
      endWith(await runSimulation(contextOf(command), { ...options, environment }));
    });
}

const helpText = `
The same planning, engine and judge as in the control plane, in a simulated world. It needs no control plane.

Faults, [SERVICE:]KIND[=VALUE][@WHEN]; WHEN counts from the start of the new side:
  never-ready             it never becomes ready
  crash@2m                it crash-loops from then on
  errors=3%@5m            so many of its requests fail from then on (also 0.03)
  latency=2s@5m           its answers take so long from then on
  job-fails=smoke         a job fails
or since the request:
  stable-away@1m..2m      the old side is gone
  metrics-down@2m..9m     the metric source is silent
  incident=20%@2m..4m     so many of all requests fail, whoever answers
  router-lag=900ms        the router reports weights so late, always
  abort@5m, pause@5m..9m  what people say
Weathers: ${Object.entries(weathers)
  .map(([name, faults]) => (faults.length === 0 ? name : `${name} (${faults.join(", ")})`))
  .join(", ")}`;
