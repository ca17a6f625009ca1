// Knows where WebSocket frames begin and end (RFC 6455 §5.2) without reading what they carry.

export class FrameCounter {
  private header: number[] = [];
  private leftBytes = 0;

  get isBetween(): boolean {
    return this.leftBytes === 0 && this.header.length === 0;
  }

  /** Follows the bytes; gives the last offset in them at which a frame had just ended, or -1. */
  read(bytes: Buffer): number {
    let boundary = -1;
    let i = 0;
    while (i < bytes.length) {
      if (this.leftBytes > 0) {
        const n = Math.min(this.leftBytes, bytes.length - i);
        this.leftBytes -= n;
        i += n;
      } else {
        this.header.push(bytes[i++] ?? 0);
        const length = payloadBytes(this.header);
        if (length === undefined) continue;
        this.leftBytes = length;
        this.header = [];
      }
      if (this.isBetween) boundary = i;
    }
    return boundary;
  }
}

/** Bytes behind this header (payload, and mask where there is one), or undefined while it is not complete. */
function payloadBytes(header: readonly number[]): number | undefined {
  const [, second] = header;
  if (second === undefined) return undefined;
  const short = second & 0x7f;
  const lengthBytes = short === 127 ? 8 : short === 126 ? 2 : 0;
  if (header.length < 2 + lengthBytes) return undefined;
  const length = lengthBytes === 0 ? short : header.slice(2).reduce((sum, byte) => sum * 256 + byte, 0);
  return length + (second & 0x80 ? 4 : 0);
}
