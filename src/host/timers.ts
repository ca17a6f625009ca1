// The timers of one thing, by purpose, so that none of them outlives it.
export class Timers {
  readonly #running = new Map<NodeJS.Timeout, string>();

  after(purpose: string, ms: number, act: () => void | Promise<void>): void {
    const timer = setTimeout(() => {
      this.#running.delete(timer);
      void act();
    }, ms);
    this.#running.set(timer, purpose);
  }

  every(purpose: string, ms: number, act: () => void): void {
    this.#running.set(setInterval(act, ms), purpose);
  }

  clear(purpose?: string): void {
    for (const [timer, mine] of this.#running) {
      if (purpose !== undefined && mine !== purpose) continue;
      clearInterval(timer);
      this.#running.delete(timer);
    }
  }
}
