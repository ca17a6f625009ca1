// The shared cache of tasks' results, by Turborepo's `/v8/artifacts` API: `sluice run` and `turbo` itself are its clients.
// What a caller may read and write follows from its credential alone. Entries are opaque bytes, often signed by clients.
import type { Context, Hono } from "hono";
import type { Ms } from "../domain/frame.ts";
import type { Auth } from "./auth.ts";
import { Refusal } from "./problem-answer.ts";
import { type CacheScope, grantOf } from "./signed-token.ts";

/** Where entries are kept. A shelf is "trusted", or "untrusted/" and a name. */
export interface Shelves {
  read(shelf: string, key: string): Promise<Entry | undefined>;
  /** Whole or not at all; what is there already stays, unless its tag is another. Throws a RangeError when the body is longer than `bytesMax`. */
  write(shelf: string, key: string, entry: Written, bytesMax: number): Promise<void>;
}

interface EntryHead {
  /** What making it took; clients tell what was saved. */
  readonly durationMs?: Ms;
  /** Of the client's making: the server keeps it and does not read it. */
  readonly tag?: string;
}

interface Written extends EntryHead {
  readonly body: ReadableStream<Uint8Array>;
}

interface Entry extends EntryHead {
  readonly bytes: number;
  body(): ReadableStream<Uint8Array>;
}

export interface SharedCacheOptions {
  readonly shelves: Shelves;
  readonly auth: Auth;
  /** What cache tokens are signed with. */
  readonly secret: string;
  readonly now: () => Ms;
}

const bytesMax = 2 ** 30;
const keyForm = /^[0-9a-f]{16,128}$/i;

export function addSharedCache(app: Hono, options: SharedCacheOptions): void {
  const { shelves } = options;
  const scopeIn = (context: Context) => scopeOf(context, options);

  app.get("/v8/artifacts/status", (context) => {
    scopeIn(context);
    return context.json({ status: "enabled" });
  });
  app.post("/v8/artifacts/events", (context) => {
    scopeIn(context);
    return context.json({});
  });
  app.post("/v8/artifacts", async (context) => {
    const scope = scopeIn(context);
    const { hashes }: { hashes?: unknown } = await context.req.json().catch(() => ({}));
    const keys = Array.isArray(hashes) ? hashes.filter((key) => typeof key === "string" && keyForm.test(key)) : [];
    const found = await Promise.all(keys.slice(0, 1000).map(async (key) => [key, await find(scope, key)] as const));
    return context.json(Object.fromEntries(found.map(([key, entry]) => [key, entry && headOf(entry)])));
  });
  // Hono answers HEAD with what GET answers, without the body.
  app.get("/v8/artifacts/:key", async (context) => {
    const entry = await find(scopeIn(context), keyOf(context));
    if (entry === undefined) {
      throw new Refusal(404, { so: "there is no such entry", mend: "Run the task: its result is kept afterwards" });
    }
    const headers = {
      "content-type": "application/octet-stream",
      "content-length": String(entry.bytes),
      ...(entry.durationMs === undefined ? {} : { "x-artifact-duration": String(entry.durationMs) }),
      ...(entry.tag === undefined ? {} : { "x-artifact-tag": entry.tag }),
      "x-sluice-shelf": entry.shelf,
    };
    return new Response(context.req.method === "HEAD" ? null : entry.body(), { headers });
  });
  app.put("/v8/artifacts/:key", async (context) => {
    const shelf = shelfOf(scopeIn(context));
    const { body } = context.req.raw;
    if (body === null) throw new Refusal(400, { so: "the entry has no body", mend: "Send its bytes" });
    const tag = context.req.header("x-artifact-tag");
    const durationMs = Number(context.req.header("x-artifact-duration") ?? Number.NaN);
    const head = { ...(Number.isFinite(durationMs) ? { durationMs } : {}), ...(tag === undefined ? {} : { tag }) };
    try {
      await shelves.write(shelf, keyOf(context), { ...head, body }, bytesMax);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new Refusal(413, { so: "the entry is too large", mend: "An entry may have 1 GiB" });
    }
    return context.json({ urls: [] });
  });

  /** What trusted builds wrote comes first; a trusted build sees nothing else. */
  async function find(scope: CacheScope, key: string): Promise<(Entry & { readonly shelf: string }) | undefined> {
    for (const shelf of new Set(["trusted", shelfOf(scope)])) {
      const entry = await shelves.read(shelf, key);
      if (entry !== undefined) return { ...entry, shelf };
    }
    return undefined;
  }
}

function scopeOf(context: Context, { auth, secret, now }: SharedCacheOptions): CacheScope {
  const header = context.req.header("authorization");
  const grant = grantOf(secret, header, now());
  if (grant !== undefined && grant.kind !== "runner") return grant;
  if (auth.byBearer(header) !== undefined) return { kind: "trusted" };
  if (header !== undefined && auth.failed()) {
    throw new Refusal(429, { so: "there were too many failed sign-ins within a minute", mend: "Wait a minute" });
  }
  throw new Refusal(401, {
    so: header === undefined ? "no token was sent" : "the token is not of this cache, or it has expired",
    mend: "Make one with `sluice cache token`",
  });
}

function shelfOf(scope: CacheScope): string {
  return scope.kind === "trusted" ? "trusted" : `untrusted/${scope.name}`;
}

function keyOf(context: Context): string {
  const key = context.req.param("key") ?? "";
  if (keyForm.test(key)) return key.toLowerCase();
  throw new Refusal(400, { so: "that is no key of an entry", mend: "A key is 16 to 128 hexadecimal digits" });
}

/** As Turborepo's clients read it. */
function headOf({ bytes, durationMs, tag }: Entry) {
  return { size: bytes, taskDurationMs: durationMs ?? 0, ...(tag === undefined ? {} : { tag }) };
}
