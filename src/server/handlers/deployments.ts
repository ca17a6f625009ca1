// Deployments are asked for, looked at and moved by verbs.
import { firstBreak } from "../../domain/chain.ts";
import type { VerbName } from "../../domain/verbs.ts";
import { recordingAt } from "../../engine/comparison.ts";
import { evidenceIn } from "../../engine/evidence.ts";
import { command, findRelease, request, runOf, runsOf } from "../commands.ts";
import { liveEvents } from "../live.ts";
import { retryEnded } from "../orders.ts";
import { refuseShortcut } from "../release-path.ts";
import { rollbackDeployment } from "../returns.ts";
import type { deployments } from "../routes/deployments.ts";
import { sha256 } from "../sha256.ts";
import { whyIn } from "../why.ts";
import { type Call, given, type Handlers, idFor, type Office } from "./call.ts";

export function deploymentsHandlers(office: Office): Pick<Handlers, keyof typeof deployments> {
  const { records, places } = office;
  return {
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
        deployment: await request(office, idFor(office, context), {
          environment,
          release,
          intent,
          by: who.name,
          reason,
        }),
      };
    },
    getDeployment: async ({ params: { id } }) => ({
      deployment: await runOf(records, id),
      waiting: places.waiting(id),
    }),
    listEvents: async ({ params: { id }, query: { from }, context }) => {
      const events = await records.journal.read(id);
      if (events.length === 0) await runOf(records, id); // says that it is not there
      if (context.req.header("accept")?.includes("text/event-stream")) {
        return liveEvents(context, office, { from: from ?? (events[0]?.seq ?? 1) - 1, of: id });
      }
      return { events: events.slice(from) };
    },
    events: async ({ query: { from }, context }) => liveEvents(context, office, { from: from ?? 0 }),
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
      return {
        deployment: await retryEnded(office, idFor(office, context), { run, by: who.name, reason: body.reason }),
      };
    },
    approve: said("approve"),
    refuse: said("refuse"),
    rollbackDeployment: async ({ params: { id }, body: { reason }, who, context }) => ({
      deployment: await rollbackDeployment(office, idFor(office, context), {
        run: await runOf(records, id),
        by: who.name,
        reason,
      }),
    }),
  };

  function said<Verb extends Exclude<VerbName, "promote">>(verb: Verb): Handlers[Verb] {
    const answer = async ({ params: { id }, body: { reason }, who }: Call<Exclude<VerbName, "promote">>) => ({
      deployment: await command(records, id, { verb, by: who, ...given(reason) }),
    });
    return answer as Handlers[Verb];
  }
}
