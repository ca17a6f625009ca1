// A shared cache can only save time: whatever its server answers, and whoever wrote an entry, a run gives what it would
// give without it.
import { existsSync, readdirSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, expect, test } from "vitest";
import { digestOf, type Output } from "../tasks/outputs.ts";
import { type Files, Repository } from "../test-repository.ts";
import { artifactApi } from "./artifact-api.ts";
import type { Entry } from "./entry.ts";
import { openRemote } from "./remote.ts";
import { trusted } from "./scope.ts";
import { signatureWith } from "./signature.ts";
import { openStore, readEntry } from "./store.ts";

type Server = Readonly<{ kept: Map<string, Buffer>; asked: () => number; url: string }>;

let open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.reverse()) await close();
  open = [];
});

const build = "mkdir -p dist && cp src/* dist/";
const files: Files = {
  "package.json": { name: "root", private: true, workspaces: ["packages/*"] },
  "package-lock.json": { name: "root", lockfileVersion: 3, packages: {} },
  "turbo.json": { tasks: { build: { dependsOn: ["^build"], outputs: ["dist/**"] } } },
  ".gitignore": "node_modules\ndist\n",
  "packages/ui/package.json": { name: "ui", scripts: { build } },
  "packages/ui/src/a.ts": "a",
  "packages/web/package.json": { name: "web", scripts: { build }, dependencies: { ui: "*" } },
  "packages/web/src/b.ts": "b",
};
const all = "ui#build web#build";

function repository(): Repository {
  const made = new Repository(files);
  open.push(() => made.dispose());
  return made;
}

/** A server of Turborepo's artifact API that keeps no tags, with the faults that one may have: `fault` answers what it returns true for. */
async function server(
  fault: (request: IncomingMessage, response: ServerResponse, asked: number) => boolean = () => false,
) {
  const kept = new Map<string, Buffer>();
  let asked = 0;
  const http = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    if (fault(request, response, ++asked)) return;
    const key = request.url?.split("/").at(-1)?.split("?")[0] ?? "";
    if (request.method === "PUT") {
      kept.set(key, Buffer.concat(chunks));
      response.end('{"urls":[]}');
      return;
    }
    const found = kept.get(key);
    response.writeHead(found ? 200 : 404).end(found);
  });
  await new Promise<void>((done) => http.listen(0, "127.0.0.1", done));
  const { port } = http.address() as AddressInfo;
  open.push(() => {
    http.closeAllConnections();
    return new Promise((done) => http.close(done));
  });
  return { kept, asked: () => asked, url: `http://127.0.0.1:${port}` } satisfies Server;
}

function remoteOf(
  url: string,
  options: { key?: string; publicKey?: string; timeoutMs?: number; isReadOnly?: boolean; stopping?: AbortSignal } = {},
) {
  const warnings: string[] = [];
  const keys = { key: options.key ?? (options.publicKey ? undefined : "secret"), publicKey: options.publicKey };
  const remote = openRemote({
    place: artifactApi({ url, token: "t", team: "team", teamId: undefined }),
    scope: trusted,
    signature: signatureWith(keys),
    isReadOnly: options.isReadOnly ?? false,
    timeoutMs: options.timeoutMs ?? 20_000,
    ...(options.stopping && { stopping: options.stopping }),
    warn: (text) => warnings.push(text),
  });
  return { remote, warnings };
}

test("results are shared; an entry under another key, unsigned, or signed with another secret is refused", async () => {
  const { kept, url } = await server();
  const first = remoteOf(url);
  await repository().run(["build"], { remote: first.remote });
  await first.remote.flush(20_000);
  expect(kept.size).toBe(2);
  const second = repository();
  expect((await second.run(["build"], remoteOf(url))).outcome("web#build")).toBe("fetched");
  expect(second.read("packages/web/dist/b.ts")).toBe("b");
  const [one, other] = [...kept.values()];
  const cut = (body: Buffer) => body.indexOf("\n") + 1; // after the line with the signature
  const swaps: readonly (readonly [string, (body: Buffer, index: number) => Buffer])[] = [
    ["has a wrong signature", (body, i) => (i === 0 ? other : one) ?? body],
    ["has a wrong signature", (body) => Buffer.concat([body, Buffer.from("x")])],
    ["has a wrong signature", (body) => body.subarray(0, body.length / 2)],
    ["is not signed", (body) => body.subarray(cut(body))],
  ];
  const good = [...kept];
  for (const [told, swap] of swaps) {
    good.forEach(([key, body], i) => void kept.set(key, swap(body, i)));
    const { remote, warnings } = remoteOf(url, { isReadOnly: true });
    expect([told, (await repository().run(["build"], { remote })).ran]).toEqual([told, all]);
    await remote.flush(20_000);
    expect(warnings).toEqual([
      expect.stringMatching(new RegExp(`the entry [0-9a-f]{12} ${told}; it is not used`)),
      `remote cache: so it is with 1 more: ${told}`,
    ]);
  }
  for (const [key, body] of good) kept.set(key, body);
  const stranger = remoteOf(url, { key: "another secret" });
  expect((await repository().run(["build"], stranger)).ran).toBe(all);
});

test("with a pair of keys, the public half reads and cannot write", async () => {
  const { kept, url } = await server();
  const key =
    "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----\n";
  const publicKey =
    "-----BEGIN PUBLIC KEY-----\\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\\n-----END PUBLIC KEY-----";
  const reader = remoteOf(url, { publicKey });
  await repository().run(["build"], reader);
  await reader.remote.flush(20_000);
  expect(kept.size).toBe(0);
  const writer = remoteOf(url, { key });
  await repository().run(["build"], writer);
  await writer.remote.flush(20_000);
  expect((await repository().run(["build"], remoteOf(url, { publicKey }))).outcome("ui#build")).toBe("fetched");
  expect((await repository().run(["build"], remoteOf(url, { key: "a secret" }))).ran).toBe(all);
  expect(() => signatureWith({ key: "-----BEGIN RSA", publicKey: undefined })).toThrow("no Ed25519 key");
});

// Even who holds the team's secret cannot make an entry that reaches beyond the outputs of its task.
const file = (path: string): Output => ({
  path,
  kind: "file",
  size: 4,
  mode: 0o4777,
  digest: digestOf(Buffer.from("evil")),
});
const harmless: readonly unknown[] = [{ ...file("packages/ui/dist/a.ts"), mode: 0o644 }];
const hostile: readonly (readonly [string, readonly unknown[]])[] = [
  ["a path upwards", [file("packages/ui/dist/../../../../evil")]],
  ["a path upwards at once", [file("../evil")]],
  ["an absolute path", [file(join(tmpdir(), "sluice-evil"))]],
  ["a source", [file("packages/ui/src/a.ts")]],
  ["another task's output", [file("packages/web/dist/b.ts")]],
  ["git's hooks", [file(".git/hooks/pre-commit")]],
  ["a link to elsewhere", [{ path: "packages/ui/dist/l", kind: "link", to: "../../../../" }]],
  ["an absolute link", [{ path: "packages/ui/dist/l", kind: "link", to: "/etc" }]],
  ["a link into git's folder", [{ path: "packages/ui/dist/l", kind: "link", to: "../../../.git/hooks" }]],
  [
    "a file through a link of its own",
    [{ path: "packages/ui/dist/l", kind: "link", to: "../src" }, file("packages/ui/dist/l/a.ts")],
  ],
  ["the same path twice", [file("packages/ui/dist/x"), { path: "packages/ui/dist/x", kind: "link", to: "../src" }]],
  ["a hard link", [{ path: "packages/ui/dist/h", kind: "hard link", to: "/etc/passwd" }]],
  ["a device", [{ path: "packages/ui/dist/d", kind: "device", major: 1, minor: 1 }]],
  ["a size that is none", [{ ...file("packages/ui/dist/x"), size: 2 ** 52 }]],
  ["outputs that are none", [null, 7]],
];

test("a poisoned entry is refused before anything is written, whoever signed it", async () => {
  const { kept, url } = await server();
  const first = remoteOf(url);
  const r = repository();
  await r.run(["build"], { remote: first.remote });
  await first.remote.flush(20_000);
  const store = openStore(join(r.root, ".sluice/cache"));
  const key = [...kept.keys()].find((one) => readEntryOf(store.folder, one)?.task === "ui#build") ?? "";
  const entry = readEntryOf(store.folder, key);
  if (!entry) throw new Error("no entry");
  const signature = signatureWith({ key: "secret", publicKey: undefined });
  const offer = (outputs: readonly unknown[]) => {
    const log = { size: 0, digest: digestOf(Buffer.alloc(0)) };
    const files = outputs.filter((o) => JSON.stringify(o).includes('"kind":"file"')).length;
    const body = gzipSync(pack({ ...entry, log, outputs: outputs as readonly Output[] }, files));
    const tag = signature?.sign?.({ shelf: "trusted", key, body }) ?? "";
    kept.set(key, Buffer.concat([Buffer.from(`sluice signed ${tag}\n`), body]));
  };
  offer(harmless); // signed and well-formed: such entries are taken, so it is not their making that is refused below
  const control = repository();
  expect((await control.run(["build"], remoteOf(url, { isReadOnly: true }))).outcome("ui#build")).toBe("fetched");
  expect(control.read("packages/ui/dist/a.ts")).toBe("evil");
  const victim = repository();
  for (const [what, outputs] of hostile) {
    offer(outputs);
    for (const path of [".sluice", "packages/ui/dist", "packages/web/dist"]) victim.remove(path);
    const { remote, warnings } = remoteOf(url, { isReadOnly: true });
    const run = await victim.run(["build"], { remote });
    expect([what, run.ran, warnings.length]).toEqual([what, "ui#build", 1]);
    expect(warnings[0]).toMatch(/the entry [0-9a-f]{12} is (broken|not what this task makes)/);
    expect([what, readdirSync(join(victim.root, "packages/ui/dist"))]).toEqual([what, ["a.ts"]]);
    expect(victim.read("packages/ui/src/a.ts") + victim.read("packages/web/dist/b.ts")).toBe("ab");
    const evils = [
      join(tmpdir(), "sluice-evil"),
      join(victim.root, "../evil"),
      join(victim.root, ".git/hooks/pre-commit"),
    ];
    expect([what, evils.filter((path) => existsSync(path))]).toEqual([what, []]);
  }
});

/** An entry as the store writes it, whatever its header says. */
function pack(entry: Entry, evils: number): Buffer {
  const header = Buffer.from(JSON.stringify(entry));
  const lead = `sluice cache 1\n${digestOf(header)}${String(header.length).padStart(12)}`;
  return Buffer.concat([Buffer.from(lead), header, Buffer.from("evil".repeat(evils))]);
}

function readEntryOf(folder: string, key: string): Entry | undefined {
  return readEntry(join(folder, key.slice(0, 2), key));
}

test("a server that refuses the token is left alone after one answer and one line", async () => {
  const { url, asked } = await server((_, response) => {
    response.writeHead(401).end();
    return true;
  });
  const { remote, warnings } = remoteOf(url);
  const run = await repository().run(["build"], { remote, concurrency: 1 });
  await remote.flush(20_000);
  expect([run.ran, asked()]).toEqual([all, 1]);
  expect(warnings).toEqual([`remote cache off for this run: ${url} answered 401 to a request`]);
});

for (const status of [429, 500]) {
  test(`a server that answers ${status} is asked a few times, then left alone, in one line`, async () => {
    const { url, asked } = await server((_, response) => {
      response.writeHead(status).end();
      return true;
    });
    const { remote, warnings } = remoteOf(url);
    const run = await repository().run(["build"], { remote, concurrency: 1 });
    await remote.flush(20_000);
    expect(run.ran).toBe(all);
    expect([3, 4]).toContain(asked()); // an upload may be on its way while the third answer comes
    expect(warnings).toEqual([`remote cache off for this run: ${url} answered ${status} 3 times in a row`]);
  });
}

test("a single 500 is a miss, told at the end, and the rest goes on", async () => {
  const { kept, url } = await server((_, response, asked) => {
    if (asked > 1) return false;
    response.writeHead(500).end();
    return true;
  });
  const { remote, warnings } = remoteOf(url);
  await repository().run(["build"], { remote, concurrency: 1 });
  await remote.flush(20_000);
  expect(kept.size).toBe(2);
  expect(warnings).toEqual([`remote cache: ${url} answered 500: a miss`]);
});

test("a server that dies in the middle of an answer, or of taking one, leaves nothing half-written", async () => {
  const { url } = await server((request, response) => {
    if (request.method !== "GET") {
      request.socket.destroy();
      return true;
    }
    response.writeHead(200, { "content-length": "1000" });
    response.write("half", () => response.destroy());
    return true;
  });
  const { remote, warnings } = remoteOf(url);
  const r = repository();
  const run = await r.run(["build"], { remote, concurrency: 1 });
  await remote.flush(20_000);
  expect(run.ran).toBe(all);
  expect(warnings).toEqual([expect.stringContaining(`remote cache off for this run: ${url} could not be spoken to (`)]);
  expect((await r.run(["build"])).ran).toBe("");
});

test("a server that never answers costs its time limit once", async () => {
  const { url, asked } = await server(() => true);
  const { remote, warnings } = remoteOf(url, { timeoutMs: 1500 });
  const run = await repository().run(["build"], { remote, concurrency: 1 });
  await remote.flush(20_000);
  expect([run.ran, asked()]).toEqual([all, 1]);
  expect(warnings).toEqual([`remote cache off for this run: ${url} gave no answer in time to a request`]);
});

test("who stops a run does not wait for a server that never answers, and is told nothing of it", async () => {
  const { url, asked } = await server(() => true);
  const stopping = new AbortController();
  const { remote, warnings } = remoteOf(url, { stopping: stopping.signal });
  const running = repository().run(["build"], { remote, isStopped: () => stopping.signal.aborted });
  await expect.poll(asked).toBeGreaterThan(0);
  stopping.abort();
  expect((await running).results.map((one) => one.outcome)).toEqual(["stopped", "stopped"]);
  await remote.flush(60_000);
  expect(warnings).toEqual([]);
});

test("a server that is not there is a miss", async () => {
  const { remote, warnings } = remoteOf("http://127.0.0.1:9");
  expect((await repository().run(["build"], { remote })).ran).toBe(all);
  expect(warnings.length).toBe(1);
});
