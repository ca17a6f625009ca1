import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { init, parse } from "es-module-lexer";
import { expect, test } from "vitest";
import { importsOf, packageOf } from "./imports.ts";

test("every form of import is found, and what only looks like one is not", () => {
  const text = `
    import a from 'a'; import type { B } from "b"; import 'c'; export * from 'd'; export { e } from "e";
    const f = await import('f'); const g = require('g'); import h = require("h"); type I = import('i').I;
    const j = require.resolve('j/package.json'); jest.mock('k'); import l from /* why */ 'l';
    // import no from 'no1';
    /* import no from 'no2' */
    const s = "import no from 'no3'"; const t = \`import x from 'no4'\`;
    const r = /['"\`]/; import m from 'm'; const q = a / b; import n from 'n';
    import {
      long,
    } from 'o';
  `;
  expect(importsOf(text, "x.ts")).toEqual("a b c d e f g h i j/package.json k l m n o".split(" "));
});

test("an apostrophe in JSX text hides nothing after its line", () => {
  expect(importsOf("const a = <p>don't</p>;\nconst b = import('late');\n", "x.tsx")).toEqual(["late"]);
});

test("style sheets name packages too", () => {
  expect(importsOf(`@import "tailwindcss"; @use '~ui/theme'; @import url("https://x/y.css");`, "a.scss")).toEqual([
    "tailwindcss",
    "ui/theme",
  ]);
});

test("a package's name is the first part of a specifier, or two with a scope", () => {
  expect(["@a/b/c", "d/e", "./f", "node:fs", "#g"].map(packageOf)).toEqual([
    "@a/b",
    "d",
    undefined,
    undefined,
    undefined,
  ]);
});

test("it agrees with es-module-lexer on this repository's own sources", async () => {
  await init;
  const folder = join(import.meta.dirname, "../..");
  for (const file of readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((f) => /\.ts$/.test(f))) {
    if (file.endsWith("imports.test.ts")) continue;
    const text = readFileSync(join(folder, file), "utf8");
    const lexed = new Set(parse(text)[0].flatMap((i) => (typeof i.specifier === "string" ? [i.specifier] : [])));
    const ours = new Set(importsOf(text, file));
    expect([file, [...lexed].filter((n) => !ours.has(n))]).toEqual([file, []]);
  }
});
