// The options that say how other machines reach the control plane.
import type { Command } from "commander";

export interface PublicOptions {
  /** False: --no-public. */
  readonly public?: string | false;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly address?: string;
  readonly acmeEmail?: string;
  readonly acmeDirectory?: string;
  readonly httpPort?: string;
}

/** Of `sluice up`, and of the unit that `sluice host install` writes for it. */
export function withPublicOptions(command: Command): Command {
  return command
    .option("--public <url>", "https address under which other machines reach it; kept until another is given")
    .option("--no-public", "this machine only again")
    .option("--tls-cert <file>", "certificate with its chain; read again when it changes")
    .option("--tls-key <file>", "its key; without both, a proxy in front of it speaks HTTPS")
    .option(
      "--acme-email <address>",
      "instead, ask an authority for one and renew it: whom it writes to; agrees to its terms",
    )
    .option("--acme-directory <url>", "authority (default: Let's Encrypt)")
    .option(
      "--http-port <port>",
      "plain HTTP of the host: proves names to authorities, sends all else on to HTTPS; kept, 0 closes it (default: 80 with --acme-email)",
    )
    .option("--address <address>", "what it listens on for other machines (default: all)");
}

/** The same as words of a command line, with files by their whole path. */
export function publicArgs(options: PublicOptions, whole: (file: string) => string): readonly string[] {
  const { public: url, tlsCert, tlsKey, acmeEmail, acmeDirectory, httpPort, address } = options;
  const said = {
    ...{ "--public": url || undefined, "--tls-cert": tlsCert && whole(tlsCert), "--tls-key": tlsKey && whole(tlsKey) },
    ...{ "--acme-email": acmeEmail, "--acme-directory": acmeDirectory, "--http-port": httpPort, "--address": address },
  };
  return Object.entries(said).flatMap(([name, value]) => (value === undefined ? [] : [name, value]));
}
