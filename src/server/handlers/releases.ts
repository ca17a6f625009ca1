// Releases are recorded, compared and found; artifacts arrive in parts.
import type { Context } from "hono";
import { releaseDiff } from "../../domain/release-diff.ts";
import { checkedRelease, findRelease, lackingOf, releaseAt } from "../commands.ts";
import type { releases } from "../routes/releases.ts";
import type { Handlers, Office } from "./call.ts";

export function releasesHandlers({ records, places }: Office): Pick<Handlers, keyof typeof releases> {
  return {
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
      isHere: await places.artifacts.has(artifact),
    }),
    uploadBytes: async ({ params: { sha256: artifact, packed }, query: { from }, context }) => ({
      arrived: await places.artifacts.take({ artifact, packed }, { from, body: bodyOf(context) }),
    }),
    finishUpload: async ({ params: { sha256: artifact, packed }, body: { commit, ...manifest } }) => {
      const isHere = await places.artifacts.has(artifact);
      if (!isHere) await places.artifacts.finish({ artifact, packed }, { ...manifest, ...(commit && { commit }) });
      return { artifact };
    },
  };
}

async function* bodyOf({ req }: Context): AsyncGenerator<Uint8Array> {
  const reader = req.raw.body?.getReader();
  for (;;) {
    const read = await reader?.read();
    if (read?.value === undefined) return;
    yield read.value;
  }
}
