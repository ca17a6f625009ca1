// A place of shared results behind Turborepo's `/v8/artifacts` API: our control plane, or the server that a team has.
import { Problem } from "../../domain/problem.ts";
import { type Place, type Received, Refused, readAtMost } from "./place.ts";
import { scopeInToken } from "./scope.ts";

export type ArtifactApi = Readonly<{
  url: string;
  token: string;
  team: string | undefined;
  teamId: string | undefined;
}>;

export function artifactApi({ url, token, team, teamId }: ArtifactApi): Place {
  const query = new URLSearchParams({ ...(teamId ? { teamId } : {}), ...(team ? { slug: team } : {}) }).toString();
  const address = (key: string) => `${url}/v8/artifacts/${key}${query ? `?${query}` : ""}`;
  // Told here: a request that cannot be made would print the token as what is wrong.
  if (!/^[\x20-\x7e]+$/.test(token))
    throw new Problem("the token of the shared cache has an unprintable character in it", "Copy it whole: one line");
  const authorization = `Bearer ${token}`;
  return {
    name: url,
    isScoped: scopeInToken(token) !== undefined,
    get: async (key, { signal }): Promise<Received | undefined> => {
      const answer = await fetch(address(key), { headers: { authorization }, signal });
      if (answer.ok) {
        // Our own server tells whose entry it is; of others nobody knows.
        const shelf = answer.headers.get("x-sluice-shelf") ?? undefined;
        return { body: await readAtMost(answer), shelf };
      }
      await answer.body?.cancel();
      if (answer.status === 404) return undefined;
      throw new Refused(answer.status);
    },
    put: async (key, { body, tag, durationMs }, { signal }) => {
      const headers = {
        authorization,
        "content-type": "application/octet-stream",
        "x-artifact-duration": String(Math.round(durationMs)),
        ...(tag === undefined ? {} : { "x-artifact-tag": tag }),
      };
      const answer = await fetch(address(key), {
        method: "PUT",
        headers,
        body: new Blob([new Uint8Array(body)]),
        signal,
      });
      await answer.body?.cancel();
      if (!answer.ok) throw new Refused(answer.status);
    },
  };
}
