// OCI images for tests, made of what this machine has: a folder of files becomes a layer, layers become a layout, and a
// small registry serves a layout over HTTP.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";

export interface LayoutParts {
  /** Tars, from the lowest layer up. */
  readonly layers: readonly Buffer[];
  readonly config?: Readonly<Record<string, unknown>>;
  /** Plain otherwise, which is quicker for large ones. */
  readonly isPacked?: boolean;
}

/** Writes an OCI layout; answers the digest of its manifest. */
export function writeLayout(folder: string, { layers, config = {}, isPacked = true }: LayoutParts): string {
  const blob = (content: Buffer | string): { readonly digest: string; readonly size: number } => {
    const bytes = Buffer.from(content);
    const hex = createHash("sha256").update(bytes).digest("hex");
    mkdirSync(join(folder, "blobs/sha256"), { recursive: true });
    writeFileSync(join(folder, "blobs/sha256", hex), bytes);
    return { digest: `sha256:${hex}`, size: bytes.length };
  };
  const type = "application/vnd.oci.image";
  const packing = isPacked ? "+gzip" : "";
  const manifest = {
    ...{ schemaVersion: 2, mediaType: `${type}.manifest.v1+json` },
    config: { mediaType: `${type}.config.v1+json`, ...blob(JSON.stringify({ os: "linux", config })) },
    layers: layers.map((tar) => ({
      ...{ mediaType: `${type}.layer.v1.tar${packing}` },
      ...blob(isPacked ? gzipSync(tar) : tar),
    })),
  };
  const described = { mediaType: manifest.mediaType, ...blob(JSON.stringify(manifest)) };
  const architecture = process.arch === "x64" ? "amd64" : process.arch;
  const manifests = [{ ...described, platform: { os: "linux", architecture } }];
  writeFileSync(join(folder, "index.json"), JSON.stringify({ schemaVersion: 2, manifests }));
  writeFileSync(join(folder, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
  return described.digest;
}

/** These paths below the folder, or all of it. */
export function tarOf(folder: string, paths: readonly string[] = ["."]): Buffer {
  return execFileSync("tar", ["-C", folder, "-cf", "-", ...paths], {
    maxBuffer: 2 ** 30,
    stdio: ["ignore", "pipe", "ignore"],
  });
}

/** Lays programs of this machine below `root`, each with the libraries that it loads. */
export function layPrograms(root: string, programs: Readonly<Record<string, string>>): void {
  for (const [inside, program] of Object.entries(programs)) {
    copy(program, join(root, inside));
    const loaded = execFileSync("ldd", [program], { encoding: "utf8" });
    for (const [library] of loaded.matchAll(/\/\S+/g)) copy(library, join(root, library));
  }
}

function copy(from: string, to: string): void {
  if (existsSync(to)) return;
  mkdirSync(dirname(to), { recursive: true });
  cpSync(from, to, { dereference: true });
}

export interface TestRegistry {
  /** "127.0.0.1:41234" */
  readonly host: string;
  readonly asked: string[];
  close(): void;
}

/** Serves `shop/api:1` from a layout to who has fetched a token with the password "shop:secret". */
export async function openRegistry(layout: string, digest: string): Promise<TestRegistry> {
  const asked: string[] = [];
  const server = createServer(({ url = "", headers }, response) => {
    const path = new URL(url, "http://registry").pathname;
    if (path === "/token") {
      const isKnown = headers.authorization === `Basic ${Buffer.from("shop:secret").toString("base64")}`;
      return response.end(JSON.stringify({ token: isKnown ? "good" : "bad" }));
    }
    if (headers.authorization !== "Bearer good") {
      const realm = `Bearer realm="http://${headers.host}/token",service="test",scope="repository:shop/api:pull"`;
      return response.writeHead(401, { "www-authenticate": realm }).end();
    }
    asked.push(path);
    const name = path.split("/").at(-1) === "1" ? digest : path.split("/").at(-1);
    const file = join(layout, "blobs", ...(name ?? "").split(":"));
    return existsSync(file) ? response.end(readFileSync(file)) : response.writeHead(404).end();
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return { host: `127.0.0.1:${port}`, asked, close: () => void server.close() };
}
