// What stands in environments, and the orders that move them.
import { plan } from "../../domain/plan.ts";
import { checkedRelease, findRelease, request, runOf, runsOf } from "../commands.ts";
import { type OrderName, orders, planned } from "../orders.ts";
import { Refusal } from "../problem-answer.ts";
import { returnsOf, rollback } from "../returns.ts";
import type { environments } from "../routes/environments.ts";
import { type Call, given, type Handlers, idFor, type Office } from "./call.ts";

export function environmentsHandlers(office: Office): Pick<Handlers, keyof typeof environments> {
  const { records, places } = office;
  return {
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
    rollback: async ({ params: { environment }, body, who, context }) => ({
      deployment: await rollback(office, idFor(office, context), { environment, ...body, by: who.name }),
    }),
    returns: async ({ params: { environment }, query: { services } }) => ({
      targets: (await returnsOf(office, environment, services?.split(","))).targets,
    }),
    restart: ordered("restart"),
    drill: ordered("drill"),
    retire: ordered("retire"),
    preview: async ({ params: { environment }, body: { order, ...wish } }) =>
      planned(office, await orders[order](office, { environment, id: office.newId(), ...wish })),
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
    putSecrets: async ({ params: { environment }, body: { values } }) => ({
      versions: places.putSecrets(environment, values),
    }),
  };

  function ordered<Name extends Exclude<OrderName, "rollback">>(order: Name): Handlers[Name] {
    const answer = async ({ params: { environment }, body, who, context }: Call<Exclude<OrderName, "rollback">>) => {
      const id = idFor(office, context);
      const [known] = await records.journal.read(id);
      if (known !== undefined) return { deployment: await runOf(records, id) }; // asked before, with the same key
      const { reason, ...wish } = body;
      const made = await orders[order](office, { environment, id, ...wish });
      return { deployment: await request(office, id, { ...made, by: who.name, reason }) };
    };
    return answer as Handlers[Name];
  }
}
