// The demonstration: three releases of a real product under constant traffic, on this machine, with nothing but npm.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type ControlPlane,
  exampleFolder,
  type Served,
  serveControlPlane,
  startControlPlane,
  stopMachine,
} from "../../compose/control.ts";
import type { Event } from "../../domain/event.ts";
import { tell } from "../../domain/prose.ts";
import type { Release } from "../../domain/release.ts";
import type { Run } from "../../domain/run.ts";
import { expenseJourney } from "../../testing/expense-journey.ts";
import { type Load, type LoadFigures, startLoad } from "../../testing/load.ts";
import { exitCodes } from "../exit.ts";
import type { Screen } from "../screen.ts";
import { openBrowser } from "../sign-in.ts";
import { applyChange, buildVersion, changes, demoSecrets, makeProduct } from "./product.ts";
import { deployAndWatch, environment, Interrupted, type Released } from "./scenario.ts";

export interface DemoOptions {
  readonly screen: Screen;
  readonly isHeadless: boolean;
  readonly requestsPerSecond: number;
}

interface Report {
  readonly releases: readonly Released[];
  readonly requests: { readonly sent: number; readonly failed: number; readonly badServed: number };
  readonly seconds: number;
}

const intervalMs = 1000;

/** Answers the exit status. Whatever it started is stopped, and its folder is gone, however it ends. */
export async function demo(options: DemoOptions): Promise<number> {
  const startedAt = performance.now();
  const folder = await mkdtemp(join(tmpdir(), "sluice-demo-"));
  const interrupt = onInterrupt();
  const stage: Stage = { options, folder, startedAt, isStopped: interrupt.wasAsked };
  try {
    const report = await perform(stage);
    options.screen.answer(report);
    sayReport(options.screen, report);
    if (!options.isHeadless) {
      options.screen.say("", `The product stays up for looking around. Ctrl-C ends it and leaves nothing behind.`);
      await interrupt.asked;
    }
    return isAsPromised(report) ? exitCodes.ok.status : exitCodes.failed.status;
  } catch (error) {
    if (!interrupt.wasAsked()) throw error;
    options.screen.say("", "Interrupted: stopping everything that was started.");
    return exitCodes.interrupted.status;
  } finally {
    await stage.load?.stop().catch(() => {});
    await stage.served?.close().catch(() => {});
    // It may still have been starting: what comes up late is stopped too.
    const plane = await stage.starting?.catch(() => undefined);
    await plane?.close().catch(() => {});
    await stopMachine(join(folder, "data"), { keepServices: false }).catch(() => {});
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    interrupt.forget();
  }
}

interface Stage {
  readonly options: DemoOptions;
  readonly folder: string;
  readonly startedAt: number;
  readonly isStopped: () => boolean;
  /** What has to be stopped at the end, as far as it was started. */
  starting?: Promise<ControlPlane>;
  served?: Served;
  load?: Load;
}

async function perform(stage: Stage): Promise<Report> {
  const { folder, isStopped } = stage;
  const { screen } = stage.options;
  const data = join(folder, "data");
  screen.say(screen.colors.bold("Sluice: three releases of a real product under live traffic, on this machine"), "");
  said(stage, "preparing: PostgreSQL, host, router; npm ci for the example");
  stage.starting = startControlPlane({ dataFolder: data, workspace: "tally", intervalMs });
  const [plane, product] = await Promise.all([
    stage.starting,
    makeProduct(exampleFolder(), join(folder, "tally"), data),
  ]);
  await openPage(stage, plane);
  plane.secrets.put(environment, demoSecrets());
  const releases: Released[] = [];
  let release: Release | undefined;
  for (const version of [1, 2, 3]) {
    const change = changes.find((one) => one.version === version);
    if (isStopped()) throw new Interrupted();
    screen.say("", screen.colors.bold(`version ${version}${change === undefined ? "" : `: ${change.title}`}`));
    if (change !== undefined) await applyChange(product, change);
    said(stage, version === 1 ? "building each service once; these artifacts are what runs" : "building what changed");
    release = await buildVersion(product, version, release);
    const onEvent = (event: Event, run: Run) => said(stage, tell(event.fact, run));
    releases.push(await deployAndWatch(release, { plane, isStopped, onEvent }));
    if (version === 1) stage.load = await openTraffic(stage, plane);
  }
  const figures = await settled(stage);
  const { sent, failed, badServed } = figures;
  const seconds = Math.round((performance.now() - stage.startedAt) / 100) / 10;
  return { releases, requests: { sent, failed, badServed }, seconds };
}

async function openPage(stage: Stage, plane: ControlPlane): Promise<void> {
  stage.served = await serveControlPlane({
    plane,
    dataFolder: join(stage.folder, "data"),
    traffic: () => stage.load?.figures(),
  });
  if (stage.options.isHeadless) return;
  const address = stage.served.signInAddress();
  said(stage, `watch it here (the link signs you in, once): ${address}`);
  openBrowser(address);
}

async function openTraffic(stage: Stage, plane: ControlPlane): Promise<Load> {
  const baseUrl = await plane.machine.publicUrl(environment);
  if (baseUrl === undefined) throw new Error("nothing is served after the first deployment");
  const { requestsPerSecond } = stage.options;
  said(stage, `the product is at ${baseUrl}`);
  said(stage, `traffic: ${requestsPerSecond} requests a second, sign-ups and expenses through the gateway, open loop`);
  said(
    stage,
    "bakes are 5 s and counted intervals 1 s here, so that you need not wait; their defaults are 5 min and 5 s",
  );
  return startLoad({
    baseUrl,
    requestsPerSecond,
    journey: expenseJourney({ month: new Date().toISOString().slice(0, 7) }),
  });
}

/** A moment of traffic on what stands now: the last release must have harmed nobody after it was taken back. */
async function settled(stage: Stage): Promise<LoadFigures> {
  await (await stage.starting)?.clock.sleep(1000);
  if (stage.load === undefined) throw new Error("there was no traffic");
  return stage.load.stop();
}

function said({ startedAt, options: { screen } }: Stage, line: string): void {
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1).padStart(6);
  screen.say(`${screen.colors.dim(`${seconds} s`)}  ${line}`);
}

function sayReport(screen: Screen, { releases, requests, seconds }: Report): void {
  screen.say("");
  for (const { version, outcome, because } of releases) {
    const mark = outcome === "succeeded" ? screen.colors.green("✓") : screen.colors.yellow("↩");
    screen.say(`${mark} version ${version}: ${outcome}${because === undefined ? "" : ` (${because})`}`);
  }
  const last = releases.at(-1);
  if (last?.detectedAfterMs !== undefined) {
    screen.say(
      `  found ${(last.detectedAfterMs / 1000).toFixed(1)} s after its first request, all traffic back on version 2 ${last.backOnStableAfterMs} ms later`,
    );
  }
  screen.say(
    `  ${requests.sent} requests sent, ${requests.failed} failed, ${requests.badServed} badly answered by version 3; ${seconds} s in all`,
  );
}

function isAsPromised({ releases, requests }: Report): boolean {
  return releases.map(({ outcome }) => outcome).join() === "succeeded,succeeded,rolled back" && requests.failed === 0;
}

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Ctrl-C, or a closed terminal, stops in good order. Repeated ones change nothing: npm passes on what we get anyway. */
function onInterrupt(): { readonly wasAsked: () => boolean; readonly asked: Promise<void>; forget(): void } {
  let wasAsked = false;
  let tellAsked = () => {};
  const asked = new Promise<void>((resolve) => {
    tellAsked = resolve;
  });
  const ask = () => {
    wasAsked = true;
    tellAsked();
  };
  for (const signal of signals) process.on(signal, ask);
  return {
    wasAsked: () => wasAsked,
    asked,
    forget: () => {
      for (const signal of signals) process.off(signal, ask);
    },
  };
}
