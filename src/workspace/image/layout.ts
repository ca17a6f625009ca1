// An OCI layout as a build leaves it: a folder, or a tar of one, as `docker buildx build --output type=oci` writes it.
import { createReadStream, createWriteStream, existsSync, statSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { tarEntries } from "./tar-stream.ts";

/** A folder with the layout: the one that is there, or `scratch`. Undefined when there is none. */
export async function layoutFolder(made: string, scratch: string): Promise<string | undefined> {
  const found = statSync(made, { throwIfNoEntry: false });
  if (found === undefined) return undefined;
  if (!found.isDirectory()) await unpack(made, scratch);
  const folder = found.isDirectory() ? made : scratch;
  return existsSync(join(folder, "oci-layout")) ? folder : undefined;
}

/** Only what a layout holds: its two documents and its blobs. */
async function unpack(tar: string, folder: string): Promise<void> {
  const blobs = join(folder, "blobs/sha256");
  await mkdir(blobs, { recursive: true, mode: 0o700 });
  for await (const { type, path, body } of tarEntries(createReadStream(tar))) {
    if (type !== "file") continue;
    const isBlob = /^(\.\/)?blobs\/sha256\/[0-9a-f]{64}$/.test(path);
    if (!isBlob && !/^(\.\/)?(oci-layout|index\.json)$/.test(path)) continue;
    await pipeline(body, createWriteStream(join(isBlob ? blobs : folder, basename(path))));
  }
}
