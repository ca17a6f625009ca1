// Entries of a shared cache are signed over shelf, key and body, so that none can be moved to another task or passed off as a
// trusted one. With a secret (HMAC) whoever reads can also sign; with an Ed25519 pair whoever has the public half only reads.
import { createHash, createHmac, createPrivateKey, createPublicKey, sign, timingSafeEqual, verify } from "node:crypto";
import { Problem } from "../../domain/problem.ts";
import type { Shelf } from "./scope.ts";

export type Signature = Readonly<{
  /** Undefined where only the public half is known. */
  sign: ((entry: Entry) => string) | undefined;
  isRight: (entry: Entry, tag: string) => boolean;
}>;

export type Entry = Readonly<{ shelf: Shelf; key: string; body: Buffer }>;

type Keys = Readonly<{
  /** A shared secret, or an Ed25519 private key in PEM. */
  key: string | undefined;
  /** An Ed25519 public key in PEM. */
  publicKey: string | undefined;
}>;

export function signatureWith({ key, publicKey }: Keys): Signature | undefined {
  if (key !== undefined && !isPem(key)) return withSecret(key);
  const pem = key ?? publicKey;
  if (pem === undefined) return undefined;
  const theirs = keysOf(() => createPublicKey(pem.replaceAll("\\n", "\n")));
  const own = key === undefined ? undefined : keysOf(() => createPrivateKey(key.replaceAll("\\n", "\n")));
  return {
    sign: own && ((entry) => sign(null, textOf(entry), own).toString("base64")),
    isRight: (entry, tag) => verify(null, textOf(entry), theirs, Buffer.from(tag, "base64")),
  };
}

function withSecret(secret: string): Signature {
  const signed = (entry: Entry) => createHmac("sha256", secret).update(textOf(entry)).digest("base64");
  return {
    sign: signed,
    isRight: (entry, tag) => {
      const [given, wanted] = [Buffer.from(tag), Buffer.from(signed(entry))];
      return given.length === wanted.length && timingSafeEqual(given, wanted);
    },
  };
}

function textOf({ shelf, key, body }: Entry): Buffer {
  const digest = createHash("sha256").update(body).digest("hex");
  return Buffer.from(`sluice artifact 2\n${shelf}\n${key}\n${digest}`);
}

function isPem(key: string): boolean {
  return key.startsWith("-----BEGIN ");
}

function keysOf<K extends Readonly<{ asymmetricKeyType?: string }>>(read: () => K): K {
  try {
    const key = read();
    if (key.asymmetricKeyType === "ed25519") return key;
  } catch {
    // told below
  }
  throw new Problem(
    "the key that signs the shared cache is no Ed25519 key in PEM",
    "Make one with: openssl genpkey -algorithm ed25519; the public half with: openssl pkey -pubout",
  );
}
