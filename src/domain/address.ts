// Where the outside reaches an environment of one machine: by its name where it shows a certificate for that name.

export interface Place {
  readonly domain?: string | undefined;
  readonly isSecure: boolean;
  /** Text where it is not known yet. */
  readonly port: number | string;
}

export function addressOf({ domain, isSecure, port }: Place): string {
  if (!isSecure || domain === undefined) return `http://127.0.0.1:${port}`;
  return port === 443 ? `https://${domain}` : `https://${domain}:${port}`;
}

/** By files of its own, or by an authority's. */
export function isSecure(entry: { readonly tls?: unknown; readonly acme?: unknown }): boolean {
  return entry.tls !== undefined || entry.acme !== undefined;
}
