// The dashboard's files; any path that is no file is the page itself, which finds its way by the address.
import { readFile } from "node:fs/promises";
import { extname, join, resolve, sep } from "node:path";
import type { Handler } from "hono";

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".woff2": "font/woff2",
  ".json": "application/json",
  ".webmanifest": "application/manifest+json",
  ".map": "application/json",
};

export function page(folder: string): Handler {
  const root = resolve(folder);
  return async (context) => {
    const asked = resolve(root, `.${decodeURIComponent(context.req.path)}`);
    const file = asked.startsWith(root + sep) ? await contentOf(asked) : undefined;
    if (file !== undefined) {
      const isHashed = context.req.path.startsWith("/assets/");
      return context.body(file, 200, {
        "Content-Type": types[extname(asked)] ?? "application/octet-stream",
        "Cache-Control": isHashed ? "public, max-age=31536000, immutable" : "no-cache",
      });
    }
    if (extname(asked) !== "") return context.text("There is no such file.\n", 404);
    const start = await contentOf(join(root, "index.html"));
    if (start === undefined) return context.text("The dashboard is not built: npm run build\n", 404);
    return context.body(start, 200, { "Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-cache" });
  };
}

async function contentOf(file: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    return new Uint8Array(await readFile(file));
  } catch {
    return undefined; // no such file, or a folder
  }
}
