// How many connections each address has open.

export class Connections {
  private readonly open = new Map<string, number>();

  enter(address: string): number {
    const count = (this.open.get(address) ?? 0) + 1;
    this.open.set(address, count);
    return count;
  }

  leave(address: string): void {
    const count = (this.open.get(address) ?? 1) - 1;
    if (count === 0) this.open.delete(address);
    else this.open.set(address, count);
  }
}
