// The last line of a terminal: what runs right now, for how long, and how much is done. Drawn again whenever something is
// printed above it, and a few times a second.
import { setTimeout as wait } from "node:timers/promises";

export type StatusLine = Readonly<{
  begins: (id: string) => void;
  ends: (id: string) => void;
  expects: (tasks: number) => void;
  /** Prints above the line. */
  above: (text: string) => void;
  close: () => void;
}>;

const clear = "\r\x1b[2K";

export function openStatusLine(stream: NodeJS.WriteStream, dim: (text: string) => string): StatusLine {
  const beganMs = new Map<string, number>();
  let [done, total, isOpen] = [0, 0, true];
  let drawn = "";
  const line = () => {
    const now = performance.now();
    const running = [...beganMs].map(([id, at]) => `${id} ${Math.floor((now - at) / 1000)} s`);
    if (running.length === 0) return "";
    const text = `${done}/${total}  ${running.join(" · ")}`;
    return text.slice(0, Math.max(20, (stream.columns ?? 80) - 1));
  };
  const draw = (text: string) => {
    const next = isOpen ? line() : "";
    if (text === "" && next === drawn) return;
    stream.write(`${drawn ? clear : ""}${text}${next && dim(next)}`);
    drawn = next;
  };
  const tick = async () => {
    while (isOpen) {
      await wait(200, undefined, { ref: false });
      draw("");
    }
  };
  void tick();
  return {
    begins: (id) => void beganMs.set(id, performance.now()),
    ends: (id) => {
      beganMs.delete(id);
      done++;
    },
    expects: (tasks) => {
      [done, total] = [0, tasks];
    },
    above: draw,
    close: () => {
      isOpen = false;
      draw("");
    },
  };
}
