// Repositories and builds, for people. Git servers and runners come by other doors: ../builds.ts.
import { type Build, mainRef, orderOf } from "../../domain/build.ts";
import { findRepository, secretsOf } from "../builds.ts";
import { Refusal } from "../problem-answer.ts";
import type { builds } from "../routes/builds.ts";
import { signedToken } from "../signed-token.ts";
import type { Handlers, Office } from "./call.ts";

export function buildsHandlers(office: Office): Pick<Handlers, keyof typeof builds> {
  const { records, places } = office;
  return {
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
    buildLog: async ({ params: { id }, query: { from }, context }) => {
      const build = foundBuild(id, await records.builds.get(id));
      context.header("Content-Type", "text/plain; charset=utf-8");
      context.header("X-Build-State", build.state);
      return context.body(new Uint8Array(await records.builds.readLog(id, from)));
    },
    cancelBuild: async ({ params: { id }, who }) => ({
      build: foundBuild(id, await records.builds.cancel(id, who.name)),
    }),
  };
}

function foundBuild(id: string, build: Build | undefined): Build {
  if (build !== undefined) return build;
  throw new Refusal(404, { so: `there is no build ${id}`, mend: "`sluice build ls` lists them" });
}
