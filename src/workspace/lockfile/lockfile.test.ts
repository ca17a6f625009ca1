import { expect, test } from "vitest";
import { type Project, readProject } from "../graph/manifest.ts";
import type { Amendments } from "./amendments.ts";
import { closures, parseLock } from "./lockfile.ts";

// a needs debug, which needs ms; b needs a (a project) and picocolors; c needs has-flag to develop.
const projects: readonly Project[] = [
  readProject("packages/a", { manifest: '{"name":"a","dependencies":{"debug":"4.3.4"}}' }),
  readProject("packages/b", { manifest: '{"name":"b","dependencies":{"a":"workspace:*","picocolors":"^1.0.0"}}' }),
  readProject("packages/c", { manifest: '{"name":"c","devDependencies":{"has-flag":"4.0.0"}}' }),
];

const npm = (ms: string) =>
  JSON.stringify({
    lockfileVersion: 3,
    packages: {
      "node_modules/a": { resolved: "packages/a", link: true },
      "node_modules/debug": { version: "4.3.4", integrity: "sha512-d", dependencies: { ms: "*" } },
      // The copy nearest to the one who needs it is meant; the root's is somebody else's.
      "node_modules/debug/node_modules/ms": { version: ms, integrity: `sha512-${ms}` },
      "node_modules/ms": { version: "1.0.0", integrity: "sha512-m" },
      "node_modules/picocolors": { version: "1.1.1", integrity: "sha512-p" },
      "packages/c/node_modules/has-flag": { version: "4.0.0", integrity: "sha512-h" },
    },
  });

const pnpm = (ms: string) => `lockfileVersion: '9.0'
importers:
  packages/a:
    dependencies:
      debug: { specifier: 4.3.4, version: 4.3.4 }
  packages/b:
    dependencies:
      a: { specifier: 'workspace:*', version: link:../a }
      picocolors: { specifier: 'catalog:', version: 1.1.1 }
  packages/c:
    devDependencies:
      has-flag: { specifier: 4.0.0, version: 4.0.0 }
packages:
  debug@4.3.4: { resolution: { integrity: sha512-d } }
  ms@${ms}: { resolution: { integrity: sha512-m } }
  picocolors@1.1.1: { resolution: { integrity: sha512-p } }
  has-flag@4.0.0: { resolution: { integrity: sha512-h } }
snapshots:
  debug@4.3.4: { dependencies: { ms: ${ms} } }
  ms@${ms}: {}
  picocolors@1.1.1: {}
  has-flag@4.0.0: {}
`;

const oldPnpm = (ms: string) => `lockfileVersion: 5.4
importers:
  packages/a: { dependencies: { debug: 4.3.4 } }
  packages/b: { dependencies: { a: link:../a, picocolors: 1.1.1 } }
  packages/c: { devDependencies: { has-flag: 4.0.0 } }
packages:
  /debug/4.3.4: { resolution: { integrity: sha512-d }, dependencies: { ms: ${ms} } }
  /ms/${ms}: { resolution: { integrity: sha512-m } }
  /picocolors/1.1.1: { resolution: { integrity: sha512-p } }
  /has-flag/4.0.0: { resolution: { integrity: sha512-h } }
`;

const classic = (ms: string) => `# yarn lockfile v1


debug@4.3.4:
  version "4.3.4"
  integrity sha512-d
  dependencies:
    ms "2.1.2"

has-flag@4.0.0:
  version "4.0.0"
  integrity sha512-h

"ms@2.1.2", ms@^2.0.0:
  version "${ms}"
  integrity sha512-m

picocolors@^1.0.0:
  version "1.1.1"
  integrity sha512-p
`;

const berry = (ms: string) => `__metadata:
  version: 8

"a@workspace:*, a@workspace:packages/a":
  version: 0.0.0-use.local
  resolution: "a@workspace:packages/a"

"debug@npm:4.3.4":
  version: 4.3.4
  resolution: "debug@npm:4.3.4"
  dependencies:
    ms: "npm:2.1.2"
  checksum: d

"ms@npm:2.1.2":
  version: ${ms}
  resolution: "ms@npm:${ms}"
  checksum: m

"picocolors@npm:^1.0.0":
  version: 1.1.1
  resolution: "picocolors@npm:1.1.1"

"has-flag@npm:4.0.0":
  version: 4.0.0
  resolution: "has-flag@npm:4.0.0"
`;

const formats = [
  ["npm", "package-lock.json", npm],
  ["pnpm 9", "pnpm-lock.yaml", pnpm],
  ["pnpm 5", "pnpm-lock.yaml", oldPnpm],
  ["yarn classic", "yarn.lock", classic],
  ["yarn berry", "yarn.lock", berry],
] as const;

async function digestsOf(file: string, text: string, amended: Amendments = new Map()) {
  const lock = await parseLock(file, text);
  return (
    lock &&
    closures(lock, {
      projects,
      isLinked: (name) => projects.some((p) => p.name === name),
      amended,
      catalogRange: () => undefined,
    })
  );
}

for (const [name, file, write] of formats) {
  test(`${name}: a transitive bump changes exactly who resolves to it`, async () => {
    const [before, after] = [await digestsOf(file, write("2.1.2")), await digestsOf(file, write("2.1.3"))];
    const changed = projects.filter((p) => before?.digests.get(p.dir) !== after?.digests.get(p.dir));
    expect(changed.map((p) => p.name)).toEqual(["a"]);
    expect(before?.missing).toEqual([]);
  });
}

test("a dependency that the lock file lacks is named", async () => {
  const lock = await digestsOf("package-lock.json", JSON.stringify({ lockfileVersion: 3, packages: {} }));
  expect(lock?.missing).toEqual(["a: debug", "b: picocolors", "c: has-flag"]);
});

test("packages that need each other in a circle have digests, and both feel a change of one", async () => {
  const circle = (version: string) =>
    JSON.stringify({
      lockfileVersion: 3,
      packages: {
        "node_modules/debug": { version: "1.0.0", dependencies: { ms: "*" } },
        "node_modules/ms": { version, dependencies: { debug: "*" } },
      },
    });
  const [before, after] = [
    await digestsOf("package-lock.json", circle("1.0.0")),
    await digestsOf("package-lock.json", circle("1.0.1")),
  ];
  expect(before?.digests.get("packages/a")).not.toBe(after?.digests.get("packages/a"));
});

for (const [name, file, write] of formats) {
  test(`${name}: an override or a patch is felt by those who have its package`, async () => {
    const before = await digestsOf(file, write("2.1.2"));
    const after = await digestsOf(file, write("2.1.2"), new Map([["ms", "overrides: 2.1.2"]]));
    const changed = projects.filter((p) => before?.digests.get(p.dir) !== after?.digests.get(p.dir));
    expect(changed.map((p) => p.name)).toEqual(["a"]);
  });
}

test.each(formats)(
  "a lock file of %s with both sides of a merge in it is refused in one sentence",
  async (_, file, make) => {
    const text = `<<<<<<< HEAD\n${make("2.1.2")}=======\n${make("2.1.3")}>>>>>>> topic\n`;
    await expect(parseLock(file, text)).rejects.toThrow(`${file} has an unresolved merge conflict`);
  },
);
