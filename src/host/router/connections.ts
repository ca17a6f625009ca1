// How many connections each client has open.
import { clientOf } from "./addresses.ts";

export class Connections {
  private readonly open = new Map<string, number>();

  enter(address: string): number {
    const client = clientOf(address);
    const count = (this.open.get(client) ?? 0) + 1;
    this.open.set(client, count);
    return count;
  }

  leave(address: string): void {
    const client = clientOf(address);
    const count = (this.open.get(client) ?? 1) - 1;
    if (count === 0) this.open.delete(client);
    else this.open.set(client, count);
  }
}
