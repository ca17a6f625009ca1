// A shared cache over Turborepo's `/v8/artifacts` API, as client: teams keep the server that they have. Whatever it answers,
// it can only save time: a broken, unsigned or late entry is a miss, and the first failure turns it off for the run.
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";
import type { Store } from "./store.ts";

export type RemoteSettings = Readonly<{
  url: string;
  token: string;
  team: string | undefined;
  teamId: string | undefined;
  /** Entries are signed with it, and read only when they are. */
  signatureKey: string | undefined;
  isReadOnly: boolean;
  timeoutMs: number;
}>;

export type RemoteCache = Readonly<{
  /** True when the entry is now in the local store. */
  fetch: (key: string, store: Store) => Promise<boolean>;
  /** Goes on behind the run. */
  send: (key: string, store: Store, durationMs: number) => void;
  /** Waits for what is still being sent, so long and no longer. */
  flush: (patienceMs: number) => Promise<void>;
}>;

const sizeMaxBytes = 1 << 30;
const sendsMax = 4;

export function remoteSettings(env: Readonly<Record<string, string | undefined>>): RemoteSettings | undefined {
  const url = env.SLUICE_CACHE_API ?? env.TURBO_API;
  const token = env.SLUICE_CACHE_TOKEN ?? env.TURBO_TOKEN;
  if (!url || !token) return undefined;
  return {
    url: url.replace(/\/+$/, ""),
    token,
    team: env.TURBO_TEAM,
    teamId: env.TURBO_TEAMID,
    signatureKey: env.SLUICE_CACHE_SIGNATURE_KEY ?? env.TURBO_REMOTE_CACHE_SIGNATURE_KEY,
    isReadOnly: env.SLUICE_CACHE_READ_ONLY === "1" || env.TURBO_REMOTE_CACHE_READ_ONLY === "true",
    timeoutMs: 1000 * Number(env.TURBO_REMOTE_CACHE_TIMEOUT ?? 30),
  };
}

export function openRemote(settings: RemoteSettings, warn: (text: string) => void): RemoteCache {
  let isOff = false;
  const sending = new Set<Promise<void>>();
  const queue: (() => Promise<void>)[] = [];
  const turnOff = (why: string) => {
    if (!isOff) warn(`remote cache off for this run: ${why}`);
    isOff = true;
  };
  const request = async (
    method: "GET" | "PUT",
    key: string,
    init: { body?: Uint8Array; headers?: Record<string, string> } = {},
  ) => {
    const headers = { authorization: `Bearer ${settings.token}`, ...init.headers };
    const signal = AbortSignal.timeout(settings.timeoutMs);
    const body = init.body === undefined ? {} : { body: new Blob([new Uint8Array(init.body)]) };
    return await fetch(address(settings, key), { method, headers, signal, redirect: "follow", ...body });
  };
  const receive = async (key: string): Promise<Buffer | undefined> => {
    const answer = await request("GET", key);
    if (answer.status === 404) return undefined;
    if (!answer.ok) {
      turnOff(`${settings.url} answered ${answer.status}`);
      return undefined;
    }
    if (Number(answer.headers.get("content-length") ?? 0) > sizeMaxBytes) return undefined;
    const body = Buffer.from(await answer.arrayBuffer());
    const tag = answer.headers.get("x-artifact-tag");
    if (settings.signatureKey && !isSigned({ key, body, tag, secret: settings.signatureKey })) {
      warn(
        `remote cache: the entry ${key.slice(0, 12)} ${tag ? "has a wrong signature" : "is not signed"}; it is not used`,
      );
      return undefined;
    }
    return body;
  };
  const upload = async (key: string, bytes: Buffer, durationMs: number): Promise<void> => {
    const { gzip } = await import("node:zlib");
    const body = await promisify(gzip)(bytes, { level: 1 });
    const tag = settings.signatureKey ? { "x-artifact-tag": sign(settings.signatureKey, key, body) } : {};
    const headers = {
      "content-type": "application/octet-stream",
      "x-artifact-duration": String(Math.round(durationMs)),
      ...tag,
    };
    const answer = await request("PUT", key, { body, headers });
    await answer.arrayBuffer();
    if (!answer.ok) turnOff(`${settings.url} answered ${answer.status} to an upload`);
  };
  const pump = () => {
    while (sending.size < sendsMax && !isOff) {
      const next = queue.shift();
      if (!next) return;
      const one: Promise<void> = next()
        .catch((error) => turnOff(said(error)))
        .finally(() => {
          sending.delete(one);
          pump();
        });
      sending.add(one);
    }
  };
  return {
    async fetch(key, store) {
      if (isOff) return false;
      try {
        const body = await receive(key);
        if (!body) return false;
        const { gunzip } = await import("node:zlib");
        return store.adopt(key, await promisify(gunzip)(body, { maxOutputLength: sizeMaxBytes }));
      } catch (error) {
        if (isNetwork(error)) turnOff(said(error));
        return false;
      }
    },
    send(key, store, durationMs) {
      const bytes = isOff || settings.isReadOnly ? undefined : store.bytesOf(key);
      if (!bytes || bytes.length > sizeMaxBytes) return;
      queue.push(() => upload(key, bytes, durationMs));
      pump();
    },
    async flush(patienceMs) {
      const limit = new Promise<void>((done) =>
        AbortSignal.timeout(patienceMs).addEventListener("abort", () => done()),
      );
      while (sending.size > 0) {
        const isLate = await Promise.race([Promise.allSettled([...sending]).then(() => false), limit.then(() => true)]);
        if (!isLate) continue;
        warn(`remote cache: ${sending.size + queue.length} uploads were given up after ${patienceMs / 1000} s`);
        return;
      }
    },
  };
}

function address({ url, team, teamId }: RemoteSettings, key: string): string {
  const query = new URLSearchParams({ ...(teamId ? { teamId } : {}), ...(team ? { slug: team } : {}) }).toString();
  return `${url}/v8/artifacts/${key}${query ? `?${query}` : ""}`;
}

/** Binds the body to its key: an entry cannot be moved to another task. */
function sign(secret: string, key: string, body: Buffer): string {
  const digest = createHash("sha256").update(body).digest("hex");
  return createHmac("sha256", secret).update(`sluice artifact 1\n${key}\n${digest}`).digest("base64");
}

type Signed = Readonly<{ key: string; body: Buffer; tag: string | null; secret: string }>;

function isSigned({ key, body, tag, secret }: Signed): boolean {
  const [given, wanted] = [Buffer.from(tag ?? ""), Buffer.from(sign(secret, key, body))];
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

function isNetwork(error: unknown): boolean {
  return error instanceof TypeError || (error instanceof DOMException && error.name === "TimeoutError");
}

function said(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message || error.message : error.message;
}
