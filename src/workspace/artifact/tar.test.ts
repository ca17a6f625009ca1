import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type TarFile, tarEnd, tarEntry, tarFiles } from "./tar.ts";

const file = fc.record({
  path: fc
    .array(fc.stringMatching(/^[a-zé0-9_-]{1,60}$/), { minLength: 1, maxLength: 5 })
    .map((parts) => parts.join("/")),
  body: fc.uint8Array({ maxLength: 2000 }).map((bytes) => Buffer.from(bytes)),
  isExecutable: fc.boolean(),
});

function pack(files: readonly TarFile[]): Buffer {
  return Buffer.concat([...files.map(tarEntry), tarEnd]);
}

test("what is packed comes out the same, with paths of any length", () => {
  fc.assert(
    fc.property(fc.array(file, { maxLength: 5 }), (files) => void expect([...tarFiles(pack(files))]).toEqual(files)),
  );
});

test("tar itself reads it", () => {
  const path = `${"long/".repeat(30)}name.txt`;
  const tar = pack([
    { path: "a.txt", body: Buffer.from("hello"), isExecutable: false },
    { path, body: Buffer.from("deep"), isExecutable: true },
  ]);
  expect(execFileSync("tar", ["-tf", "-"], { input: tar, encoding: "utf8" })).toBe(`a.txt\n${path}\n`);
});

test("a tar that is cut short or changed is refused", () => {
  const tar = pack([{ path: "a.txt", body: Buffer.from("hello"), isExecutable: false }]);
  expect(() => [...tarFiles(tar.subarray(0, 514))]).toThrow("the tar is cut short");
  const changed = Buffer.from(tar);
  changed[0] = 0x62;
  expect(() => [...tarFiles(changed)]).toThrow("bad tar header");
});
