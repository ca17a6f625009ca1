// What people call things: a version, a revision by the version that brought it, what a retreat returns to.
import type { RevisionId } from "./frame.ts";
import type { Run } from "./run.ts";

/** "3" is v3; a tag or a commit keeps its own name, also a commit that happens to be all digits. */
export function versionName(version: string): string {
  return /^\d{1,6}(\.\d+)*$/.test(version) ? `v${version}` : version;
}

/** What people call a revision in this deployment: the version that brings it, or the one that it replaces. */
export function revisionName(run: Run, revision: RevisionId): string {
  const services = Object.entries(run.plan?.services ?? {});
  const isNew = services.some(([, { candidate, retires }]) => candidate === revision && retires !== true);
  if (isNew) return versionName(run.release.version);
  const [service] = services.find(([, { stable }]) => stable === revision) ?? [];
  const release = service === undefined ? undefined : (run.standingReleases?.[service] ?? run.standingRelease);
  return release === undefined ? revision : versionName(release.version);
}

/** What a retreat returns to. */
export function returnName(run: Run): string {
  return run.standingRelease === undefined ? "what stood before" : versionName(run.standingRelease.version);
}
