// Lists of addresses and CIDR ranges, as allow-lists and trusted proxies are written.
import { BlockList, isIP } from "node:net";

export class Addresses {
  private readonly list = new BlockList();

  constructor(ranges: readonly string[]) {
    for (const range of ranges) {
      const [address = "", prefix] = range.split("/");
      const family = isIP(address) === 6 ? "ipv6" : "ipv4";
      if (prefix === undefined) this.list.addAddress(address, family);
      else this.list.addSubnet(address, Number(prefix), family);
    }
  }

  has(address: string): boolean {
    const family = isIP(address);
    return family !== 0 && this.list.check(address, family === 6 ? "ipv6" : "ipv4");
  }
}

/** Is it an address or a range at all? */
export function isRange(text: string): boolean {
  const [address = "", prefix, more] = text.split("/");
  const family = isIP(address);
  if (family === 0 || more !== undefined) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 6 ? 128 : 32));
}

/** What one client has to itself: an IPv4 address, or a /64 of IPv6, in which it may take any address it likes. */
export function clientOf(address: string): string {
  if (!address.includes(":")) return address;
  const [left = [], right = []] = address.split("::").map((half) => half.split(":").filter((part) => part !== ""));
  const dotted = right.at(-1)?.includes(".") ? 1 : 0;
  const zeros = Array.from({ length: Math.max(0, 8 - left.length - right.length - dotted) }, () => "0");
  const parts = [...left, ...zeros, ...right].slice(0, 4);
  return `${parts.map((part) => Number.parseInt(part, 16).toString(16)).join(":")}::/64`;
}
