import { mkdirSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { expect, test } from "vitest";
import { Repository } from "../test-repository.ts";
import { listUntracked } from "./untracked.ts";

test("whatever appears is seen, also when nothing was there three times before", async () => {
  const r = new Repository({ ".gitignore": "dist\n*.log\n", "a/src/x.ts": "", "b/y.ts": "" });
  try {
    const settle = () => wait(2100); // directories changed a moment ago are never trusted
    const untracked = async () => [...((await listUntracked(r.root)) ?? [])].sort().join(" ");
    r.write({ "a/dist/out.js": "" });
    await untracked(); // makes its own folder, which is a change of the root
    await settle();
    for (let i = 0; i < 4; i++) expect(await untracked()).toBe("");
    expect(r.read(".sluice/graph/untracked")).toContain("a/src"); // it is remembered by now
    r.write({ "a/dist/more.js": "", "a/src/new.ts": "" });
    const old = new Date(1e9);
    utimesSync(join(r.root, "a/src"), old, old);
    expect(await untracked()).toBe("a/src/new.ts");
    r.remove("a/src/new.ts");
    mkdirSync(join(r.root, "b/empty"));
    r.write({ "a/logs/x.log": "" }); // its file is ignored, the directory is not
    await settle();
    for (let i = 0; i < 3; i++) expect(await untracked()).toBe("");
    r.write({ "a/logs/too.ts": "", "b/empty/now.ts": "" });
    expect(await untracked()).toBe("a/logs/too.ts b/empty/now.ts");
    r.remove("b/empty");
    r.remove("a/logs");
    await settle();
    for (let i = 0; i < 3; i++) expect(await untracked()).toBe("");
    r.write({ ".gitignore": "*.log\n" });
    expect(await untracked()).toBe("a/dist/more.js a/dist/out.js");
  } finally {
    r.dispose();
  }
});
