// The release that stands in an environment.
import type { ReleaseRef } from "../domain/event.ts";
import { Problem } from "../domain/problem.ts";
import type { Api } from "./api-client.ts";

export async function standingIn(api: Api, environment: string): Promise<ReleaseRef> {
  const { environments } = await api.ask("status", { query: { environment } });
  const release = environments.find(({ name }) => name === environment)?.release;
  if (release !== undefined) return release;
  throw new Problem(`No release stands in ${environment}`, `Deploy one there first: sluice deploy ${environment}`);
}
