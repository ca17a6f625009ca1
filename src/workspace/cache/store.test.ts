// The local cache where the disk is full or read-only, what it gives back after an edit in place, and its limits.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, expect, test } from "vitest";
import { Repository } from "../test-repository.ts";
import { untrusted } from "./scope.ts";
import { clearStore, listStore, prune } from "./upkeep.ts";

const small = mkdtempSync(join(tmpdir(), "sluice-small-disk-"));
const mount = (...options: string[]) => spawnSync("mount", ["-t", "tmpfs", ...options, "tmpfs", small]).status === 0;
const unmount = () => spawnSync("umount", [small]);
const canMount = mount("-o", "size=64k");
if (canMount) unmount();
else console.log("tests on a full and on a read-only disk are skipped: no right to mount a small one");
afterAll(() => rmSync(small, { recursive: true }));

let r: Repository | undefined;
afterEach(() => r?.dispose());
const repository = (build: string) => {
  r = new Repository({
    "package.json": { name: "root", private: true, workspaces: ["packages/*"] },
    "turbo.json": { tasks: { build: { outputs: ["dist/**"] } } },
    ".gitignore": "dist\n",
    "packages/big/package.json": { name: "big", scripts: { build } },
    "packages/little/package.json": { name: "little", scripts: { build: "mkdir -p dist && echo 1 > dist/a" } },
  });
  return r;
};
const big = "mkdir -p dist && head -c 100000 /dev/urandom > dist/a";

test.skipIf(!canMount)(
  "on a full disk what fits is kept, the rest is a miss, and nothing is left half-written",
  async () => {
    const r = repository(big);
    expect(mount("-o", "size=64k")).toBe(true);
    try {
      const { results } = await r.run(["build"], { cacheFolder: small });
      expect(results.map(({ id, outcome, note }) => [id, outcome, note]).sort()).toEqual([
        ["big#build", "ran", "not cached: the cache could not be written"],
        ["little#build", "ran", undefined],
      ]);
      expect(readdirSync(small, { recursive: true }).filter((name) => String(name).endsWith(".tmp"))).toEqual([]);
      r.remove("packages/little/dist");
      expect((await r.run(["build"], { cacheFolder: small })).outcome("little#build")).toBe("restored");
    } finally {
      unmount();
    }
  },
);

test.skipIf(!canMount)("a read-only cache, and a workspace whose state cannot be written, cost only time", async () => {
  const r = repository("mkdir -p dist && echo 2 > dist/a");
  expect(mount("-o", "ro")).toBe(true);
  try {
    for (let i = 0; i < 2; i++) {
      const { results } = await r.run(["build"], { cacheFolder: small, isForced: true });
      expect(results.map(({ outcome, note }) => [outcome, note])).toEqual([
        ["ran", "not cached: the cache could not be written"],
        ["ran", "not cached: the cache could not be written"],
      ]);
    }
  } finally {
    unmount();
  }
});

test("an output that is edited in place after a restore does not change what is restored next", async () => {
  const r = repository("mkdir -p dist && echo right > dist/a");
  await r.run(["build"]);
  const output = join(r.root, "packages/big/dist/a");
  r.remove("packages/big/dist");
  expect((await r.run(["build"])).outcome("big#build")).toBe("restored");
  writeFileSync(output, "wrong\n", { flag: "r+" });
  expect((await r.run(["build"])).outcome("big#build")).toBe("restored");
  expect(r.read("packages/big/dist/a")).toBe("right\n");
});

test("a link that leads out of the workspace is not kept", async () => {
  const r = repository("mkdir -p dist && ln -s ../../../.. dist/out");
  const { results } = await r.run(["build"]);
  expect(results.find((one) => one.id === "big#build")?.note).toBe(
    "not cached: packages/big/dist/out is a link that leads out of the workspace",
  );
});

test("what was not used for too long goes, then the longest unused until the rest fits, on every shelf", async () => {
  const r = repository("mkdir -p dist && echo 1 > dist/a");
  const folder = join(r.root, ".sluice/cache");
  await r.run(["build"]);
  await r.run(["build"], { scope: untrusted("pulls"), isForced: true });
  expect(
    listStore(folder)
      .map((one) => one.shelf)
      .sort(),
  ).toEqual(["trusted", "trusted", ...Array(2).fill("untrusted/pulls")]);
  const nowMs = Date.now();
  const [oldest, ...rest] = listStore(folder);
  if (oldest) utimesSync(oldest.file, new Date(nowMs - 10_000), new Date(nowMs - 10_000));
  expect(prune(folder, { sizeMaxBytes: 2 ** 30, ageMaxMs: 5000, nowMs }).map((one) => one.key)).toEqual([oldest?.key]);
  const sizeMaxBytes = rest.slice(1).reduce((sum, one) => sum + one.bytes, 0);
  expect(prune(folder, { sizeMaxBytes, ageMaxMs: 1e9, nowMs }).length).toBe(1);
  expect(listStore(folder).length).toBe(2);
  writeFileSync(join(folder, "notes.txt"), "somebody's own");
  clearStore(folder);
  expect(readdirSync(folder)).toEqual(["notes.txt"]);
});
