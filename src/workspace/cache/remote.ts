// The shared cache, as a run uses it. Whatever its place answers, it can only save time: a broken, unsigned or late entry is
// a miss, what breaks again and again is left alone for the rest of the run, and each trouble is told once.
import { promisify } from "node:util";
import { entryMaxBytes, type Place, type Received, Refused } from "./place.ts";
import type { Scope, Shelf } from "./scope.ts";
import type { Signature } from "./signature.ts";
import type { Store } from "./store.ts";

export type RemoteOptions = Readonly<{
  place: Place;
  scope: Scope;
  signature: Signature | undefined;
  isReadOnly: boolean;
  timeoutMs: number;
  /** Ends every request: who stops a run does not wait for the network. */
  stopping?: AbortSignal;
  warn: (text: string) => void;
}>;

export type RemoteCache = Readonly<{
  /** True when the entry is now in the local store, on the shelf of its scope. */
  fetch: (key: string, store: Store) => Promise<boolean>;
  /** Tells that an entry that was fetched is no good after all. */
  refuse: (key: string) => void;
  /** Goes on behind the run. */
  send: (key: string, store: Store, durationMs: number) => void;
  /** Waits for what is still being sent, so long and no longer. */
  flush: (patienceMs: number) => Promise<void>;
}>;

const sendsMax = 4;
/** Of 429 and 5xx, one after the other. Everything else that is no answer turns it off at once. */
const faultsMax = 3;

export function openRemote(options: RemoteOptions): RemoteCache {
  const { place, scope, signature, isReadOnly, timeoutMs, stopping, warn } = options;
  const shelves = scope.reads;
  const patience = () => AbortSignal.any([AbortSignal.timeout(timeoutMs), ...(stopping ? [stopping] : [])]);
  const breaker = openBreaker(place.name, (text) => stopping?.aborted || warn(text));
  const sending = new Set<Promise<void>>();
  const queue: (() => Promise<void>)[] = [];
  const troubles = new Map<string, number>();
  const tellOf = (key: string, trouble: string) => {
    const before = troubles.get(trouble) ?? 0;
    troubles.set(trouble, before + 1);
    if (before === 0) warn(`remote cache: the entry ${key.slice(0, 12)} ${trouble}; it is not used`);
  };
  const upload = async (key: string, store: Store, durationMs: number): Promise<void> => {
    const found = store.bytesOf(key);
    if (!found || found.bytes.length > entryMaxBytes) return;
    const { gzip } = await import("node:zlib");
    const packed = await promisify(gzip)(found.bytes, { level: 1 });
    const tag = signature?.sign?.({ shelf: found.shelf, key, body: packed });
    const body = withTag(packed, tag);
    await place.put(key, { body, tag, durationMs, shelf: found.shelf }, { signal: patience() });
    breaker.worked();
  };
  const pump = () => {
    while (sending.size < sendsMax && !breaker.isOff()) {
      const next = queue.shift();
      if (!next) return;
      const one: Promise<void> = next()
        .catch((error) => breaker.failed(error, "an upload"))
        .finally(() => {
          sending.delete(one);
          pump();
        });
      sending.add(one);
    }
  };
  return {
    async fetch(key, store) {
      if (breaker.isOff()) return false;
      let received: Received | undefined;
      try {
        received = await place.get(key, { shelves, signal: patience() });
        breaker.worked();
      } catch (error) {
        breaker.failed(error, "a request");
        return false;
      }
      if (!received) return false;
      const { body, tag } = tagIn(received.body);
      const from = shelfOfEntry(key, { body, tag, shelf: received.shelf }, { shelves, signature });
      const trouble = "trouble" in from ? from.trouble : await adopt(key, body, { store, shelf: from.shelf });
      if (trouble !== undefined) tellOf(key, trouble);
      return trouble === undefined;
    },
    refuse: (key) => tellOf(key, "is not what this task makes"),
    send(key, store, durationMs) {
      const canSign = signature === undefined || signature.sign !== undefined;
      if (breaker.isOff() || isReadOnly || !canSign) return;
      queue.push(() => upload(key, store, durationMs));
      pump();
    },
    async flush(patienceMs) {
      if (stopping?.aborted) return;
      const limit = new Promise<void>((done) =>
        AbortSignal.timeout(patienceMs).addEventListener("abort", () => done()),
      );
      while (sending.size > 0) {
        const isLate = await Promise.race([Promise.allSettled([...sending]).then(() => false), limit.then(() => true)]);
        if (!isLate) continue;
        warn(`remote cache: ${sending.size + queue.length} uploads were given up after ${patienceMs / 1000} s`);
        return;
      }
      breaker.tell();
      for (const [trouble, times] of troubles)
        if (times > 1) warn(`remote cache: so it is with ${times - 1} more: ${trouble}`);
    },
  };
}

type Believing = Readonly<{ shelves: readonly Shelf[]; signature: Signature | undefined }>;

/** By whom an entry is: as the place says, as its signature says, and as both say where both do. */
function shelfOfEntry(
  key: string,
  { body, tag, shelf }: Received & Readonly<{ tag: string | undefined }>,
  { shelves, signature }: Believing,
): Readonly<{ shelf: Shelf }> | Readonly<{ trouble: string }> {
  const possible = shelf === undefined ? shelves : shelves.filter((one) => one === shelf);
  if (!signature) {
    // Anybody with a token may have written it, so it is the least that it can be.
    const least = shelf === undefined ? possible.at(-1) : possible[0];
    return least === undefined ? { trouble: `is of ${shelf}` } : { shelf: least };
  }
  if (tag === undefined) return { trouble: "is not signed" };
  const signed = possible.find((one) => signature.isRight({ shelf: one, key, body }, tag));
  return signed === undefined ? { trouble: "has a wrong signature" } : { shelf: signed };
}

const mark = "sluice signed ";

/** In the body, since not every server keeps what stands beside it. */
function withTag(body: Buffer, tag: string | undefined): Buffer {
  return tag === undefined ? body : Buffer.concat([Buffer.from(`${mark}${tag}\n`), body]);
}

function tagIn(body: Buffer): Readonly<{ body: Buffer; tag: string | undefined }> {
  const end = body.subarray(0, 256).indexOf(0x0a);
  if (end < 0 || body.toString("latin1", 0, mark.length) !== mark) return { body, tag: undefined };
  return { body: body.subarray(end + 1), tag: body.toString("latin1", mark.length, end) };
}

type Adopting = Readonly<{ store: Store; shelf: Shelf }>;

async function adopt(key: string, body: Buffer, { store, shelf }: Adopting): Promise<string | undefined> {
  const { gunzip } = await import("node:zlib");
  try {
    const bytes = await promisify(gunzip)(body, { maxOutputLength: entryMaxBytes });
    return store.adopt(key, bytes, shelf) ? undefined : "is broken, or could not be written";
  } catch {
    return "is broken";
  }
}

function openBreaker(name: string, warn: (text: string) => void) {
  let isOff = false;
  let inARow = 0;
  let untold: string | undefined;
  return {
    isOff: () => isOff,
    worked: () => {
      inARow = 0;
    },
    failed: (error: unknown, what: string) => {
      if (isOff) return;
      const mayPass = error instanceof Refused && (error.status === 429 || error.status >= 500);
      const to = mayPass ? "" : ` to ${what}`;
      untold = `${name} ${said(error, to)}`;
      if (mayPass && ++inARow < faultsMax) return;
      isOff = true;
      warn(`remote cache off for this run: ${untold}${mayPass ? ` ${inARow} times in a row` : ""}`);
      untold = undefined;
    },
    /** What went wrong, but not often enough to turn it off. */
    tell: () => {
      if (untold !== undefined) warn(`remote cache: ${untold}: a miss`);
      untold = undefined;
    },
  };
}

function said(error: unknown, to: string): string {
  if (error instanceof Refused) return `${error.message}${to}`;
  if (error instanceof DOMException && error.name === "TimeoutError") return `gave no answer in time${to}`;
  if (!(error instanceof Error)) return `failed (${error})`;
  const cause = error.cause instanceof Error ? error.cause.message || error.cause.name : error.message;
  return `could not be spoken to (${cause})`;
}
