// Puts a fault before or after the effect of the n-th call of any port: a crash of the worker, or a Temporary answer.

/** The worker's process dies here. */
export class Crash extends Error {
  override readonly name = "Crash";
}

export interface Fault {
  /** Counts every call of every port, from 1. */
  readonly call: number;
  readonly when: "before" | "after";
  readonly error?: () => Error;
}

/** Counts port calls and strikes at those that were chosen. */
export class Striker {
  calls = 0;
  readonly #faults: readonly Fault[];

  constructor(faults: readonly Fault[]) {
    this.#faults = faults;
  }

  /** A stand-in for `port` whose methods may be struck; everything else about it is itself. */
  around<T extends object>(port: T, methods: readonly (keyof T)[]): T {
    const named = new Set<PropertyKey>(methods as readonly PropertyKey[]);
    return new Proxy(port, {
      get: (target, property) => {
        const value = Reflect.get(target, property, target);
        if (typeof value !== "function") return value;
        if (!named.has(property)) return value.bind(target);
        return async (...args: unknown[]) => {
          this.calls += 1;
          const faults = this.#faults.filter((fault) => fault.call === this.calls);
          for (const fault of faults) if (fault.when === "before") throw fault.error?.() ?? new Crash();
          const answer = await Reflect.apply(value, target, args);
          for (const fault of faults) if (fault.when === "after") throw fault.error?.() ?? new Crash();
          return answer;
        };
      },
    });
  }
}
