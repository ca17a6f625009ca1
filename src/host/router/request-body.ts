// The body of a request on its way: where it ends, and what was sent of it, in case it has to be sent again.
import { ChunkedBody } from "./chunks.ts";
import type { RequestHead } from "./head.ts";

/** Kept until the answer comes. Above it the body is not kept at all, and the request not repeated. */
const keptBytesMax = 262_144;

export class RequestBody {
  /** All of it was passed on. */
  isSent: boolean;
  isRepeatable = true;
  bytes = 0;
  sent: Buffer[] = [];
  private leftBytes: number;
  private readonly chunks: ChunkedBody | undefined;

  constructor(head: RequestHead) {
    this.isSent = head.framing === "none";
    this.leftBytes = head.lengthBytes;
    this.chunks = head.framing === "chunked" ? new ChunkedBody() : undefined;
  }

  get problem(): string {
    return this.chunks?.problem ?? "";
  }

  /** Takes what belongs to it, gives how much that is. */
  take(bytes: Buffer): number {
    let end = Math.min(bytes.length, this.leftBytes);
    if (this.chunks) {
      end = this.chunks.read(bytes, 0);
      this.isSent = this.chunks.isDone;
    } else {
      this.leftBytes -= end;
      this.isSent = this.leftBytes === 0;
    }
    this.keep(bytes.subarray(0, end));
    return end;
  }

  private keep(part: Buffer): void {
    this.bytes += part.length;
    this.isRepeatable &&= this.bytes <= keptBytesMax;
    if (this.isRepeatable) this.sent.push(part);
    else this.sent = [];
  }
}
