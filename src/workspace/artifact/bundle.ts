// Bundles a Node service with esbuild: one ESM file that needs nothing beside it, and the same sources always give the
// same bytes, wherever the repository lies and on whichever day.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { BuildFailure, Plugin } from "esbuild";
import { Problem } from "../../domain/problem.ts";

export interface BundleOrder {
  readonly root: string;
  readonly service: string;
  /** Below the root. */
  readonly path: string;
  /** Name of each output, without .js, and its entry file below the service's folder. */
  readonly entries: Readonly<Record<string, string>>;
  readonly external: readonly string[];
}

export interface Bundled {
  readonly files: Readonly<Record<string, Uint8Array>>;
  /** Hash over the sources that went in. */
  readonly inputs: string;
}

// What CommonJS packages expect around them. Globals, because a name declared here would clash with a service's own.
const banner = `import { createRequire as sluiceRequire } from "node:module";
globalThis.require ??= sluiceRequire(import.meta.url);
globalThis.__filename ??= import.meta.filename;
globalThis.__dirname ??= import.meta.dirname;`;

export async function bundle({ root, service, path, entries, external }: BundleOrder): Promise<Bundled> {
  const { build } = await import("esbuild");
  const folder = join(root, path);
  const built = await build({
    absWorkingDir: root,
    entryPoints: Object.entries(entries).map(([out, entry]) => ({ in: join(folder, entry), out })),
    // Never written: it is where source maps and comments count their paths from.
    outdir: join(folder, "bundle"),
    write: false,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    sourcemap: "linked",
    sourcesContent: true,
    banner: { js: banner },
    external: [...external],
    plugins: [leaveOptionalOut],
    metafile: true,
    logLevel: "silent",
  }).catch((failure: unknown) => {
    throw isFailure(failure) ? couldNotBundle(service, failure) : failure;
  });
  const files = built.outputFiles.map((file) => [file.path.slice(join(folder, "bundle").length + 1), file.contents]);
  return {
    files: { ...Object.fromEntries(files), "package.json": Buffer.from('{ "type": "module" }\n') },
    inputs: await hashOf(root, Object.keys(built.metafile.inputs)),
  };
}

/** Packages require others that need not be there (pg → pg-native) and catch the failure: it is left to happen. */
const leaveOptionalOut: Plugin = {
  name: "leave-optional-out",
  setup: ({ onResolve, resolve }) => {
    onResolve({ filter: /^[^./]/ }, async ({ path, kind, importer, resolveDir, pluginData }) => {
      const isOptional =
        (kind === "require-call" || kind === "dynamic-import") && /[\\/]node_modules[\\/]/.test(importer);
      if (!isOptional || pluginData === asked) return undefined;
      const found = await resolve(path, { kind, importer, resolveDir, pluginData: asked });
      return found.errors.length > 0 ? { path, external: true } : undefined;
    });
  },
};
const asked = Symbol("asked");

/** Of files by name and content; one that is gone counts as empty. */
export async function hashOf(root: string, names: readonly string[]): Promise<string> {
  const hash = createHash("sha256");
  for (const name of names.toSorted()) {
    const body = await readFile(join(root, name)).catch(() => Buffer.alloc(0));
    hash.update(`${name}\0${createHash("sha256").update(body).digest("hex")}\n`);
  }
  return hash.digest("hex");
}

function isFailure(error: unknown): error is BuildFailure {
  return error instanceof Error && "errors" in error && Array.isArray(error.errors);
}

function couldNotBundle(service: string, { errors }: BuildFailure): Problem {
  const lines = errors.slice(0, 5).map(({ text, location }) => {
    const place = location === null ? "" : `${location.file}:${location.line}:${location.column + 1}: `;
    return `  ${place}${text}`;
  });
  const more = errors.length > 5 ? [`  and ${errors.length - 5} more`] : [];
  return new Problem(
    [`${service} could not be bundled:`, ...lines, ...more].join("\n"),
    `Mend these, or name a package that must stay outside in services.${service}.build.external`,
  );
}
