// The body of a request on its way: where it ends, and what was sent of it, in case it has to be sent again.
import { ChunkedBody } from "./chunks.ts";
import type { RequestHead } from "./head.ts";

/** Kept until the answer comes, of one request and of all together. Above it a body is not kept, and the request not repeated. */
const keptBytesMax = 262_144;
/** Ever so small parts cost more than their bytes. */
const keptPartsMax = 1_024;
const allKeptBytesMax = 64 * 2 ** 20;
let allKeptBytes = 0;

export class RequestBody {
  /** All of it was passed on. */
  isSent: boolean;
  isRepeatable = true;
  bytes = 0;
  readonly sent: Buffer[] = [];
  private keptBytes = 0;
  private leftBytes: number;
  private readonly chunks: ChunkedBody | undefined;

  constructor(head: Pick<RequestHead, "framing" | "lengthBytes">) {
    this.isSent = head.framing === "none";
    this.leftBytes = head.lengthBytes;
    this.chunks = head.framing === "chunked" ? new ChunkedBody() : undefined;
  }

  get problem(): string {
    return this.chunks?.problem ?? "";
  }

  /** Takes what belongs to it, gives how much that is. Kept as long as `mayRepeat`: it may have to be sent once more. */
  take(bytes: Buffer, mayRepeat: boolean): number {
    let end = Math.min(bytes.length, this.leftBytes);
    if (this.chunks) {
      end = this.chunks.read(bytes, 0);
      this.isSent = this.chunks.isDone;
    } else {
      this.leftBytes -= end;
      this.isSent = this.leftBytes === 0;
    }
    this.bytes += end;
    this.isRepeatable &&= mayRepeat && this.fits(end);
    if (this.isRepeatable) this.keep(bytes.subarray(0, end));
    else this.forget();
    return end;
  }

  private fits(bytes: number): boolean {
    const { length } = this.sent;
    return this.bytes <= keptBytesMax && length < keptPartsMax && allKeptBytes + bytes <= allKeptBytesMax;
  }

  /** It will not be sent again. */
  forget(): void {
    allKeptBytes -= this.keptBytes;
    this.keptBytes = 0;
    this.sent.length = 0;
  }

  private keep(part: Buffer): void {
    allKeptBytes += part.length;
    this.keptBytes += part.length;
    this.sent.push(part);
  }
}
