// What every place of shared results must do, shown for each: our server of Turborepo's API, a bucket that checks signatures,
// and (where Python has moto) an S3 that is somebody else's.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { Hono } from "hono";
import { describe, expect, test } from "vitest";
import { tokenAuth } from "../../server/auth.ts";
import { listen } from "../../server/listen.ts";
import { problemAnswer } from "../../server/problem-answer.ts";
import { addSharedCache } from "../../server/shared-cache.ts";
import { signedToken } from "../../server/signed-token.ts";
import { artifactApi } from "./artifact-api.ts";
import type { Place } from "./place.ts";
import { s3Place } from "./s3.ts";
import { trusted, untrusted } from "./scope.ts";
import { openShelves } from "./shelves.ts";
import { openBucket } from "./test-bucket.ts";

type Places = Readonly<{ main: Place; pull: Place; stranger: Place; close: () => Promise<void> }>;

async function ownServer(): Promise<Places> {
  const folder = mkdtempSync(join(tmpdir(), "sluice-place-"));
  const app = new Hono();
  app.onError((error, context) => problemAnswer(context, error, console.error));
  const secret = "the control plane's own token";
  const clock = { now: () => 0 };
  const auth = tokenAuth({ token: secret, clock, person: { name: "ana", roles: "every" } });
  addSharedCache(app, { shelves: openShelves(folder), auth, secret, now: clock.now });
  const listening = await listen(app, { port: 0 });
  const url = `http://127.0.0.1:${listening.port}`;
  const as = (token: string) => artifactApi({ url, token, team: undefined, teamId: undefined });
  return {
    main: as(signedToken(secret, { kind: "trusted" }, 1)),
    pull: as(signedToken(secret, { kind: "untrusted", name: "pull" }, 1)),
    stranger: as("nobody's"),
    close: async () => {
      await listening.close();
      rmSync(folder, { recursive: true });
    },
  };
}

function s3At(endpoint: string, accessKey: string, secret: string): Place {
  const settings = { bucket: "cache", endpoint, region: "eu-central-1", prefix: "shop" };
  const place = s3Place(settings, { AWS_ACCESS_KEY_ID: accessKey, AWS_SECRET_ACCESS_KEY: secret });
  if (!place) throw new Error("no credentials");
  return place;
}

async function bucket(): Promise<Places> {
  const { endpoint, close } = await openBucket({
    main: { secret: "s1", mayWrite: (path) => path.startsWith("/cache/shop/trusted/") },
    pull: { secret: "s2", mayWrite: (path) => path.startsWith("/cache/shop/untrusted/pull/") },
  });
  const as = (name: string, secret: string) => s3At(endpoint, name, secret);
  return { main: as("main", "s1"), pull: as("pull", "s2"), stranger: as("main", "s2"), close };
}

/** Its IAM decides, once the users are made. */
async function moto(): Promise<Places> {
  const port = await freePort();
  const usersPy = join(import.meta.dirname, "test-bucket-users.py");
  const env = { ...process.env, INITIAL_NO_AUTH_ACTION_COUNT: "7" };
  const server = spawn("python3", ["-m", "moto.server", "-H", "127.0.0.1", "-p", `${port}`], { env, stdio: "ignore" });
  try {
    const endpoint = `http://127.0.0.1:${port}`;
    for (let i = 0; i < 200 && !(await listens(port)); i++) await wait(100);
    const made = spawnSync("python3", [usersPy, endpoint], { encoding: "utf8" });
    if (made.status !== 0) throw new Error(made.stderr);
    const { main, pull }: Record<"main" | "pull", [string, string]> = JSON.parse(made.stdout);
    const as = ([id, secret]: [string, string]) => s3At(endpoint, id, secret);
    return { main: as(main), pull: as(pull), stranger: as([main[0], "wrong"]), close: () => ended(server) };
  } catch (error) {
    await ended(server);
    throw error;
  }
}

async function ended(child: ChildProcess): Promise<void> {
  const gone = new Promise<void>((done) => child.once("exit", () => done()));
  child.kill("SIGKILL");
  await gone;
}

/** Without a request: the first seven of those are the users' making, before IAM decides. */
async function listens(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  return await new Promise<boolean>((done) =>
    socket.once("connect", () => done(true)).once("error", () => done(false)),
  ).finally(() => socket.destroy());
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  await new Promise((done) => server.close(done));
  return typeof address === "object" && address ? address.port : 0;
}

const hasMoto = spawnSync("python3", ["-c", "import moto.server, boto3"]).status === 0;
if (!hasMoto) console.log("the suite against another S3 is skipped: python3 has no moto[server]");
const all: readonly (readonly [string, () => Promise<Places>, boolean])[] = [
  ["our own server", ownServer, true],
  ["a bucket that checks signatures", bucket, true],
  ["moto's S3 with its IAM", moto, hasMoto],
];

for (const [name, open, isHere] of all) {
  describe.skipIf(!isHere)(name, () => {
    const key = "0123456789abcdef".repeat(4);
    const asking = (scope = trusted) => ({ shelves: scope.reads, signal: AbortSignal.timeout(20_000) });
    const sent = (text: string, scope = trusted) => ({
      body: Buffer.from(text),
      tag: "signed by a client",
      durationMs: 1200,
      shelf: scope.makes,
    });

    test("what was put comes back, told whose it is; each scope writes its own and reads what is trusted first", async () => {
      const { main, pull, stranger, close } = await open();
      const pulls = untrusted("pull");
      try {
        expect(await main.get(key, asking())).toBeUndefined();
        await pull.put(key, sent("of the pull request", pulls), asking());
        expect(await main.get(key, asking())).toBeUndefined();
        const own = await pull.get(key, asking(pulls));
        expect([own?.body.toString(), own?.shelf]).toEqual(["of the pull request", "untrusted/pull"]);
        await main.put(key, sent("of main"), asking());
        for (const place of [main, pull]) {
          const found = await place.get(key, asking(pulls));
          expect([found?.body.toString(), found?.shelf]).toEqual(["of main", "trusted"]);
        }
        // Whatever an untrusted build says of itself: the credential decides.
        await pull.put(key, sent("poison"), asking()).catch((error) => expect(error).toMatchObject({ status: 403 }));
        expect((await main.get(key, asking()))?.body.toString()).toBe("of main");
        await expect(stranger.get(key, asking())).rejects.toThrow(/answered 40[13]/);
      } finally {
        await close();
      }
    });
  });
}
