// A connection to a replica: sends what a client's connection gives it, reads answers strictly and passes them back.
// Reads go into one buffer for all connections (the kernel's bytes are either turned into text or copied at once).
import { connect, type Socket } from "node:net";
import type { Ms } from "../../domain/frame.ts";
import { ChunkedBody } from "./chunks.ts";
import { headLimits } from "./field-places.ts";
import { type AnswerHead, type Framing, readAnswer } from "./head.ts";
import type { Replica } from "./replica.ts";

const readBuffer = Buffer.allocUnsafeSlow(65_536);
/** Idle for longer than this, a replica may be about to close it (Node's servers do after 5 s). */
const idleMsMax = 4_000;
/** Bodies up to this go out in one write with their head. */
const joinedBytesMax = 16_384;
/** Before an answer; they are passed on without asking whether the client takes them. */
const interimsMax = 64;
const lastChunk = "0\r\n\r\n";

/** How a body goes from the replica's framing to the client's. */
export type Relay = "as it is" | "into chunks" | "out of chunks";

/** Who waits for an answer: a client's connection, or a mirror that throws it away. */
export interface Asker {
  readonly method: string;
  /** Of its HTTP/1.x. */
  readonly minor: number;
  readonly isBodySent: boolean;
  /** Longer answers are refused or cut; event streams have no length. */
  readonly answerBytesMax: number;
  readonly tunnel: { fromReplica(bytes: Buffer): void } | undefined;
  readonly socket: {
    write(data: string | Buffer, encoding?: BufferEncoding): boolean;
    cork(): void;
    uncork(): void;
  };
  nowMs(): Ms;
  answerInterim(head: AnswerHead): void;
  /** The head as the asker gets it; sent together with the first bytes of the body. */
  answerHead(head: AnswerHead, relay: Relay): string;
  /** The head was not sent yet: another answer may still be given. */
  takeBackHead(): void;
  answerDone(): void;
  answerUpgrade(upstream: Upstream, head: AnswerHead, first: Buffer): void;
  /** What it sends cannot be passed on. */
  upstreamUnfit(upstream: Upstream, error: "upstream-malformed" | "answer-too-long"): void;
  upstreamLost(upstream: Upstream): void;
  /** The replica can take more of the body. */
  readOn(): void;
  /** The asker takes no more for now. */
  stalled(): void;
}

export class Upstream {
  readonly socket: Socket;
  readonly replica: Replica;
  client: Asker | undefined;
  isConnected = false;
  /** It has carried a request before: it may be closing under us. */
  isReused = false;
  idleSinceMs: Ms = 0;
  idleMsMax: Ms = idleMsMax;
  private rest: Buffer | undefined;
  private framing: Framing | undefined;
  private relay: Relay = "as it is";
  private leftBytes = 0;
  private allowedBytes = 0;
  private chunks: ChunkedBody | undefined;
  private keepsAlive = false;
  private interims = 0;
  private isClosed = false;

  constructor(replica: Replica) {
    this.replica = replica;
    this.socket = connect({
      host: "127.0.0.1",
      port: replica.port,
      noDelay: true,
      onread: {
        buffer: readBuffer,
        callback: (n, buffer) => {
          this.onBytes((buffer as Buffer).subarray(0, n));
          return true;
        },
      },
    });
    this.socket.on("connect", () => {
      this.isConnected = true;
      replica.accepted();
    });
    this.socket.on("drain", () => this.client?.readOn());
    this.socket.on("end", () => this.onEnd());
    this.socket.on("error", () => this.onClose());
    this.socket.on("close", () => this.onClose());
  }

  /** Ready for the next request's answer. */
  begin(client: Asker): void {
    this.client = client;
    this.framing = undefined;
    this.rest = undefined;
    this.interims = 0;
  }

  close(): void {
    this.client = undefined;
    this.isClosed = true;
    this.replica.drop(this);
    this.socket.destroy();
  }

  /** What makes a whole answer of the part that was passed on, where that can be said: between two chunks. */
  endEarly(): string | undefined {
    if (this.relay === "into chunks") return lastChunk;
    return this.relay === "as it is" && this.chunks?.isBetween ? lastChunk : undefined;
  }

  private onBytes(bytes: Buffer): void {
    const client = this.client;
    if (!client) return this.close();
    if (client.tunnel) return client.tunnel.fromReplica(Buffer.from(bytes));
    if (this.framing !== undefined) return this.relayBody(bytes, 0, "");
    const input = this.rest ? Buffer.concat([this.rest, bytes]) : bytes;
    this.rest = undefined;
    this.readHeads(input);
  }

  private readHeads(input: Buffer): void {
    let from = 0;
    for (;;) {
      const client = this.client;
      if (!client) return;
      const head = readAnswer(input, from, { method: client.method, limits: headLimits });
      if (head === undefined) {
        this.rest = from < input.length ? Buffer.from(input.subarray(from)) : undefined;
        return;
      }
      if ("refused" in head) return client.upstreamUnfit(this, "upstream-malformed");
      from = head.end;
      if (head.status === 101) return client.answerUpgrade(this, head, Buffer.from(input.subarray(from)));
      if (head.status >= 200) return this.beginAnswer(head, input);
      if (++this.interims > interimsMax) return client.upstreamUnfit(this, "upstream-malformed");
      client.answerInterim(head);
    }
  }

  private beginAnswer(head: AnswerHead, input: Buffer): void {
    const client = this.client;
    if (!client) return;
    this.framing = head.framing;
    this.leftBytes = head.lengthBytes;
    this.allowedBytes = head.isEventStream ? Number.POSITIVE_INFINITY : client.answerBytesMax;
    if (head.framing === "length" && head.lengthBytes > this.allowedBytes)
      return client.upstreamUnfit(this, "answer-too-long");
    this.keepsAlive = head.keepAlive && head.framing !== "eof";
    this.chunks = head.framing === "chunked" ? new ChunkedBody() : undefined;
    if (head.keepAliveSeconds >= 0)
      this.idleMsMax = Math.min(idleMsMax, Math.max(0, head.keepAliveSeconds * 1_000 - 1_000));
    this.relay = relayFor(head.framing, client.minor);
    const text = client.answerHead(head, this.relay);
    this.relayBody(input, head.end, text);
  }

  /** Passes on what belongs to the body, behind `text` that was not sent yet. */
  private relayBody(bytes: Buffer, from: number, text: string): void {
    const client = this.client;
    if (!client) return;
    let end = from;
    let isDone = false;
    let payload: Buffer | undefined;
    switch (this.framing) {
      case "length":
        end = Math.min(bytes.length, from + this.leftBytes);
        this.leftBytes -= end - from;
        isDone = this.leftBytes === 0;
        break;
      case "chunked": {
        const parts: Buffer[] = [];
        const unwrap =
          this.relay === "out of chunks" ? (s: number, e: number) => parts.push(bytes.subarray(s, e)) : undefined;
        end = this.chunks?.read(bytes, from, unwrap) ?? from;
        if (this.chunks?.problem) {
          if (text !== "") client.takeBackHead();
          return client.upstreamUnfit(this, "upstream-malformed");
        }
        isDone = this.chunks?.isDone ?? false;
        if (unwrap) payload = Buffer.concat(parts);
        break;
      }
      case "eof":
        end = bytes.length;
        break;
      default:
        isDone = true;
    }
    this.allowedBytes -= end - from;
    if (this.allowedBytes < 0) {
      if (text !== "") client.takeBackHead();
      return client.upstreamUnfit(this, "answer-too-long");
    }
    if (isDone && end < bytes.length) this.keepsAlive = false;
    const canTakeMore = this.send(client, text, payload ?? bytes.subarray(from, end));
    if (isDone) this.finish(client);
    else if (!canTakeMore) {
      client.stalled();
      this.socket.pause();
    }
  }

  private send(client: Asker, text: string, body: Buffer): boolean {
    const { socket } = client;
    if (body.length === 0) return text === "" || socket.write(text, "latin1");
    const isWrapped = this.relay === "into chunks";
    const before = isWrapped ? `${text}${body.length.toString(16)}\r\n` : text;
    if (body.length <= joinedBytesMax)
      return socket.write(`${before}${body.latin1Slice()}${isWrapped ? "\r\n" : ""}`, "latin1");
    socket.cork();
    if (before !== "") socket.write(before, "latin1");
    // The read buffer is used again at once, so what cannot be written at once has to be a copy.
    let canTakeMore = socket.write(Buffer.from(body));
    if (isWrapped) canTakeMore = socket.write("\r\n", "latin1");
    socket.uncork();
    return canTakeMore;
  }

  private finish(client: Asker): void {
    this.client = undefined;
    this.framing = undefined;
    const isReusable = this.keepsAlive && client.isBodySent && !this.replica.isDraining && !this.isClosed;
    client.answerDone();
    if (!isReusable) return this.close();
    this.isReused = true;
    this.idleSinceMs = client.nowMs();
    this.socket.resume();
    this.replica.give(this);
  }

  /** End of what the replica sends: the end of the body where that is how it ends, otherwise a broken answer. */
  private onEnd(): void {
    const client = this.client;
    if (!client || this.framing !== "eof") return this.onClose();
    if (this.relay === "into chunks") client.socket.write(lastChunk, "latin1");
    this.finish(client);
  }

  private onClose(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.replica.drop(this);
    const client = this.client;
    this.client = undefined;
    this.socket.destroy();
    client?.upstreamLost(this);
  }
}

function relayFor(framing: Framing, clientMinor: number): Relay {
  if (framing === "eof" && clientMinor === 1) return "into chunks";
  return framing === "chunked" && clientMinor === 0 ? "out of chunks" : "as it is";
}
