// What `sluice judge` asks: it fetches what was counted and runs the very functions that judge a rollout.
import { resolve } from "node:path";
import { bucketsOf, onto } from "../domain/buckets.ts";
import { duration, percent } from "../domain/config/units.ts";
import type { Interval, ReplicaInterval, Stratum } from "../domain/evidence.ts";
import { plus } from "../domain/judge/counts.ts";
import { exchangeability } from "../domain/judge/exchangeability.ts";
import { oldAgainstOld } from "../domain/judge/old-against-old.ts";
import { defaults, type Parameters } from "../domain/judge/parameters.ts";
import { foundAfterMs, recommendedSteps, seriousFaults, smallestFound, type Traffic } from "../domain/judge/power.ts";
import { replay as judgeAgain, type Recording } from "../domain/judge/replay.ts";
import { Problem } from "../domain/problem.ts";
import { type Api, findControlPlane, openApi } from "./api-client.ts";
import type { Exit } from "./exit.ts";
import { findDeployment, onlyEnvironment } from "./find-deployment.ts";
import { aaLines, type Power, powerLines, type Replayed, recordedLines, replayLines } from "./print/judge.ts";
import { intervalsFrom } from "./recorded-file.ts";
import type { Context } from "./verb.ts";
import type { JudgeOptions } from "./verbs/judge.ts";

export async function aa(context: Context, what: string | undefined, options: JudgeOptions): Promise<Exit> {
  const { screen } = context;
  const parameters = parametersOf(options);
  const found = await aaOf(context, what, { options, parameters });
  screen.answer(found);
  screen.say(...("replicas" in found ? aaLines(found, screen) : recordedLines(found, screen)));
  return found.isExchangeable ? "ok" : "failed";
}

interface Asking {
  readonly options: JudgeOptions;
  readonly parameters: Partial<Parameters>;
}

async function aaOf(context: Context, what: string | undefined, { options, parameters }: Asking) {
  if (options.file !== undefined) {
    const read = await intervalsFrom(resolve(context.cwd, options.file));
    if ("replicas" in read) return replicasAlike(read.replicas, parameters, `${options.file} has`);
    return exchangeability(recordingOf(read.intervals, parameters));
  }
  const api = openApi(await findControlPlane(context));
  const service = await serviceOf(api, what, options);
  if (service === undefined) {
    const { service: name, recording } = await onlyRecording(api, what, options);
    const { beginning } = recording;
    const changed = {
      ...recording,
      beginning: { ...beginning, parameters: { ...beginning.parameters, ...parameters } },
    };
    return { service: name, ...exchangeability(changed) };
  }
  const { replicas } = await api.ask("counted", { params: service, query: { minutes: options.minutes } });
  return replicasAlike(replicas, parameters, `${service.service} in ${service.environment} had`);
}

function replicasAlike(counted: readonly ReplicaInterval[], parameters: Partial<Parameters>, who: string) {
  const found = oldAgainstOld(counted, parameters);
  if (found.replicas.length >= 2 && counted.length >= 12) return found;
  throw new Problem(
    `${who} ${found.replicas.length} replicas that are told apart, over ${counted.length} intervals: too little for old against old`,
    "Run two replicas or more for some minutes under traffic; a gateway's counters do not tell replicas apart",
  );
}

export async function replay(context: Context, what: string | undefined, options: JudgeOptions): Promise<Exit> {
  const { screen } = context;
  const parameters = parametersOf(options);
  const api = openApi(await findControlPlane(context));
  const { id } = await findDeployment(api, { name: what, orEnded: true });
  const { services } = await api.ask("recordings", { params: { id } });
  const wanted = services.filter(({ service }) => options.service === undefined || options.service === service);
  if (wanted.length === 0) {
    throw new Problem(
      `${id} recorded nothing that was compared${options.service === undefined ? "" : ` of ${options.service}`}`,
      "A first deployment, or one without a bake in which both versions have traffic, has no evidence",
    );
  }
  const replayed = wanted.map(({ service, recording }): Replayed => {
    const { beginning } = recording;
    const changed = {
      ...recording,
      beginning: { ...beginning, parameters: { ...beginning.parameters, ...parameters } },
    };
    return { service, was: judgeAgain(recording), with: judgeAgain(changed) };
  });
  screen.say(...replayLines({ deployment: id, parameters, replayed }, screen));
  const told = ({ state: { logE }, ...rest }: Replayed["was"]) => ({ ...rest, logE });
  screen.answer({
    deployment: id,
    parameters,
    services: replayed.map((one) => ({ service: one.service, was: told(one.was), with: told(one.with) })),
  });
  return "ok";
}

export async function power(context: Context, what: string | undefined, options: JudgeOptions): Promise<Exit> {
  const { screen } = context;
  const parameters = parametersOf(options);
  const withinMs = duration.read(options.within);
  if (withinMs === undefined || withinMs > 3_600_000) {
    throw new Problem(`--within ${options.within} is not a time up to 1h`, 'Write "10m"');
  }
  const api = openApi(await findControlPlane(context));
  const asked = await serviceOf(api, what, options);
  if (asked === undefined) throw new Problem(`There is no service "${what}"`, "Name one that stands: sluice status");
  const { intervals, replicas } = await api.ask("counted", { params: asked, query: { minutes: options.minutes } });
  const traffic = trafficOf(intervals, oldAgainstOld(replicas).podLogSd);
  if (traffic === undefined) {
    throw new Problem(
      `${asked.service} in ${asked.environment} had no request in ${options.minutes} minutes`,
      "Ask again when it has traffic, or look further back with --minutes",
    );
  }
  const faults = seriousFaults(traffic);
  const answer: Power = {
    ...asked,
    withinMs,
    traffic,
    faults,
    shares: [0.01, 0.05, 0.1, 0.25, 0.5].map((share) => {
      const question = { traffic, share, withinMs, parameters };
      return {
        share,
        foundAfterMs: faults.map((fault) => foundAfterMs(fault, question)),
        smallest: smallestFound(question),
      };
    }),
    steps: recommendedSteps({ traffic, withinMs, parameters }),
  };
  screen.say(...powerLines(answer, screen));
  const { traffic: _, ...rest } = answer;
  screen.answer(rest);
  return "ok";
}

/** What stands by that name; undefined where it is no service: a deployment then. */
async function serviceOf(api: Api, what: string | undefined, { environment }: JudgeOptions) {
  const { environments } = await api.ask("status");
  const here = environment ?? (await environmentWith(api, environments, what));
  const services = Object.keys(environments.find(({ name }) => name === here)?.stands ?? {});
  const [only, ...others] = services;
  if (what === undefined && only !== undefined && others.length === 0) return { environment: here, service: only };
  if (what === undefined)
    throw new Problem(`${here} has ${services.length} services`, `Name one: ${services.join(", ")}`);
  return services.includes(what) ? { environment: here, service: what } : undefined;
}

async function environmentWith(
  api: Api,
  environments: readonly { readonly name: string; readonly stands: object }[],
  service: string | undefined,
): Promise<string> {
  const having = environments.filter(({ stands }) => service !== undefined && service in stands);
  const [first] = having;
  if (first !== undefined && having.length === 1) return first.name;
  if (having.length > 1) {
    throw new Problem(
      `${service} stands in ${having.map(({ name }) => name).join(" and ")}`,
      `Add --environment ${having.at(-1)?.name}`,
    );
  }
  return environments.length === 1 ? onlyEnvironment(api) : (environments[0]?.name ?? onlyEnvironment(api));
}

async function onlyRecording(api: Api, what: string | undefined, { service }: JudgeOptions) {
  const { id } = await findDeployment(api, { name: what, orEnded: true });
  const { services } = await api.ask("recordings", { params: { id } });
  const [first, ...others] = services.filter((one) => service === undefined || one.service === service);
  if (first === undefined) throw new Problem(`${id} recorded nothing that was compared`, "See: sluice history");
  if (others.length === 0) return first;
  throw new Problem(`${id} moved ${services.length} services`, `Add --service ${first.service}`);
}

function trafficOf(intervals: readonly Interval[], podLogSd: number): Traffic | undefined {
  const [first, last] = [intervals[0], intervals.at(-1)];
  if (first === undefined || last === undefined) return undefined;
  const buckets = bucketsOf(first);
  const strata: Record<Stratum, Traffic["strata"][string]> = {};
  for (const interval of intervals) {
    for (const [stratum, counts] of Object.entries(onto(interval, buckets).candidate)) {
      const sum = strata[stratum];
      strata[stratum] = sum === undefined ? counts : plus(sum, counts);
    }
  }
  if (Object.values(strata).every(({ requests }) => requests === 0)) return undefined;
  return { strata, lastedMs: last.endMs - first.startMs, buckets, podLogSd };
}

function recordingOf(intervals: readonly Interval[], parameters: Partial<Parameters>): Recording {
  const past = Math.floor(intervals.length / 4);
  const buckets = bucketsOf(intervals[0]);
  const before = intervals.slice(0, past).map((interval) => onto(interval, buckets).stable);
  return {
    beginning: { history: { intervals: before, podLogSd: 0 }, strata: [], buckets, parameters },
    intervals: intervals.slice(past),
  };
}

/** Numbers and switches of `Parameters`, by their names. */
export function parametersOf({ alpha, set }: Pick<JudgeOptions, "alpha" | "set">): Partial<Parameters> {
  const settable = Object.entries(defaults).filter(([, value]) => typeof value !== "object");
  const given = set.map((one): [string, number | boolean] => {
    const [, name = "", value = ""] = /^(\w+)=(.+)$/.exec(one) ?? [];
    const known = settable.find(([key]) => key === name);
    const read = typeof known?.[1] === "boolean" ? { true: true, false: false }[value] : Number(value);
    if (known !== undefined && read !== undefined && !Number.isNaN(read)) return [name, read];
    throw new Problem(
      `--set ${one} names no parameter and its value`,
      `There is ${settable.map(([key]) => key).join(", ")}`,
    );
  });
  const share = alpha === undefined ? undefined : percent.read(alpha);
  if (alpha !== undefined && (share === undefined || share <= 0)) {
    throw new Problem(`--alpha ${alpha} is not a percentage above 0`, 'Write "1%"');
  }
  return { ...Object.fromEntries(given), ...(share === undefined ? {} : { alpha: share / 100 }) };
}
