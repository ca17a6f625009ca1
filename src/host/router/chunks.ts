// Follows a chunked body (RFC 9112 §7.1) through the buffers it comes in, strictly, and says where it ends. The bytes are
// passed on as they are, so nothing may be read here that another reader would read otherwise.

const [CR, LF, SEMICOLON, EQUALS] = [13, 10, 59, 61];
type State = "size" | "extension" | "size lf" | "data" | "data cr" | "data lf" | "trailer" | "trailer lf" | "done";

/** Trailers may not change how the message is framed, routed or who is believed to send it (RFC 9110 §6.5.1). */
const forbiddenTrailer =
  /^(transfer-encoding|host|connection|keep-alive|te|trailer|upgrade|authorization|proxy-.*|cookie|set-cookie|content-.*|forwarded|via|x-forwarded-.*|x-real-ip|x-request-id|x-http-method.*|x-original-.*|x-rewrite-.*|x-sluice-.*|http2-settings|origin|referer|sec-.*|expect|range|cache-control|max-forwards|age|date|expires|location|retry-after|vary|warning|if-.*|www-authenticate|access-control-.*|strict-transport-security)$/;
const trailerLine = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*$/;
/** Extensions are let through as tokens only: a quoted string is where readers differ. */
const tokenByte = /[!#$%&'*+\-.^_`|~0-9A-Za-z]/;
const lineBytesMax = 4_096;
/** Of one chunk, and of a whole body (Node: 16 KiB): else one byte of it may cost many. */
const extensionBytesMax = 256;
const allExtensionsBytesMax = 8_192;

export class ChunkedBody {
  problem = "";
  /** Lines behind the last chunk, without their ends. */
  readonly trailers: string[] = [];
  private state: State = "size";
  private left = 0;
  private digits = 0;
  private extension = "";
  private extensionsBytes = 0;
  private trailer = "";
  private trailerBytes = 0;

  get isDone(): boolean {
    return this.state === "done";
  }

  /** One chunk is whole and the next has not begun. */
  get isBetween(): boolean {
    return this.state === "size" && this.digits === 0;
  }

  /** Reads from `from`, gives the offset behind what belongs to the body. `onData` sees the payload without its framing. */
  read(b: Buffer, from: number, onData?: (start: number, end: number) => void): number {
    let i = from;
    while (i < b.length && this.state !== "done" && this.problem === "") {
      if (this.state === "data") {
        const end = Math.min(b.length, i + this.left);
        onData?.(i, end);
        this.left -= end - i;
        i = end;
        if (this.left === 0) this.state = "data cr";
      } else this.step(b[i++] ?? 0);
    }
    return i;
  }

  private step(c: number): void {
    switch (this.state) {
      case "size":
        this.readSize(c);
        return;
      case "extension":
        this.readExtension(c);
        return;
      case "size lf":
        if (c !== LF) this.problem = "bare CR in a chunk size";
        this.state = this.left > 0 ? "data" : "trailer";
        this.digits = 0;
        this.extension = "";
        return;
      case "data cr":
        if (c !== CR) this.problem = "no CRLF after chunk data";
        this.state = "data lf";
        return;
      case "data lf":
        if (c !== LF) this.problem = "no CRLF after chunk data";
        this.state = "size";
        return;
      case "trailer":
        if (c === CR) this.state = "trailer lf";
        else if (c === LF) this.problem = "bare LF in a trailer";
        else this.trailer += String.fromCharCode(c);
        if (++this.trailerBytes > lineBytesMax) this.problem = "trailers too long";
        return;
      case "trailer lf":
        this.endTrailer(c);
        return;
      case "data":
      case "done":
        return;
    }
  }

  private readSize(c: number): void {
    const digit = hexDigit(c);
    if (digit >= 0) {
      if (++this.digits > 12) this.problem = "chunk size too large";
      this.left = this.left * 16 + digit;
      return;
    }
    if (this.digits === 0) this.problem = "malformed chunk size";
    else if (c === CR) this.state = "size lf";
    else if (c === SEMICOLON) {
      this.extension = ";";
      this.state = "extension";
    } else this.problem = "malformed chunk size";
  }

  /** `;name` or `;name=value`, again and again. Judged byte by byte, since each is passed on before the next is seen. */
  private readExtension(c: number): void {
    const isAfterToken = !/[;=]$/.test(this.extension);
    if (c === CR) this.state = "size lf";
    else this.extension += String.fromCharCode(c);
    const isGood =
      c === CR || c === SEMICOLON
        ? isAfterToken
        : c === EQUALS
          ? isAfterToken && !/=[^;]+=$/.test(this.extension)
          : tokenByte.test(String.fromCharCode(c));
    if (!isGood) this.problem = "malformed chunk extension";
    if (this.extension.length > extensionBytesMax || ++this.extensionsBytes > allExtensionsBytesMax)
      this.problem = "chunk extension too long";
  }

  private endTrailer(c: number): void {
    if (c !== LF) this.problem = "bare CR in a trailer";
    else if (this.trailer === "") this.state = "done";
    else {
      const given = this.trailer.slice(0, Math.max(0, this.trailer.indexOf(":"))).toLowerCase();
      const name = given.replaceAll("_", "-");
      if (!trailerLine.test(this.trailer)) this.problem = "malformed trailer";
      else if (forbiddenTrailer.test(name)) this.problem = `trailer ${given} not allowed`;
      else this.trailers.push(this.trailer);
      this.trailer = "";
      this.state = "trailer";
    }
  }
}

function hexDigit(c: number): number {
  if (c >= 48 && c <= 57) return c - 48;
  const lower = c | 0x20;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}
