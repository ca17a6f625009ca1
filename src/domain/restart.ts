// A restart is a change of revision without a change of contents: the same artifact, configuration and secret versions
// under a name of their own, so that it moves by its strategy like any other revision.
import type { RevisionId } from "./frame.ts";

const tagged = /^(.*-[0-9a-f]{12})-r[0-9a-z]{1,10}$/;

/** "web-3f2a9c1b40de" restarted: "web-3f2a9c1b40de-r7k2". `tag` is letters and digits, new for each restart. */
export function restarted(revision: RevisionId, tag: string): RevisionId {
  return `${contentsOf(revision)}-r${tag}`;
}

/** The revision that was named by its contents alone. */
function contentsOf(revision: RevisionId): RevisionId {
  return tagged.exec(revision)?.[1] ?? revision;
}

/** A restart changes only what it restarts; otherwise the same contents are no change, restarted or not. */
export function isChange(wanted: RevisionId, stands: RevisionId | undefined): boolean {
  if (stands === undefined) return !tagged.test(wanted);
  const isSame = contentsOf(stands) === contentsOf(wanted);
  return tagged.test(wanted) ? isSame && stands !== wanted : !isSame;
}
