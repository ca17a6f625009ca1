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

const hard: readonly (readonly [title: string, text: string, names: string, file?: string])[] = [
  // biome-ignore-start lint/suspicious/noTemplateCurlyInString: they are the sources'
  [
    "code in a template's hole",
    "const x = `${await import('a')} y ${c ? `z ${require('b').c}` : ''}`; import('d');",
    "a b d",
  ],
  ["text of a template within a template", "const x = `q ${c ? `import 'a'` : ''} import 'b' y`; import('d');", "d"],
  ["a brace in a hole", "const x = `${f({ a: '}' })} import 'a'`; import 'b';", "b"],
  ["a template that never ends", "const x = `q ${ `\nimport 'a';", "a"],
  // biome-ignore-end lint/suspicious/noTemplateCurlyInString: they are the sources'
  ["text between tags", "<p>import x from 'a'</p>; <p>Taken from 'b'</p>; import 'c'", "c", "x.tsx"],
  ["methods and fields of those names", "Array.from('a'); x = { import: 'b', from: 'c' }; query.from 'd'", ""],
  ["a clause of many lines, with comments", `import {\n${"  something,\n".repeat(40)} x, // don't\n} from 'a';`, "a"],
  ["a name that is a string", `import { "a-b" as c } from 'd'; export { e as "f-g" } from 'h';`, "d h"],
  ["minified", `"use strict";import a,{b as c}from"d";export*from"e";import"f"`, "d e f"],
  ["type arguments, augmentation", "jest.requireActual<typeof X>('a'); declare module 'b' {}", "a b"],
  [
    "a component",
    "<script lang='ts'>import a from 'a'</script><img src='../b.png'><style>@use 'c';</style>",
    "a c ../b.png",
    "x.vue",
  ],
];
for (const [title, text, names, file = "x.ts"] of hard)
  test(`told apart: ${title}`, () => {
    expect(importsOf(text, file).join(" ")).toBe(names);
  });

test("in style sheets lists, options and modules are read, comments are not", () => {
  const text = `// @import 'no1';
    /* @use 'no2' */
    @import 'a', "b"; @import (reference) 'c'; @use 'd' with ($e: 'no3'); .x { composes: y z from 'f/g.css'; }
    @value k from "h"; @import url('i') layer(base); @source not "../j";`;
  expect([...importsOf(text, "x.scss")].sort().join(" ")).toBe("../j a b c d f/g.css h i");
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
