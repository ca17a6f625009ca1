// The shared cache over real HTTP, with entries on disk: as turbo speaks to it, and as our own client does.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Hono } from "hono";
import { afterEach, beforeEach, expect, test } from "vitest";
import { artifactApi } from "../workspace/cache/artifact-api.ts";
import type { Entry } from "../workspace/cache/entry.ts";
import { openRemote } from "../workspace/cache/remote.ts";
import { trusted as trustedRun } from "../workspace/cache/scope.ts";
import { openShelves } from "../workspace/cache/shelves.ts";
import { signatureWith } from "../workspace/cache/signature.ts";
import { openStore } from "../workspace/cache/store.ts";
import { digestOf } from "../workspace/tasks/outputs.ts";
import { tokenAuth } from "./auth.ts";
import { type Listening, listen } from "./listen.ts";
import { problemAnswer } from "./problem-answer.ts";
import { addSharedCache } from "./shared-cache.ts";
import { type CacheScope, signedToken } from "./signed-token.ts";

const secret = "the control plane's own token";
const key = "0123456789abcdef";
let folder = "";
let listening: Listening;
let now = 1_000_000;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "sluice-shared-cache-"));
  const app = new Hono();
  app.onError((error, context) => problemAnswer(context, error, console.error));
  const clock = { now: () => now };
  const auth = tokenAuth({ token: secret, clock, person: { name: "ana", roles: "every" } });
  addSharedCache(app, { shelves: openShelves(folder), auth, secret, now: clock.now });
  listening = await listen(app, { port: 0 });
});

afterEach(async () => {
  await listening.close();
  rmSync(folder, { recursive: true, force: true });
});

const trusted: CacheScope = { kind: "trusted" };
const untrusted = (name: string): CacheScope => ({ kind: "untrusted", name });

function ask(method: string, path: string, token?: string, body?: string): Promise<Response> {
  return fetch(`http://127.0.0.1:${listening.port}/v8/artifacts${path}`, {
    method,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      "x-artifact-duration": "1200",
      "x-artifact-tag": "signed by a client",
    },
    ...(body === undefined ? {} : { body }),
  });
}

function tokenOf(scope: CacheScope, expiresAt = now + 1000): string {
  return signedToken(secret, scope, expiresAt);
}

test("what was put comes back with its duration and its signature, by GET, HEAD and a query", async () => {
  const token = tokenOf(trusted);
  expect((await ask("GET", `/${key}?teamId=team_any`, token)).status).toBe(404);
  expect((await ask("PUT", `/${key}?teamId=team_any`, token, "outputs")).status).toBe(200);
  const got = await ask("GET", `/${key.toUpperCase()}`, token);
  expect(await got.text()).toBe("outputs");
  expect(got.headers.get("x-artifact-duration")).toBe("1200");
  expect(got.headers.get("x-artifact-tag")).toBe("signed by a client");
  const head = await ask("HEAD", `/${key}`, token);
  expect([head.status, head.headers.get("content-length")]).toEqual([200, "7"]);
  const query = await ask("POST", "", token, JSON.stringify({ hashes: [key, "f".repeat(16), "../../etc"] }));
  expect(await query.json()).toEqual({ [key]: { size: 7, taskDurationMs: 1200, tag: "signed by a client" } });
  expect(await (await ask("GET", "/status", token)).json()).toEqual({ status: "enabled" });
  expect((await ask("POST", "/events", token, "[]")).status).toBe(200);
});

test("an untrusted build reads what trusted ones wrote and its own, and nobody reads what it wrote", async () => {
  const [main, pull, fork] = [tokenOf(trusted), tokenOf(untrusted("pull-7")), tokenOf(untrusted("fork"))];
  await ask("PUT", `/${key}`, pull, "of the pull request");
  expect(await (await ask("GET", `/${key}`, pull)).text()).toBe("of the pull request");
  expect((await ask("GET", `/${key}`, main)).status).toBe(404);
  expect((await ask("GET", `/${key}`, fork)).status).toBe(404);
  await ask("PUT", `/${key}`, main, "of main");
  expect(await (await ask("GET", `/${key}`, pull)).text()).toBe("of main");
  await ask("PUT", `/${key}`, pull, "poison");
  expect(await (await ask("GET", `/${key}`, main)).text()).toBe("of main");
});

test("what is there stays, unless what comes is signed otherwise: a team may begin to sign", async () => {
  const token = tokenOf(trusted);
  await ask("PUT", `/${key}`, token, "first");
  await ask("PUT", `/${key}`, token, "second");
  expect(await (await ask("GET", `/${key}`, token)).text()).toBe("first");
  await fetch(`http://127.0.0.1:${listening.port}/v8/artifacts/${key}`, {
    method: "PUT",
    headers: { authorization: `Bearer ${token}`, "x-artifact-tag": "signed with another key" },
    body: "third",
  });
  expect(await (await ask("GET", `/${key}`, token)).text()).toBe("third");
});

test("no token, another's, an expired or an altered one opens nothing; the control plane's own is trusted", async () => {
  const [body = ""] = tokenOf(untrusted("pull-7")).match(/^sluicegrant_[\w-]+_/) ?? [];
  const altered = tokenOf(trusted).replace(/^sluicegrant_[\w-]+_/, body);
  for (const token of [
    undefined,
    "other",
    tokenOf(trusted, now),
    signedToken("other secret", trusted, now + 1),
    altered,
  ])
    expect([token, (await ask("GET", "/status", token)).status]).toEqual([token, 401]);
  expect((await ask("GET", "/status", secret)).status).toBe(200);
  now += 2000;
});

test("a key that is a path, and an upload that breaks off, leave nothing", async () => {
  const token = tokenOf(trusted);
  expect((await ask("PUT", "/..%2f..%2fescaped", token, "x")).status).toBe(400);
  expect((await ask("GET", "/short", token)).status).toBe(400);
  const broken = new ReadableStream({
    pull(controller) {
      controller.enqueue(new TextEncoder().encode("half"));
      controller.error(new Error("the line broke"));
    },
  });
  const init = { method: "PUT", body: broken, duplex: "half", headers: { authorization: `Bearer ${token}` } };
  await expect(fetch(`http://127.0.0.1:${listening.port}/v8/artifacts/${key}`, init as RequestInit)).rejects.toThrow();
  expect((await ask("GET", `/${key}`, token)).status).toBe(404);
});

test("our own client shares entries through it, signed; a poisoned one is refused", async () => {
  const warnings: string[] = [];
  const token = tokenOf(trusted);
  const settings = {
    place: artifactApi({ url: `http://127.0.0.1:${listening.port}`, token, team: undefined, teamId: undefined }),
    scope: trustedRun,
    signature: signatureWith({ key: "shared by the team", publicKey: undefined }),
    isReadOnly: false,
    timeoutMs: 5000,
    warn: (text: string) => warnings.push(text),
  };
  const [mine, theirs] = [openStore(join(folder, "mine")), openStore(join(folder, "theirs"))];
  const made = "a".repeat(64);
  const log = Buffer.from("built");
  const entry = {
    key: made,
    task: "web#build",
    durationMs: 5,
    outputs: [],
    parts: {} as Entry["parts"],
    upstream: [],
    inputs: [],
  };
  const sized = { ...entry, log: { size: log.length, digest: digestOf(log) } };
  mine.write("trusted", { entry: sized, log, read: () => log });
  const remote = openRemote(settings);
  remote.send(made, mine, 5);
  await remote.flush(5000);
  expect(await openRemote(settings).fetch(made, theirs)).toBe(true);
  expect(warnings).toEqual([]);
  const poisoned = "b".repeat(64);
  await ask("PUT", `/${poisoned}`, token, "anything");
  expect(await remote.fetch(poisoned, theirs)).toBe(false);
  expect(warnings).toEqual([expect.stringMatching(/bbbbbbbbbbbb is not signed; it is not used/)]);
});
