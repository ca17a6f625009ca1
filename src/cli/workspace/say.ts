// Puts a whole answer on standard output. Node's stream for it costs a few milliseconds to make, which is much of what the
// quick verbs take; it is used only where the reader cannot take all at once.
import { writeSync } from "node:fs";

export function say(answer: string | Buffer): void {
  const bytes = typeof answer === "string" ? Buffer.from(answer) : answer;
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(1, bytes, done);
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      if (code === "EPIPE") return; // `sluice … | head`: a reader who has seen enough is no error
      if (code !== "EAGAIN") throw error;
      process.stdout.write(bytes.subarray(done));
      return;
    }
  }
}
