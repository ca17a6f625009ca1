// A release passes the environments in the order that its own configuration names: into one that comes `after` another
// only once it has succeeded there. Going back to an earlier release is never held up by this.
import { versionName } from "../domain/name.ts";
import { configOf, type Release } from "../domain/release.ts";
import { runsOf } from "./commands.ts";
import { Refusal } from "./problem-answer.ts";
import type { Records } from "./records.ts";

const lookedAtMax = 200;

export async function refuseShortcut(records: Records, release: Release, environment: string): Promise<void> {
  const before = configOf(release).environments[environment]?.after;
  if (before === undefined) return;
  const runs = await runsOf(records, await records.deployments({ environment: before, rowsMax: lookedAtMax }));
  const hasPassed = runs.some(
    ({ release: { id }, phase }) => id === release.id && phase.kind === "ended" && phase.outcome === "succeeded",
  );
  if (hasPassed) return;
  throw new Refusal(409, {
    so: `${versionName(release.version)} has not succeeded in ${before} yet, after which ${environment} comes`,
    mend: `Deploy it there first: \`sluice deploy ${before}\`, then \`sluice deploy --from ${before} --to ${environment}\``,
  });
}
