// Keeps certificates of this machine's names: asks for one where there is none, renews it when a third of its life is left,
// and lays it down as files that the router and the control plane read again by themselves. What fails is one sentence, is
// tried again with growing pauses, and what is there stays.
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Ms } from "../../domain/frame.ts";
import { Problem, Temporary } from "../../domain/problem.ts";
import { hostPaths } from "../../host/paths.ts";
import { readWhole, writeWhole } from "../../host/whole-file.ts";
import {
  type AcmeFailure,
  type AcmeWish,
  accountFile,
  certificateFiles,
  dueAt,
  keepPair,
  lifeOf,
  readNotes,
  writeNotes,
} from "./certificate-files.ts";
import { issue, letsEncrypt, newAccountKey } from "./issue.ts";

export interface CertificateKeeper {
  /** What one who needs certificates wants from now on, also after a restart; undefined: no more. */
  want(owner: string, wish: AcmeWish | undefined): void;
  /** Throws Temporary while one that the owner wants is asked for, and a Problem when that failed: it is then wanted no more. */
  mustHave(owner: string): void;
  stop(): Promise<void>;
}

const lookEveryMs: Ms = 3_600_000;
/** Who deploys again after so long has mended something: the pause is cut short. */
const askedAgainMs: Ms = 20_000;
/** Authorities count failed tries by the hour. */
const retryAfterMs: readonly Ms[] = [30_000, 300_000, 900_000, 3_600_000, 3 * 3_600_000];

export function keepCertificates(options: {
  readonly dataFolder: string;
  readonly log: (line: string) => void;
}): CertificateKeeper {
  const { dataFolder, log } = options;
  const wishes = new Map(Object.entries(readNotes(dataFolder).wishes));
  // Who starts it again has mended something: no pause counts over a restart.
  const failures = new Map<string, AcmeFailure>();
  const stopping = new AbortController();
  let waking = new AbortController();

  function note(): void {
    writeNotes(dataFolder, { wishes: Object.fromEntries(wishes), failures: Object.fromEntries(failures) });
  }

  function dueOf(domain: string): Ms {
    const { at = 0, times = 0 } = failures.get(domain) ?? {};
    const retryAt = times === 0 ? 0 : at + (retryAfterMs[Math.min(times, retryAfterMs.length) - 1] ?? lookEveryMs);
    return Math.max(dueAt(lifeOf(certificateFiles(dataFolder, domain).certFile)), retryAt);
  }

  async function renew(domain: string, wish: AcmeWish): Promise<void> {
    const files = certificateFiles(dataFolder, domain);
    try {
      keepPair(files, await issue({ ...(await orderOf(dataFolder, wish)), domain }));
      failures.delete(domain);
      log(`a certificate for ${domain} was issued, good until ${dayOf(lifeOf(files.certFile)?.notAfter)}`);
    } catch (error) {
      const failure = failed(error, failures.get(domain));
      failures.set(domain, failure);
      log(`${failure.so}. ${failure.mend}.`);
    }
    note();
  }

  async function look(): Promise<void> {
    while (!stopping.signal.aborted) {
      waking = new AbortController();
      const wanted = new Map([...wishes.values()].flatMap((wish) => wish.domains.map((domain) => [domain, wish])));
      for (const [domain, wish] of wanted) if (dueOf(domain) <= Date.now()) await renew(domain, wish);
      const soonest = Math.min(lookEveryMs, ...[...wanted.keys()].map((domain) => dueOf(domain) - Date.now()));
      const signal = AbortSignal.any([stopping.signal, waking.signal]);
      await sleep(Math.max(1_000, soonest), undefined, { signal }).catch(() => undefined);
    }
  }

  function askAgain(domain: string, failure: AcmeFailure): void {
    failures.set(domain, { ...failure, times: 0 });
    waking.abort();
  }

  if (wishes.size > 0) note();
  const looking = look();
  return {
    want: (owner, wish) => {
      if (JSON.stringify(wishes.get(owner)) === JSON.stringify(wish)) return;
      if (wish === undefined) wishes.delete(owner);
      else wishes.set(owner, wish);
      note();
      waking.abort();
    },
    mustHave: (owner) => {
      const wish = wishes.get(owner);
      const missing = wish?.domains.find(
        (domain) => lifeOf(certificateFiles(dataFolder, domain).certFile) === undefined,
      );
      if (wish === undefined || missing === undefined) return;
      const failure = failures.get(missing);
      if (failure !== undefined && Date.now() - failure.at < askedAgainMs) {
        wishes.set(owner, { ...wish, domains: wish.domains.filter((domain) => domain !== missing) });
        note();
        throw new Problem(failure.so, failure.mend);
      }
      if (failure !== undefined) askAgain(missing, failure);
      throw new Temporary(`a certificate for ${missing} is asked for`);
    },
    stop: async () => {
      stopping.abort();
      await looking;
    },
  };
}

function failed(error: unknown, before: AcmeFailure | undefined): AcmeFailure {
  return {
    at: Date.now(),
    so: error instanceof Error ? error.message : String(error),
    mend: error instanceof Problem ? error.mend : "See control.log in the data folder",
    times: (before?.times ?? 0) + 1,
  };
}

async function orderOf(dataFolder: string, { directory = letsEncrypt, email }: AcmeWish) {
  const { challenges } = hostPaths(dataFolder);
  mkdirSync(challenges, { recursive: true, mode: 0o700 });
  const file = accountFile(dataFolder);
  const accountKey = readWhole(file) ?? (await newAccountKey());
  writeWhole(file, accountKey);
  return {
    ...{ directory, email, accountKey },
    lay: async (token: string, answer: string) => writeWhole(join(challenges, token), answer),
    clear: async (token: string) => rmSync(join(challenges, token), { force: true }),
  };
}

function dayOf(at: Ms | undefined): string {
  return at === undefined ? "an unknown day" : new Date(at).toISOString().slice(0, 10);
}
