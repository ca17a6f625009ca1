// After `sluice up --acme-domain`: waits until each certificate is there, or its authority has said why not.
import { setTimeout as sleep } from "node:timers/promises";
import { machineCertificates } from "../compose/certificates.ts";
import { certificateLine } from "./print/health.ts";
import type { Context } from "./verb.ts";

const waitMs = 90_000;
const lookEveryMs = 200;

export async function awaitCertificates(
  { data, screen }: Context,
  domains: readonly string[],
): Promise<readonly string[]> {
  const look = () => machineCertificates(data).filter(({ name }) => domains.includes(name));
  const isTold = () =>
    look().length === domains.length && look().every((one) => one.daysLeft !== undefined || one.because !== undefined);
  for (const until = Date.now() + waitMs; !isTold() && Date.now() < until; ) await sleep(lookEveryMs);
  const { green, yellow } = screen.colors;
  return look().map((one) => `${one.daysLeft === undefined ? yellow("!") : green("✓")} ${certificateLine(one)}`);
}
