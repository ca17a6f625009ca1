// What each route does. One entry a route: leaving one out does not compile.
import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import type { Context } from "hono";
import { stream } from "hono/streaming";
import type { z } from "zod";
import { type Build, mainRef, orderOf } from "../domain/build.ts";
import { firstBreak } from "../domain/chain.ts";
import { plan } from "../domain/plan.ts";
import { Temporary } from "../domain/problem.ts";
import { releaseDiff } from "../domain/release-diff.ts";
import type { Person, VerbName } from "../domain/verbs.ts";
import { recordingAt } from "../engine/comparison.ts";
import { evidenceIn } from "../engine/evidence.ts";
import { type Auth, codeLivesMs, metricsTokenOf } from "./auth.ts";
import { findRepository, secretsOf } from "./builds.ts";
import {
  checkedRelease,
  command,
  type Desk,
  findRelease,
  lackingOf,
  releaseAt,
  request,
  runOf,
  runsOf,
} from "./commands.ts";
import { type Live, liveEvents } from "./live.ts";
import { openapi } from "./openapi.ts";
import { type OrderName, orders, planned, retryEnded } from "./orders.ts";
import { Refusal } from "./problem-answer.ts";
import type { Places } from "./records.ts";
import { refuseShortcut } from "./release-path.ts";
import { returnsOf, rollback, rollbackDeployment } from "./returns.ts";
import type { Answers, RouteName, routes } from "./routes/routes.ts";
import { signedToken } from "./signed-token.ts";
import { whyIn } from "./why.ts";

const unpacked = promisify(gunzip);
const trusted = { kind: "trusted" } as const;

export interface Office extends Desk, Live {
  readonly records: Desk["records"];
  readonly places: Places;
  readonly auth: Auth;
  readonly version: string;
  /** The control plane's own. */
  readonly token: string;
  /** A new deployment's id. */
  newId(): string;
}

type Parsed<K extends RouteName, Part extends string> =
  (typeof routes)[K] extends Record<Part, infer S extends z.ZodType> ? z.output<S> : undefined;

interface Call<K extends RouteName> {
  readonly params: Parsed<K, "params">;
  readonly query: Parsed<K, "query">;
  readonly body: Parsed<K, "body">;
  readonly who: Person;
  readonly context: Context;
}

type Answer<K extends RouteName> = K extends keyof Answers ? Answers[K] | Response : Response;
export type Handlers = { readonly [K in RouteName]: (call: Call<K>) => Promise<Answer<K>> };

export function handlers(office: Office): Handlers {
  const { records, places, auth } = office;
  return {
    health: async ({ context }) => {
      try {
        await records.now();
        return { status: "ready" };
      } catch {
        return context.json({ status: "unready", because: "the database does not answer" }, 503);
      }
    },
    metrics: async ({ context }) => {
      context.header("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
      return context.body(await places.metrics());
    },
    pushMetrics: async ({ context }) => {
      const leftOut = await places.pushMetrics(await pushedBody(context)).catch(notMetrics);
      return leftOut === undefined ? {} : { partialSuccess: { rejectedDataPoints: 0, errorMessage: leftOut } };
    },
    openapi: async () => openapi(office.version),
    session: async ({ who }) => ({ name: who.name }),
    loginCode: async () => {
      const code = auth.newCode();
      return { code, path: `/login?code=${code}`, expiresInMs: codeLivesMs };
    },
    metricsToken: async () => ({ token: metricsTokenOf(office.token) }),
    cacheToken: async ({ body: { untrusted, days } }) => {
      const expiresAt = office.clock.now() + days * 86_400_000;
      const scope = untrusted === undefined ? trusted : ({ kind: "untrusted", name: untrusted } as const);
      return { token: signedToken(office.token, scope, expiresAt), expiresAt };
    },
    runnerToken: async ({ body: { name, labels, days } }) => {
      const expiresAt = office.clock.now() + days * 86_400_000;
      return { token: signedToken(office.token, { kind: "runner", name, labels }, expiresAt), expiresAt };
    },
    listRepositories: async () => ({ repositories: await records.builds.repositories() }),
    putRepository: async ({ params: { repository: name }, body }) => {
      const { schedule, ...settings } = body;
      if (schedule !== undefined) places.checkSchedule(schedule);
      await records.builds.putRepository({ name, ...settings, ...(schedule === undefined ? {} : { schedule }) });
      return { hook: `/hooks/${name}`, secret: places.hookSecret(name) };
    },
    putRepositorySecrets: async ({ params: { repository: name }, body: { values } }) => {
      await findRepository(records, name);
      return { names: Object.keys(places.putSecrets(secretsOf(name), values)) };
    },
    listBuilds: async ({ query: { limit } }) => ({ builds: await records.builds.list(limit) }),
    build: async ({ body: { repository: name, ref, tasks }, who }) => {
      const repository = await findRepository(records, name);
      const order = orderOf(repository, ref ?? mainRef(repository), { kind: "person", by: who.name });
      return { build: await records.builds.request({ ...order, ...(tasks === undefined ? {} : { tasks }) }) };
    },
    getBuild: async ({ params: { id } }) => ({ build: foundBuild(id, await records.builds.get(id)) }),
    cancelBuild: async ({ params: { id }, who }) => ({
      build: foundBuild(id, await records.builds.cancel(id, who.name)),
    }),
    buildLog: async ({ params: { id }, query: { from }, context }) => {
      const build = foundBuild(id, await records.builds.get(id));
      context.header("Content-Type", "text/plain; charset=utf-8");
      context.header("X-Build-State", build.state);
      return context.body(new Uint8Array(await records.builds.readLog(id, from)));
    },
    status: async ({ query }) => {
      const known = (await records.environments.list()).filter(
        ({ name }) => query.environment === undefined || query.environment === name,
      );
      const environments = await Promise.all(
        known.map(async ({ open, ...environment }) => {
          const url = await places.publicUrl(environment.name);
          const [first] = open;
          return {
            ...environment,
            ...(url === undefined ? {} : { url }),
            open: await runsOf(records, open),
            waiting: first === undefined ? [] : places.waiting(first),
            inMaintenance: await places.inMaintenance(environment.name),
          };
        }),
      );
      const traffic = places.traffic?.();
      return { environments, ...(traffic === undefined ? {} : { traffic }) };
    },
    listDeployments: async ({ query: { environment, open, limit } }) => {
      const ids = await records.deployments({
        ...(environment === undefined ? {} : { environment }),
        ...(open === undefined ? {} : { open }),
        rowsMax: limit,
      });
      return { deployments: await runsOf(records, ids) };
    },
    deploy: async ({ body: { environment, release: name, reason }, who, context }) => {
      const release = await findRelease(records, name);
      await refuseShortcut(records, release, environment);
      const intent = await places.intend(release, environment);
      return {
        deployment: await request(office, idFor(context), { environment, release, intent, by: who.name, reason }),
      };
    },
    getDeployment: async ({ params: { id } }) => ({
      deployment: await runOf(records, id),
      waiting: places.waiting(id),
    }),
    listEvents: async ({ params: { id }, query: { from }, context }) => {
      const [first] = await records.journal.read(id);
      if (first === undefined) await runOf(records, id); // says that it is not there
      if (context.req.header("accept")?.includes("text/event-stream")) {
        return liveEvents(context, office, { from: from ?? (first?.seq ?? 1) - 1, of: id });
      }
      return { events: await records.journal.read(id, from ?? 0) };
    },
    chain: async ({ params: { id } }) => {
      const events = await records.journal.read(id);
      if (events.length === 0) await runOf(records, id); // says that it is not there
      const found = firstBreak(events, sha256);
      return {
        events: events.length,
        isUnbroken: found === undefined,
        ...(found === undefined ? {} : { because: found.because }),
      };
    },
    evidence: async ({ params: { id } }) => ({
      services: await evidenceIn(await runOf(records, id), records.evidence),
    }),
    why: async ({ params: { id } }) => {
      const { id: known } = await runOf(records, id);
      return { decisions: await whyIn(records, known) };
    },
    promote: async ({ params: { id }, body: { reason, full }, who }) => ({
      deployment: await command(records, id, { verb: "promote", by: who, full, ...given(reason) }),
    }),
    pause: said("pause"),
    resume: said("resume"),
    abort: said("abort"),
    retry: async (call) => {
      const { params, body, who, context } = call;
      const run = await runOf(records, params.id);
      if (run.phase.kind !== "ended") return said("retry")(call);
      return { deployment: await retryEnded(office, idFor(context), { run, by: who.name, reason: body.reason }) };
    },
    approve: said("approve"),
    refuse: said("refuse"),
    rollbackDeployment: async ({ params: { id }, body: { reason }, who, context }) => ({
      deployment: await rollbackDeployment(office, idFor(context), {
        run: await runOf(records, id),
        by: who.name,
        reason,
      }),
    }),
    rollback: async ({ params: { environment }, body, who, context }) => ({
      deployment: await rollback(office, idFor(context), { environment, ...body, by: who.name }),
    }),
    returns: async ({ params: { environment }, query: { services } }) => ({
      targets: (await returnsOf(office, environment, services?.split(","))).targets,
    }),
    restart: ordered("restart"),
    drill: ordered("drill"),
    retire: ordered("retire"),
    preview: async ({ params: { environment }, body: { order, ...wish } }) =>
      planned(office, await orders[order](office, { environment, id: office.newId(), ...wish })),
    plan: async ({ body: { environment, release: named } }) => {
      const release = typeof named === "string" ? await findRelease(records, named) : checkedRelease(named);
      const { stands, release: standing } = await records.environments.stands(environment);
      const intent = await places.intend(release, environment);
      return {
        plan: plan(intent, stands),
        release: { id: release.id, version: release.version },
        stands,
        ...(standing === undefined ? {} : { standingRelease: standing }),
      };
    },
    maintenance: async ({ params: { environment, service }, body: { on, reason }, who }) => {
      if (await places.maintain({ environment, service }, { on, by: who.name, ...given(reason) }))
        return { environment, service, on };
      throw new Refusal(404, {
        so: `there is no service ${service} in ${environment}`,
        mend: 'Name one that "sluice status" shows',
      });
    },
    counted: async ({ params: { environment, service }, query: { minutes } }) => {
      const { stands } = await records.environments.stands(environment);
      const revision = stands[service];
      if (revision === undefined) {
        throw new Refusal(404, {
          so: `${service} does not stand in ${environment}`,
          mend: `There is ${Object.keys(stands).join(", ") || "nothing yet"}`,
        });
      }
      const since = (await records.now()) - minutes * 60_000;
      return { revision, ...(await places.counted({ environment, service, revision, since })) };
    },
    recordings: async ({ params: { id } }) => {
      const run = await runOf(records, id);
      const nodes = (run.plan?.nodes ?? []).filter(({ id: node, service }) => service === node);
      const found = nodes.map(async (node) => {
        const service = node.service ?? node.id;
        return { service, recording: await recordingAt({ run, node, service }, records.evidence) };
      });
      const all = await Promise.all(found);
      return {
        services: all.flatMap(({ service, recording }) =>
          recording === undefined || recording.intervals.length === 0 ? [] : [{ service, recording }],
        ),
      };
    },
    putSecrets: async ({ params: { environment }, body: { values } }) => ({
      versions: places.putSecrets(environment, values),
    }),
    listReleases: async ({ query: { limit } }) => ({ releases: await records.releases.list(limit) }),
    keepRelease: async ({ body }) => {
      const release = checkedRelease(body);
      const isNew = await records.releases.keep({ id: release.id, version: release.version }, release);
      return { isNew, lacking: await lackingOf(places, release) };
    },
    getRelease: async ({ params: { id } }) => {
      const release = await findRelease(records, id);
      const kept = await records.releases.get(release.id);
      return { release, at: kept?.at ?? 0 };
    },
    diff: async ({ query: { from, to } }) => {
      const [before, after] = await Promise.all([from, to].map((name) => releaseAt(records, name)));
      if (before === undefined || after === undefined) throw new Error("both were found or refused");
      return { diff: releaseDiff(before, after) };
    },
    hasArtifact: async ({ params: { sha256 }, context }) =>
      context.body(null, (await places.artifacts.has(sha256)) ? 200 : 404),
    uploadState: async ({ params: { sha256: artifact, packed } }) => ({
      arrived: await places.artifacts.arrived({ artifact, packed }),
    }),
    uploadBytes: async ({ params: { sha256: artifact, packed }, query: { from }, context }) => ({
      arrived: await places.artifacts.take({ artifact, packed }, { from, body: bodyOf(context) }),
    }),
    finishUpload: async ({ params: { sha256: artifact, packed }, body: { commit, ...manifest } }) => {
      const isHere = await places.artifacts.has(artifact);
      if (!isHere) await places.artifacts.finish({ artifact, packed }, { ...manifest, ...(commit && { commit }) });
      return { artifact };
    },
    listJobs: async ({ query: { environment } }) => {
      const all = await places.jobs.list();
      return { jobs: all.filter((job) => environment === undefined || job.environment === environment) };
    },
    runJob: async ({ params: { environment, job }, context }) => ({
      run: await places.jobs.run(environment, job, context.req.header("idempotency-key") ?? office.newId()),
    }),
    getJobRun: async ({ query: { key } }) => {
      const runs = (await places.jobs.list()).flatMap((job) => job.runs);
      const run = runs.find((one) => one.key === key);
      if (run === undefined) throw new Refusal(404, { so: `there is no run ${key}`, mend: "`sluice jobs` lists them" });
      return { run, lines: await places.jobs.lines(key) };
    },
    servicesHealth: async ({ query: { environment } }) => ({ environments: await places.health(environment) }),
    logs: async ({ query: { service, revision, replica, since, tail = since ? 10_000 : 100, ...query }, context }) => {
      const only = { ...(service && { service }), ...(revision && { revision }), ...(replica && { replica }) };
      const wanted = { ...query, tail, ...only, ...(since && { since }) };
      context.header("Content-Type", "application/x-ndjson");
      return stream(context, async (lines) => {
        const left = new AbortController();
        lines.onAbort(() => left.abort());
        const signal = AbortSignal.any([left.signal, office.signal]);
        for await (const line of places.logs(wanted, signal)) await lines.writeln(JSON.stringify(line));
      });
    },
    events: async ({ query: { from }, context }) => liveEvents(context, office, { from: from ?? 0 }),
  };

  function ordered<Name extends Exclude<OrderName, "rollback">>(order: Name): Handlers[Name] {
    const answer = async ({ params: { environment }, body, who, context }: Call<Exclude<OrderName, "rollback">>) => {
      const id = idFor(context);
      const [known] = await records.journal.read(id);
      if (known !== undefined) return { deployment: await runOf(records, id) }; // asked before, with the same key
      const { reason, ...wish } = body;
      const made = await orders[order](office, { environment, id, ...wish });
      return { deployment: await request(office, id, { ...made, by: who.name, reason }) };
    };
    return answer as Handlers[Name];
  }

  function said<Verb extends Exclude<VerbName, "promote">>(verb: Verb): Handlers[Verb] {
    const answer = async ({ params: { id }, body: { reason }, who }: Call<Exclude<VerbName, "promote">>) => ({
      deployment: await command(records, id, { verb, by: who, ...given(reason) }),
    });
    return answer as Handlers[Verb];
  }

  /** The same Idempotency-Key is the same deployment, however often it is sent. */
  function idFor(context: Context): string {
    const key = context.req.header("idempotency-key");
    return key === undefined ? office.newId() : `d-${sha256(key).slice(0, 10)}`;
  }
}

/** Unpacked to 16 MiB at most. */
async function pushedBody({ req }: Context): Promise<{ readonly body: Buffer; readonly isJson: boolean }> {
  const packed = Buffer.from(await req.arrayBuffer());
  const isPacked = req.header("content-encoding") === "gzip";
  const body = isPacked ? await unpacked(packed, { maxOutputLength: 16 * 2 ** 20 }).catch(notMetrics) : packed;
  return { body, isJson: /^application\/json\b/i.test(req.header("content-type") ?? "") };
}

function notMetrics(error: Error): never {
  if (error instanceof Temporary) throw error;
  throw new Refusal(400, {
    so: `this is no OTLP request: ${error.message.slice(0, 200)}`,
    mend: "Send an ExportMetricsServiceRequest as application/x-protobuf or application/json",
  });
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

async function* bodyOf({ req }: Context): AsyncGenerator<Uint8Array> {
  const reader = req.raw.body?.getReader();
  for (;;) {
    const read = await reader?.read();
    if (read?.value === undefined) return;
    yield read.value;
  }
}

function given(reason: string | undefined): { reason?: string } {
  return reason === undefined ? {} : { reason };
}

function foundBuild(id: string, build: Build | undefined): Build {
  if (build !== undefined) return build;
  throw new Refusal(404, { so: `there is no build ${id}`, mend: "`sluice build ls` lists them" });
}
