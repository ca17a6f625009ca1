// A few lines at the bottom of the terminal that are drawn again and again in place.
import { widthOf } from "./text.ts";

export class LiveText {
  readonly #write: (text: string) => void;
  #height = 0;
  #last = "";

  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  /** Lines that the terminal would wrap count as many as they take; what did not change is not drawn again. */
  draw(lines: readonly string[], width: number): void {
    const text = lines.map((line) => `${line}\u001b[K\n`).join("");
    if (text === this.#last) return;
    const up = this.#height > 0 ? `\u001b[${this.#height}A\r` : "";
    // One write, between "begin" and "end of synchronised update": terminals that know it never show a half-drawn view.
    this.#write(`\u001b[?2026h${up}${text}\u001b[J\u001b[?2026l`);
    this.#height = lines.reduce((sum, line) => sum + Math.max(1, Math.ceil(widthOf(line) / width)), 0);
    this.#last = text;
  }

  /** Leaves what stands there, and starts below it. */
  leave(): void {
    this.#height = 0;
    this.#last = "";
  }
}
