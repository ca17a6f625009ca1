// What the machine says of itself and its services; the metrics that services push; jobs that a person runs.
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import type { Context } from "hono";
import { stream } from "hono/streaming";
import { Temporary } from "../../domain/problem.ts";
import { Refusal } from "../problem-answer.ts";
import type { machine } from "../routes/machine.ts";
import type { Handlers, Office } from "./call.ts";

const unpacked = promisify(gunzip);

export function machineHandlers(office: Office): Pick<Handlers, keyof typeof machine> {
  const { records, places } = office;
  return {
    health: async ({ context }) => {
      try {
        await records.now();
        return { status: "ready" };
      } catch {
        return context.json({ status: "unready", because: "the database does not answer" }, 503);
      }
    },
    servicesHealth: async ({ query: { environment } }) => ({ environments: await places.health(environment) }),
    metrics: async ({ context }) => {
      context.header("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
      return context.body(await places.metrics());
    },
    pushMetrics: async ({ context }) => {
      const leftOut = await places.pushMetrics(await pushedBody(context)).catch(notMetrics);
      return leftOut === undefined ? {} : { partialSuccess: { rejectedDataPoints: 0, errorMessage: leftOut } };
    },
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
  };
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
