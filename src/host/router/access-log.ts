// Who asked what, as JSON lines: every error, and a sample of the rest. Lines are gathered and written together.
import { appendFile } from "node:fs";
import type { AccessLogSettings } from "../table.ts";

export interface AccessLine {
  readonly at: string;
  readonly service: string;
  readonly revision: string;
  readonly replica: string;
  readonly client: string;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly ms: number;
  readonly requestId: string;
  readonly traceparent?: string;
  /** Why the router answered itself, before a revision was chosen. */
  readonly error?: string;
}

const gatheredMax = 10_000;
const pathMax = 1_000;

export class AccessLog {
  readonly settings: AccessLogSettings;
  private gathered: string[] = [];
  private owed = 0;
  private isWriting = false;
  /** Lines lost because the disk was slower than the traffic. */
  lost = 0;

  constructor(settings: AccessLogSettings) {
    this.settings = settings;
  }

  /** Asked first, so that a line that is not written is not made either. */
  wants(status: number): boolean {
    if (status >= 500) return true;
    this.owed += this.settings.samplePercent;
    if (this.owed < 100) return false;
    this.owed -= 100;
    return true;
  }

  write(line: AccessLine): void {
    if (this.gathered.length >= gatheredMax) this.lost++;
    else this.gathered.push(JSON.stringify({ ...line, path: line.path.slice(0, pathMax) }));
  }

  flush(): void {
    if (this.isWriting || this.gathered.length === 0) return;
    const text = `${this.gathered.join("\n")}\n`;
    this.gathered = [];
    this.isWriting = true;
    appendFile(this.settings.file, text, { mode: 0o600 }, (error) => {
      this.isWriting = false;
      if (error) console.error(`the access log cannot be written: ${error.message}`);
    });
  }
}
