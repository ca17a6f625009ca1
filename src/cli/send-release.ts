// Builds a release of the repository at hand and sends what the control plane lacks of it.
import type { Release } from "../domain/release.ts";
import { type Manifest, packedArtifact } from "../workspace/artifact/store.ts";
import type { LoadedConfig } from "../workspace/config-file.ts";
import { findRoot } from "../workspace/graph/layout.ts";
import { buildRelease } from "../workspace/release-build.ts";
import type { Api } from "./api-client.ts";
import type { Screen } from "./screen.ts";
import { mebibytes, sendArtifact } from "./send-artifact.ts";
import type { Context } from "./verb.ts";

export interface Wishes {
  readonly version?: string | undefined;
  readonly only?: readonly string[] | undefined;
  readonly base?: Release | undefined;
}

export interface BuiltRelease {
  readonly release: Release;
  readonly manifests: readonly Manifest[];
}

export async function build(
  { root, config }: LoadedConfig,
  { screen, data }: Context,
  { version, only, base }: Wishes,
): Promise<BuiltRelease> {
  const manifests: Manifest[] = [];
  const { dim, green } = screen.colors;
  const release = await buildRelease({
    root,
    config,
    data,
    ...(version === undefined ? {} : { version }),
    ...(only === undefined ? {} : { only }),
    ...(base === undefined ? {} : { base }),
    onBuilt: ({ service, manifest }) => {
      manifests.push(manifest);
      screen.say(`${green("✓")} ${service}  ${dim(`${manifest.artifact.slice(0, 12)}, ${sizeOf(manifest.bytes)}`)}`);
    },
  });
  const { projectGraph } = await import("./workspace/describe-graph.ts");
  const projects = await projectGraph(findRoot(root));
  return { release: projects === undefined ? release : { ...release, projects }, manifests };
}

function sizeOf(bytes: number): string {
  return bytes < 2 ** 20 ? `${Math.ceil(bytes / 1024)} KiB` : `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

/** False when the control plane has had the release before. */
export async function send(
  api: Api,
  { release, manifests }: BuiltRelease,
  { screen, data }: Context,
): Promise<boolean> {
  const { isNew, lacking } = await api.ask("keepRelease", { body: release });
  for (const artifact of lacking) {
    const manifest = manifests.find((one) => one.artifact === artifact);
    if (manifest === undefined) continue;
    const packed = await packedArtifact(data, artifact);
    const onProgress = (arrived: number) => {
      if (screen.isTerminal) screen.write(sendingLine(manifest.service, { arrived, of: packed.length, screen }));
    };
    await sendArtifact(api, { packed, manifest, onProgress });
    if (screen.isTerminal) screen.write("\r\x1b[K");
  }
  return isNew;
}

/** Drawn over itself: "  api  ━━━━━━━━━━╌╌╌╌╌╌╌╌╌╌  20.5 of 41.0 MiB" */
function sendingLine(
  service: string,
  { arrived, of, screen }: { arrived: number; of: number; screen: Screen },
): string {
  const cells = 24;
  const done = of === 0 ? cells : Math.round((cells * arrived) / of);
  const bar = `${screen.colors.green("━".repeat(done))}${screen.colors.dim("╌".repeat(cells - done))}`;
  return `\r\x1b[K  ${service}  ${bar}  ${mebibytes(arrived)} of ${mebibytes(of)} sent`;
}
