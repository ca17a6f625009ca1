// The port of the machine that speaks plain HTTP, for challenges and redirects. Nothing that is deployed stands on it: when
// another program has it, the rest goes on.
import { Problem } from "../domain/problem.ts";
import type { HeldListeners } from "./listeners.ts";
import { plainListener } from "./table-of.ts";
import type { ListenerId } from "./twin.ts";

type Ports = Readonly<Record<ListenerId, number>>;

export interface PlainPort {
  /** The one that was open before this supervisor. */
  reopen(): void;
  /** 0 closes it. */
  set(port: number): void;
}

export function plainPort({
  ports,
  listeners,
  log,
}: {
  ports: Record<ListenerId, number>;
  listeners: HeldListeners;
  log: (line: string) => void;
}): PlainPort {
  return {
    reopen: () => {
      const port = ports[plainListener];
      try {
        if (port !== undefined) listeners.open(plainListener, port);
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        log(`${error.message}. ${error.mend}.`);
      }
    },
    set: (port) => {
      if (port > 0) ports[plainListener] = listeners.open(plainListener, port);
      else if (ports[plainListener] !== undefined) {
        delete ports[plainListener];
        listeners.forget(plainListener);
      }
    },
  };
}

/** All but this one, unless it is inherited: those must be open before anything else happens. */
export function promisedPorts(kept: Ports, inherited: Ports): Ports {
  return Object.fromEntries(Object.entries(kept).filter(([id]) => id !== plainListener || inherited[id] !== undefined));
}
