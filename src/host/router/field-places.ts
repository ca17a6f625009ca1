// Where each field of a head stands, found byte by byte; whatever two readers could split differently is refused. Shared by
// requests and answers.
import { fieldAt } from "./field.ts";

declare global {
  interface Buffer {
    /** `toString("latin1", start, end)` without its checks; as old as Buffer itself, only its type is missing. */
    latin1Slice(start?: number, end?: number): string;
  }
}

/** Why a message is not accepted, and the status that says so (an answer's refusal is a 502 towards the client). */
export interface Refusal {
  readonly refused: string;
  readonly status: number;
}

export interface HeadLimits {
  readonly headBytesMax: number;
  readonly targetBytesMax: number;
  readonly fieldsMax: number;
}

export const headLimits: HeadLimits = { headBytesMax: 16_000, targetBytesMax: 8_000, fieldsMax: 128 };

const [CR, LF, SP, HTAB, COLON] = [13, 10, 32, 9, 58];

/** Bytes of a token (RFC 9110 §5.6.2), of a field value (§5.5, with obs-text) and of a request target. */
export const tokenByte = bytes((c) => /[!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(String.fromCharCode(c)));
export const valueByte = bytes((c) => c === HTAB || (c >= SP && c !== 127));

export function bytes(isIn: (c: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, c) => (isIn(c) ? 1 : 0));
}

// Where the fields of the head read last stand: name start, name end, value start, value end, line end, known field.
// One for all, valid until the next head is read: what is needed later is copied into strings.
/** Numbers kept of each field. */
export const stride = 6;
const spots = new Int32Array(stride * 512);
let spotCount = 0;
let headEnd = 0;

/** One past the last field's numbers. */
export function spotsEnd(): number {
  return spotCount * stride;
}

/** Offset behind the head. */
export function endOfHead(): number {
  return headEnd;
}

/** The value of a field of the request that was read last; for routing rules, at once after readRequest. */
export function fieldValue(b: Buffer, name: string): string | undefined {
  for (let s = 0; s < spotCount * stride; s += stride) {
    if (b.latin1Slice(spot(s), spot(s + 1)).toLowerCase() === name) return b.latin1Slice(spot(s + 2), spot(s + 3));
  }
  return undefined;
}

/** Notes where each field stands. Gives the offset behind the head, or `undefined` while it is not complete. */
export function readFields(b: Buffer, from: number, limits: HeadLimits): number | Refusal | undefined {
  spotCount = 0;
  const n = b.length;
  let i = from;
  for (;;) {
    if (i >= n) return undefined;
    if (b[i] === CR) {
      if (i + 1 >= n) return undefined;
      if (b[i + 1] !== LF) return stop(400, "bare CR");
      headEnd = i + 2;
      return headEnd;
    }
    const nameStart = i;
    while (i < n && tokenByte[at(b, i)]) i++;
    if (i >= n) return undefined;
    if (b[i] !== COLON || i === nameStart) return stop(400, nameProblem(at(b, i), i === nameStart));
    const nameEnd = i++;
    while (i < n && (b[i] === SP || b[i] === HTAB)) i++;
    const valueStart = i;
    while (i < n && valueByte[at(b, i)]) i++;
    if (i + 1 >= n) return undefined;
    if (b[i] !== CR) return stop(400, b[i] === LF ? "bare LF" : "control byte in a value");
    if (b[i + 1] !== LF) return stop(400, "bare CR");
    let valueEnd = i;
    while (valueEnd > valueStart && (b[valueEnd - 1] === SP || b[valueEnd - 1] === HTAB)) valueEnd--;
    i += 2;
    if (spotCount >= limits.fieldsMax) return stop(431, "too many fields");
    const s = spotCount++ * stride;
    spots[s] = nameStart;
    spots[s + 1] = nameEnd;
    spots[s + 2] = valueStart;
    spots[s + 3] = valueEnd;
    spots[s + 4] = i;
    spots[s + 5] = fieldAt(b, nameStart, nameEnd);
  }
}

function stop(status: number, refused: string): Refusal {
  return { status, refused };
}

function nameProblem(c: number, isFirst: boolean): string {
  if (isFirst && (c === SP || c === HTAB)) return "folded line or space before a field";
  if (isFirst && c === COLON) return "empty field name";
  if (c === SP || c === HTAB) return "space before a colon";
  return c === LF ? "bare LF" : "byte outside token in a field name";
}

export function at(b: Buffer, i: number): number {
  return b[i] ?? 0;
}

export function spot(i: number): number {
  return spots[i] ?? 0;
}
