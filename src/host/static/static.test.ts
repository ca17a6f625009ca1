import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { siteFile } from "./files.ts";

let root: string;
beforeAll(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "sluice-site-")));
  mkdirSync(join(root, "site/assets"), { recursive: true });
  for (const file of [
    "site/index.html",
    "site/assets/index-B7xK2f9a.js",
    "site/my-component.js",
    "site/about.html",
    "secret.txt",
  ])
    writeFileSync(join(root, file), file);
  symlinkSync(join(root, "secret.txt"), join(root, "site/link.txt"));
});
afterAll(() => rmSync(root, { recursive: true }));

test.each([
  ["/", "index.html", "no-cache"],
  ["/assets/index-B7xK2f9a.js", "assets/index-B7xK2f9a.js", "public, max-age=31536000, immutable"],
  ["/my-component.js", "my-component.js", "no-cache"],
  ["/about", "about.html", "no-cache"],
  ["/expenses/42", "index.html", "no-cache"],
])("%s is answered with %s (%s)", (path, file, cacheControl) => {
  expect(siteFile(join(root, "site"), path)).toMatchObject({ file: join(root, "site", file), cacheControl });
});

test.each([
  "/missing.js",
  "/../secret.txt",
  "/%2e%2e/secret.txt",
  "/..%5csecret.txt",
  "/link.txt",
  "/%00",
  "/%E0%A4%A",
])("%s is answered with nothing", (path) => {
  expect(siteFile(join(root, "site"), path)).toBeUndefined();
});
