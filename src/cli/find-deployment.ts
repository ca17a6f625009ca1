// Which deployment a person means: by its id, or by its environment when one is under way there; by nothing when there
// is only one.
import { nearest, oneOf } from "../domain/config/nearest.ts";
import { Problem } from "../domain/problem.ts";
import type { Run } from "../domain/run.ts";
import type { Api } from "./api-client.ts";

export interface Wanted {
  readonly name?: string | undefined;
  /** Also one that has ended, the newest, when none is under way. */
  readonly orEnded?: boolean;
}

export async function findDeployment(api: Api, { name, orEnded = false }: Wanted): Promise<Run> {
  const { environments } = await api.ask("status");
  const here = environments.find((environment) => environment.name === name);
  const open = (here === undefined ? environments : [here]).flatMap((environment) => environment.open);
  if (name !== undefined && here === undefined) {
    const found = open.find(({ id }) => id === name);
    return (
      found ??
      (await byId(
        api,
        name,
        environments.map((environment) => environment.name),
      ))
    );
  }
  const [first, ...others] = open;
  if (first !== undefined && (here !== undefined || others.length === 0)) return first;
  if (first !== undefined) {
    throw new Problem(`${open.length} deployments are under way`, `Name one: ${oneOf(open.map(({ id }) => id))}`);
  }
  if (orEnded) {
    const query = { limit: 1, ...(here === undefined ? {} : { environment: here.name }) };
    const [last] = (await api.ask("listDeployments", { query })).deployments;
    if (last !== undefined) return last;
  }
  throw new Problem(
    here === undefined ? "No deployment is under way" : `No deployment is under way in ${here.name}`,
    'Start one with "sluice deploy <environment>"; "sluice history" lists those that ended',
  );
}

async function byId(api: Api, id: string, environments: readonly string[]): Promise<Run> {
  try {
    return (await api.ask("getDeployment", { params: { id } })).deployment;
  } catch (error) {
    const meant = nearest(id, environments);
    if (!(error instanceof Problem) || meant === undefined) throw error;
    throw new Problem(`There is no deployment or environment "${id}"`, `Did you mean "${meant}"?`);
  }
}

/** The environment that a person means who names none: there is but one. */
export async function onlyEnvironment(api: Api): Promise<string> {
  const { environments } = await api.ask("status");
  const [first, ...others] = environments.map(({ name }) => name);
  if (first !== undefined && others.length === 0) return first;
  throw new Problem(
    first === undefined ? "Nothing has been deployed yet" : `There are ${environments.length} environments`,
    first === undefined ? 'Run "sluice deploy <environment>"' : `Name one: ${oneOf([first, ...others])}`,
  );
}
