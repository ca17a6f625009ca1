import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { desired, type RealHost, realHost, revision } from "../../testing/real-host.ts";
import { findUser, whyNotAs } from "./other-user.ts";

const passwd = "root:x:0:0:root:/root:/bin/bash\nshop:x:998:997::/srv/shop:/usr/sbin/nologin\n";
const isRoot = process.platform === "linux" && process.geteuid?.() === 0;
const mayNot = process.platform !== "linux" ? "users are switched on Linux only" : "this is not root";
if (!isRoot) console.log(`replicas under another user are skipped: ${mayNot}`);

test("a user is named by name, by uid, or by uid and gid", () => {
  const shop = { uid: 998, gid: 997, name: "shop", home: "/srv/shop" };
  expect(findUser("shop", passwd)).toEqual(shop);
  expect(findUser("998", passwd)).toEqual(shop);
  expect(findUser("998:5", passwd)).toEqual({ ...shop, gid: 5 });
  expect(findUser("4000:5", passwd)).toEqual({ uid: 4000, gid: 5, name: "4000", home: "/" });
  expect(findUser("nobody-here", passwd)).toBeUndefined();
});

test.skipIf(isRoot || process.platform !== "linux")("a host that may not switch users says so", () => {
  expect(whyNotAs("root", tmpdir())).toMatch(/^it cannot run as "root": the host runs as .* may not switch users/);
});

let host: RealHost | undefined;
afterAll(() => host?.stop());

const whoIsIt = `
const { createServer } = require("node:http");
const { readFileSync, writeFileSync } = require("node:fs");
const status = Object.fromEntries(readFileSync("/proc/self/status", "utf8").split("\\n").map((l) => l.split(/:\\s*/)));
const tried = (act) => { try { act(); return "could"; } catch (error) { return error.code; } };
const answer = JSON.stringify({
  uid: process.getuid(), gid: process.getgid(), groups: status.Groups.trim(), rights: status.CapEff, noNew: status.NoNewPrivs,
  home: process.env.HOME, token: tried(() => readFileSync(process.env.TOKEN)), write: tried(() => writeFileSync("mine", "")),
});
createServer((_, response) => response.end(answer)).listen(Number(process.env.PORT));
`;

test.skipIf(!isRoot)(
  "a replica under another user has its rights and none of ours",
  async () => {
    host = await realHost();
    // As an artifact lies: below the private data folder, open to who knows its name.
    const folder = join(host.dataFolder, "unpacked", "a1b2");
    mkdirSync(folder, { recursive: true });
    chmodSync(join(host.dataFolder, "unpacked"), 0o711);
    writeFileSync(join(folder, "who.cjs"), whoIsIt);
    const token = join(host.dataFolder, "token");
    writeFileSync(token, "secret", { mode: 0o600 });
    const spec = { folder, command: ["node", "who.cjs"], user: "65534:65533" };
    await host.client.put(
      "test/web",
      desired(1, { v1: revision(host, { version: "1", env: { TOKEN: token }, spec }) }),
    );
    const { entryPort } = await host.until("test/web", (seen) => seen.revisions.v1?.ready === 1);
    expect(await (await fetch(`http://127.0.0.1:${entryPort}/`)).json()).toEqual({
      uid: 65534,
      gid: 65533,
      groups: "",
      rights: "0000000000000000",
      noNew: "1",
      home: findUser("65534")?.home,
      token: "EACCES",
      write: "EACCES",
    });
    expect(statSync(host.dataFolder).mode & 0o777).toBe(0o711);

    // It is stopped as any other.
    await host.client.put("test/web", desired(2, {}));
    await host.until("test/web", (seen) =>
      Object.values(seen.revisions).every(({ replicas }) => replicas.length === 0),
    );
  },
  30_000,
);

test.skipIf(!isRoot)("a user that is not there, or cannot come to the folder, is refused in one sentence", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sluice-closed-"));
  expect(whyNotAs("nobody-here", folder)).toBe(
    'there is no user "nobody-here" on this machine: make one with useradd --system nobody-here',
  );
  expect(whyNotAs("65534", folder)).toBe(
    `it cannot run as "65534", who may not enter ${folder}: use a data folder such as /var/lib/sluice`,
  );
  rmSync(folder, { recursive: true });
});
