import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, expect, test } from "vitest";
import { hasArtifact, type Manifest, packedArtifact } from "./store.ts";
import { tarEnd, tarEntry } from "./tar.ts";
import { arrivedBytes, finishUpload, takeBytes, type Upload } from "./upload.ts";

let data: string;
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), "sluice-upload-"));
});
afterEach(() => rmSync(data, { recursive: true, force: true }));

const hash = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const tar = Buffer.concat([tarEntry({ path: "a", body: randomBytes(200_000), isExecutable: false }), tarEnd]);
const packed = gzipSync(tar);
const upload: Upload = { artifact: hash(tar), packed: hash(packed) };
const manifest: Manifest = { artifact: upload.artifact, service: "web", inputs: "", config: "", files: 1, bytes: 1 };

async function* pieces(bytes: Uint8Array, breaksAfter = Number.POSITIVE_INFINITY): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 10_000) {
    if (at >= breaksAfter) throw new Error("the line broke");
    yield bytes.subarray(at, at + 10_000);
  }
}

test("an upload goes on where the line broke, and is here once it is whole", async () => {
  const broken = takeBytes(data, upload, { from: 0, body: pieces(packed, 50_000) });
  await expect(broken).rejects.toThrow("the line broke");
  const arrived = await arrivedBytes(data, upload);
  expect(arrived).toBe(50_000);
  await takeBytes(data, upload, { from: arrived, body: pieces(packed.subarray(arrived)) });
  expect(await hasArtifact(data, upload.artifact)).toBe(false);
  await finishUpload(data, upload, manifest);
  expect(await packedArtifact(data, upload.artifact)).toEqual(packed);
  expect(readdirSync(join(data, "uploads"))).toEqual([]);
});

test("bytes that would leave a hole are not taken", async () => {
  await takeBytes(data, upload, { from: 0, body: pieces(packed.subarray(0, 100)) });
  expect(await takeBytes(data, upload, { from: 200, body: pieces(packed.subarray(200)) })).toBe(100);
});

test("two senders of the same artifact at once do no harm", async () => {
  await takeBytes(data, upload, { from: 0, body: pieces(packed.subarray(0, 60_000)) });
  await Promise.all([
    takeBytes(data, upload, { from: 0, body: pieces(packed) }),
    takeBytes(data, upload, { from: 60_000, body: pieces(packed.subarray(60_000)) }),
  ]);
  await finishUpload(data, upload, manifest);
  expect(await hasArtifact(data, upload.artifact)).toBe(true);
});

test("what arrived damaged, or is something else than it says, is thrown away and can be sent anew", async () => {
  const damaged = Buffer.from(packed);
  damaged[70_000] = (damaged[70_000] ?? 0) ^ 1;
  await takeBytes(data, upload, { from: 0, body: pieces(damaged) });
  await expect(finishUpload(data, upload, manifest)).rejects.toThrow("did not arrive as it was sent");
  expect(await arrivedBytes(data, upload)).toBe(0);

  const other = gzipSync(Buffer.from("not what it is called"));
  const lie = { artifact: upload.artifact, packed: hash(other) };
  await takeBytes(data, lie, { from: 0, body: pieces(other) });
  await expect(finishUpload(data, lie, manifest)).rejects.toThrow("does not have the hash");
  expect(existsSync(join(data, "artifacts", upload.artifact))).toBe(false);
});
