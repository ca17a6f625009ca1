// `sluice demo`: watch three releases of a real product, the last one bad, under live traffic.
import type { Command } from "commander";
import { addVerb, contextOf } from "../verb.ts";

interface Options {
  readonly headless?: boolean;
  readonly rps: string;
}

export function demoVerb(program: Command): void {
  addVerb(program, {
    usage: "demo",
    summary: "release a real monorepo three times under live traffic; the third release is bad and is taken back",
    examples: ["sluice demo", "sluice demo --headless --json"],
    json: '{"releases":[{"version":1,"outcome":"succeeded"},…],"requests":{"sent":…,"failed":0,"badServed":…},"seconds":…}',
  })
    .option("--headless", "open no browser, and end when the third release has been taken back")
    .option("--rps <number>", "requests a second", "200")
    .action(async (_: Options, command: Command) => {
      const { demo } = await import("../demo/demo.ts");
      const { headless, rps } = command.opts<Options>();
      const { screen } = contextOf(command);
      process.exitCode = await demo({ screen, isHeadless: headless === true, requestsPerSecond: Number(rps) });
    });
}
