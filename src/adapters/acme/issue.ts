// One certificate from an ACME authority (RFC 8555), proved by HTTP-01. With acme-client: maintained, typed, tested against
// Pebble; it is loaded only where a domain asks for a certificate.
import { lookup } from "node:dns/promises";
import { networkInterfaces } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { Problem } from "../../domain/problem.ts";

export interface Order {
  /** "https://acme-v02.api.letsencrypt.org/directory" */
  readonly directory: string;
  readonly email: string;
  readonly domain: string;
  /** PEM; the account that belongs to it is found again by it. */
  readonly accountKey: string;
  /** Makes the answer to a challenge reachable on port 80 of the domain. */
  lay(token: string, answer: string): Promise<void>;
  clear(token: string): Promise<void>;
}

export interface Issued {
  /** With its chain, as PEM. */
  readonly cert: string;
  readonly key: string;
}

const answerWithinMs = 30_000;
const lookWithinMs = 5_000;

export const letsEncrypt = "https://acme-v02.api.letsencrypt.org/directory";

/** Throws a Problem with the authority's own words when it says no. */
export async function issue({ directory, email, domain, accountKey, lay, clear }: Order): Promise<Issued> {
  await mustAnswer(directory, domain);
  const { default: acme } = await import("acme-client");
  const client = new acme.Client({
    directoryUrl: directory,
    accountKey,
    ...{ backoffAttempts: 20, backoffMin: 1_000, backoffMax: 15_000 },
  });
  const [key, csr] = await acme.crypto.createCsr({ commonName: domain }, await acme.crypto.createPrivateEcdsaKey());
  try {
    const cert = await client.auto({
      csr,
      email,
      termsOfServiceAgreed: true,
      challengePriority: ["http-01"],
      // From here the public name may lead elsewhere than for the authority: it looks itself, and says what it saw.
      skipChallengeVerification: true,
      challengeCreateFn: async (_authorization, { token }, answer) => lay(token, answer),
      challengeRemoveFn: async (_authorization, { token }) => clear(token),
    });
    return { cert, key: key.toString() };
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    throw new Problem(
      `no certificate for ${domain} from ${new URL(directory).host}: ${said.replaceAll(/\s+/g, " ")}`,
      `${await whereItLeads(domain)}: let it lead to this machine, with its port 80 open to everybody (--http-port 80)`,
    );
  }
}

/** Seen from here; behind a router that translates addresses it may be right all the same. */
async function whereItLeads(domain: string): Promise<string> {
  const found = await Promise.race([
    lookup(domain, { all: true }).catch((): [] => []),
    sleep(lookWithinMs, [], { ref: false }),
  ]);
  const addresses = found.map(({ address }) => address);
  if (addresses.length === 0) return `Seen from here, ${domain} leads nowhere`;
  const own = Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address));
  const whose = addresses.some((address) => own.includes(address)) ? "this machine" : "no address of this machine";
  return `Seen from here, ${domain} leads to ${addresses.join(", ")}, ${whose}`;
}

/** The client would ask again for minutes. */
async function mustAnswer(directory: string, domain: string): Promise<void> {
  const answer = await fetch(directory, { signal: AbortSignal.timeout(answerWithinMs) }).catch((error: unknown) => {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    return { ok: false, status: cause instanceof Error ? cause.message : String(cause) };
  });
  if (answer.ok) return;
  throw new Problem(
    `no certificate for ${domain} from ${new URL(directory).host}: its directory does not answer (${answer.status})`,
    "See that this machine reaches it; it is tried again by itself",
  );
}

export async function newAccountKey(): Promise<string> {
  const { default: acme } = await import("acme-client");
  return (await acme.crypto.createPrivateEcdsaKey()).toString();
}
