// An OCI image on this machine: from a registry or from a layout, every part held against its digest, its layers laid out
// once as a folder that containers share. Blobs are kept, so the next image fetches only the layers that are new.
import { createHash, randomBytes } from "node:crypto";
import { createReadStream, createWriteStream, existsSync } from "node:fs";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { Problem } from "../../domain/problem.ts";
import { applyLayer } from "./layer.ts";
import { parseReference, pinned } from "./reference.ts";
import { registryOf } from "./registry.ts";
import { tarEntries } from "./tar-stream.ts";

/** What a container of it is started with, unless the service says otherwise. */
export interface Image {
  /** Of its manifest. */
  readonly digest: string;
  readonly rootfs: string;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly workingDir: string;
  readonly uid: number;
  readonly gid: number;
}

interface Source {
  /** Of the manifest or index to begin with. */
  readonly digest: string;
  manifest(digest: string): Promise<Buffer>;
  blob(digest: string): Promise<AsyncIterable<Uint8Array>>;
}

interface Descriptor {
  readonly digest: string;
  readonly mediaType?: string;
  readonly platform?: { readonly os?: string; readonly architecture?: string };
}

interface ImageConfig {
  readonly config?: {
    readonly Entrypoint?: readonly string[] | null;
    readonly Cmd?: readonly string[] | null;
    readonly Env?: readonly string[] | null;
    readonly WorkingDir?: string;
    readonly User?: string;
  };
}

/** In an artifact that is an image of a registry. */
export const pinFile = "image.json";

/** "ghcr.io/shop/api:1.4" as what it is now, by digest. */
export async function pinImage(text: string): Promise<string> {
  const image = parseReference(text);
  if (image.digest !== undefined) return pinned(image, image.digest);
  return pinned(image, digestOf(await registryOf(image).manifest(image.tag)));
}

/** The image that an unpacked artifact is; undefined when it is none. The same again is cheap, and asks nobody. */
export async function imageIn(data: string, artifact: string): Promise<Image | undefined> {
  const source = await sourceIn(artifact);
  if (source === undefined) return undefined;
  const known = join(data, "images", source.digest.replace(":", "-"));
  const described = join(known, "image.json");
  if (!existsSync(described)) await layOut(data, known, source);
  return { ...JSON.parse(await readFile(described, "utf8")), rootfs: join(known, "rootfs") };
}

async function sourceIn(artifact: string): Promise<Source | undefined> {
  const pin = await readFile(join(artifact, pinFile), "utf8").catch(() => undefined);
  if (pin !== undefined) {
    const image = parseReference(JSON.parse(pin).image);
    if (image.digest === undefined) throw new Error(`${pin} is not pinned`);
    return { digest: image.digest, ...registryOf(image) };
  }
  if (!existsSync(join(artifact, "oci-layout"))) return undefined;
  const index: { manifests?: readonly Descriptor[] } = JSON.parse(await readFile(join(artifact, "index.json"), "utf8"));
  const file = (digest: string) => join(artifact, "blobs", ...digest.split(":"));
  const { digest } = chosen(index.manifests ?? []);
  return { digest, manifest: (of) => readFile(file(of)), blob: async (of) => createReadStream(file(of)) };
}

async function layOut(data: string, known: string, source: Source): Promise<void> {
  const manifest = await manifestOf(source, source.digest);
  const { config, layers = [] } = manifest;
  if (config === undefined) throw new Problem("the image has no configuration", "Build it again");
  const beside = `${known}.${randomBytes(6).toString("hex")}`;
  try {
    await mkdir(join(beside, "rootfs"), { recursive: true, mode: 0o755 });
    for (const layer of layers) {
      const packed = createReadStream(await blobFile(data, source, layer.digest));
      await applyLayer(join(beside, "rootfs"), tarEntries(unzipped(packed, layer)));
    }
    const said: ImageConfig = JSON.parse(await readFile(await blobFile(data, source, config.digest), "utf8"));
    const image = await described(said, join(beside, "rootfs"));
    await writeFile(join(beside, "image.json"), JSON.stringify({ digest: source.digest, ...image }), { flush: true });
    await rename(beside, known);
  } catch (error) {
    if (!existsSync(join(known, "image.json"))) throw error;
  } finally {
    await rm(beside, { recursive: true, force: true });
  }
}

interface Manifest {
  readonly config?: Descriptor;
  readonly layers?: readonly Descriptor[];
  readonly manifests?: readonly Descriptor[];
}

async function manifestOf(source: Source, digest: string): Promise<Manifest> {
  const bytes = await source.manifest(digest);
  mustBe(digestOf(bytes), digest);
  const manifest: Manifest = JSON.parse(bytes.toString());
  return manifest.manifests === undefined ? manifest : manifestOf(source, chosen(manifest.manifests).digest);
}

/** The one for this machine. */
function chosen(manifests: readonly Descriptor[]): Descriptor {
  const architecture = process.arch === "x64" ? "amd64" : process.arch;
  const fitting = manifests.filter(({ platform }) => platform === undefined || platform.os === "linux");
  const found =
    fitting.find(({ platform }) => platform?.architecture === architecture) ?? fitting.find((m) => !m.platform);
  if (found !== undefined) return found;
  const offered = manifests.map(({ platform }) => `${platform?.os}/${platform?.architecture}`).join(", ");
  throw new Problem(`the image is for ${offered}, not for linux/${architecture}`, "Build it for this machine too");
}

/** Kept under its digest; fetched when it is not here. */
async function blobFile(data: string, source: Source, digest: string): Promise<string> {
  const folder = join(data, "images", "blobs");
  const file = join(folder, digest.replace(":", "-"));
  if (existsSync(file)) return file;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const beside = `${file}.${randomBytes(6).toString("hex")}`;
  const hash = createHash("sha256");
  try {
    const bytes = await source.blob(digest);
    const hashed = async function* () {
      for await (const part of bytes) {
        hash.update(part);
        yield part;
      }
    };
    await pipeline(hashed, createWriteStream(beside, { flush: true }));
    mustBe(`sha256:${hash.digest("hex")}`, digest);
    await rename(beside, file);
  } finally {
    await rm(beside, { force: true });
  }
  return file;
}

function unzipped(packed: Readable, { mediaType = "" }: Descriptor): AsyncIterable<Uint8Array> {
  if (/gzip$/.test(mediaType)) return packed.pipe(createGunzip());
  if (/zstd$/.test(mediaType)) {
    throw new Problem(
      "the image has a layer packed with zstd",
      "Build it with gzip: compression=gzip,force-compression=true",
    );
  }
  return packed;
}

async function described({ config = {} }: ImageConfig, rootfs: string): Promise<Omit<Image, "rootfs" | "digest">> {
  const [user = "", group] = (config.User ?? "").split(":");
  const [passwd, groups] = await Promise.all(
    ["etc/passwd", "etc/group"].map((file) => readFile(join(rootfs, file), "utf8").catch(() => "")),
  );
  const [, , uid = /^\d+$/.test(user) ? user : "0", primary = "0"] = entryOf(passwd, user);
  const [, , gid = /^\d+$/.test(group ?? "") ? group : primary] = group === undefined ? [] : entryOf(groups, group);
  return {
    command: [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])],
    env: Object.fromEntries(
      (config.Env ?? []).map((pair) => [pair.split("=", 1)[0], pair.slice(pair.indexOf("=") + 1)]),
    ),
    workingDir: config.WorkingDir || "/",
    uid: Number(uid),
    gid: Number(gid),
  };
}

function entryOf(file = "", name: string): readonly string[] {
  const lines = file.split("\n").map((line) => line.split(":"));
  return lines.find(([known, , id]) => name !== "" && (known === name || id === name)) ?? [];
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

function mustBe(digest: string, wanted: string): void {
  if (digest === wanted) return;
  throw new Problem(
    `a part of the image is ${digest.slice(0, 19)}, and not ${wanted.slice(0, 19)}`,
    "Fetch or build it again",
  );
}
