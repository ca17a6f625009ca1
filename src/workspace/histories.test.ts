// Random lives of a repository: after every edit the cache must leave what a run from scratch would make, and what
// `affected` names must be exactly the tasks whose result or reason changed. Each build writes down all that it read.
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Repository } from "./test-repository.ts";

const names = ["a", "b", "c", "d"] as const;
type Name = (typeof names)[number];

// A build's output is its own sources and the outputs of what it depends on: wrong hits show as wrong text.
const script = (needs: readonly Name[]) =>
  `mkdir -p dist && { cat src/*; ${needs.map((n) => `cat ../${n}/dist/all`).join("; ") || "true"}; cat ../base.json; } > dist/all`;
const manifest = (name: Name, needs: readonly Name[]) => ({
  name,
  scripts: { build: script(needs) },
  dependencies: Object.fromEntries(needs.map((n) => [n, "*"])),
});
const before = (name: Name) => names.slice(0, names.indexOf(name));

type Edit =
  | { kind: "source"; of: Name; file: "x" | "y"; text: string }
  | { kind: "delete"; of: Name }
  | { kind: "needs"; of: Name; needs: readonly Name[] }
  | { kind: "base"; text: string }
  | { kind: "readme"; text: string }
  | { kind: "output"; of: Name; text: string }
  | { kind: "outputs gone"; of: Name }
  | { kind: "commit" }
  | { kind: "stage" };

const text = fc.constantFrom("one\n", "two\n", "three\n");
const of = fc.constantFrom(...names);
const edit: fc.Arbitrary<Edit> = fc.oneof(
  fc.record({ kind: fc.constant("source" as const), of, file: fc.constantFrom("x" as const, "y" as const), text }),
  fc.record({ kind: fc.constant("delete" as const), of }),
  of.chain((name) => fc.subarray(before(name)).map((needs) => ({ kind: "needs" as const, of: name, needs }))),
  fc.record({ kind: fc.constant("base" as const), text }),
  fc.record({ kind: fc.constant("readme" as const), text }),
  fc.record({ kind: fc.constant("output" as const), of, text }),
  fc.record({ kind: fc.constant("outputs gone" as const), of }),
  fc.record({ kind: fc.constant("commit" as const) }),
  fc.record({ kind: fc.constant("stage" as const) }),
);

const acts: { [K in Edit["kind"]]: (r: Repository, e: Extract<Edit, { kind: K }>) => void } = {
  source: (r, e) => r.write({ [`${e.of}/src/${e.file}`]: e.text }),
  delete: (r, e) => r.remove(`${e.of}/src/y`),
  needs: (r, e) => r.write({ [`${e.of}/package.json`]: manifest(e.of, e.needs) }),
  base: (r, e) => r.write({ "base.json": e.text }),
  readme: (r, e) => r.write({ "README.md": e.text }),
  output: (r, e) => r.write({ [`${e.of}/dist/all`]: e.text }),
  "outputs gone": (r, e) => r.remove(`${e.of}/dist`),
  commit: (r) => r.commit(),
  stage: (r) => void r.git("add", "-A"),
};
const act = <K extends Edit["kind"]>(r: Repository, e: Extract<Edit, { kind: K }>) => acts[e.kind as K](r, e);

const outputs = (r: Repository) =>
  names.map(
    (n) => `${n}: ${readdirSync(join(r.root, n, "dist"))} ${readFileSync(join(r.root, n, "dist/all"), "utf8")}`,
  );

const lives = Number(process.env.SLUICE_HISTORIES ?? 8);

test(`${lives} random histories: the cache never differs from a run from scratch, and affected is exact`, {
  timeout: 30 * 60_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 5 }), async (edits) => {
      const r = new Repository({
        "package.json": { name: "root", private: true, workspaces: ["a", "b", "c", "d"] },
        "turbo.json": { tasks: { build: { dependsOn: ["^build"], outputs: ["dist/**"] } } },
        ".gitignore": "dist\n",
        "base.json": "one\n",
        "README.md": "one\n",
        ...Object.fromEntries(
          names.flatMap((n, i) => [
            [`${n}/package.json`, manifest(n, names.slice(Math.max(0, i - 1), i))],
            [`${n}/src/x`, `${n}\n`],
            [`${n}/src/y`, "one\n"],
          ]),
        ),
      });
      try {
        await r.run(["build"]);
        for (const e of edits) {
          act(r, e);
          await r.run(["build"]);
        }
        const cached = outputs(r);
        const affected = await r.affected("build");
        rmSync(join(r.root, ".sluice"), { recursive: true });
        await r.run(["build"]);
        expect(cached).toEqual(outputs(r)); // as if everything had been run

        // What the cache of the base does not have, and nothing else, is affected.
        rmSync(join(r.root, ".sluice"), { recursive: true });
        r.git("stash", "-q", "--include-untracked");
        r.git("checkout", "-q", "base");
        await r.run(["build"]);
        r.git("checkout", "-q", "main");
        if (r.git("stash", "list")) r.git("stash", "pop", "-q");
        expect((await r.run(["build"])).ran).toBe(affected);
      } finally {
        r.dispose();
      }
    }),
    { numRuns: lives },
  );
});
