// Which file of a static site answers a path, and how long it may be kept. Pure but for looking at the disk.
import { realpathSync, statSync } from "node:fs";
import { extname, join, sep } from "node:path";

export interface SiteFile {
  readonly file: string;
  readonly type: string;
  readonly cacheControl: string;
}

/** Undefined when nothing may be answered: no such file, or a path that leaves the site. */
export function siteFile(root: string, path: string): SiteFile | undefined {
  const decoded = decode(path);
  if (decoded === undefined || decoded.includes("\0") || decoded.split(/[/\\]/).includes("..")) return undefined;
  const found = [decoded, `${decoded}/index.html`, `${decoded}.html`]
    .map((candidate) => existing(root, candidate))
    .find((file) => file !== undefined);
  // A page of a single-page application has no extension; a missing asset must not be answered with HTML.
  const file = found ?? (extname(decoded) === "" ? existing(root, "index.html") : undefined);
  return file === undefined ? undefined : { file, type: typeOf(file), cacheControl: cacheControlOf(file) };
}

/** Bundlers put a hash into the name, "index-B7xK2f9a.js": such a file never changes. All else is asked for again. */
function cacheControlOf(file: string): string {
  const last = /[-.]([A-Za-z0-9_-]{8,})\.[a-z0-9]+$/.exec(file)?.[1] ?? "";
  const isHashed = /[A-Z0-9]/.test(last.slice(-8)) && !file.endsWith(".html");
  return isHashed ? "public, max-age=31536000, immutable" : "no-cache";
}

function existing(root: string, path: string): string | undefined {
  try {
    const file = realpathSync(join(root, path)); // a link that leads out of the site does not count
    return file.startsWith(root + sep) && statSync(file).isFile() ? file : undefined;
  } catch {
    return undefined;
  }
}

function decode(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}

function typeOf(file: string): string {
  return types[extname(file).toLowerCase()] ?? "application/octet-stream";
}

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".map": "application/json",
  ".webmanifest": "application/manifest+json",
  ".txt": "text/plain; charset=utf-8",
  ".xml": "application/xml",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".jpg": "image/jpeg",
  ".jpeg": "image/jpeg",
  ".gif": "image/gif",
  ".webp": "image/webp",
  ".avif": "image/avif",
  ".ico": "image/x-icon",
  ".woff": "font/woff",
  ".woff2": "font/woff2",
  ".wasm": "application/wasm",
};
