// After an upgrade both sides talk through the router untouched. On a drain a WebSocket gets a close frame with 1012
// ("service restart"), which only fits between two frames: so the frames that the replica sends are counted.
import type { Socket } from "node:net";
import type { Connection } from "./accepted.ts";
import { FrameCounter } from "./frame-counter.ts";
import type { Lasting } from "./replica.ts";

/** FIN + close, two bytes of payload: 1012. */
const closeFrame = Buffer.from([0x88, 0x02, 0x03, 0xf4]);
const closeWaitMs = 2_000;
const quietMs = 60_000;

export class Tunnel implements Lasting {
  private readonly client: Connection;
  private readonly replica: Socket;
  private readonly frames: FrameCounter | undefined;
  private isClosing = false;
  private isAsked = false;

  constructor(o: { client: Connection; replica: Socket; isWebSocket: boolean }) {
    this.client = o.client;
    this.replica = o.replica;
    this.frames = o.isWebSocket ? new FrameCounter() : undefined;
    // It may be silent for hours; who has lost its network is found out by the kernel.
    o.client.setKeepAlive?.(true, quietMs);
  }

  fromClient(bytes: Buffer): void {
    if (!this.replica.write(bytes)) this.client.pause();
  }

  fromReplica(bytes: Buffer): void {
    if (this.isClosing) return;
    const boundary = this.frames?.read(bytes);
    if (this.isAsked && boundary !== undefined && boundary >= 0) {
      if (boundary > 0) this.client.write(bytes.subarray(0, boundary));
      this.sendClose();
    } else if (!this.client.write(bytes)) this.replica.pause();
  }

  /** The client answers the close frame, the replica sees that answer and closes: nobody is cut in a message. */
  endForDrain(): void {
    if (!this.frames) this.client.destroy();
    else if (this.frames.isBetween) this.sendClose();
    else this.isAsked = true;
  }

  private sendClose(): void {
    this.isClosing = true;
    this.client.write(closeFrame);
    this.replica.resume();
    setTimeout(() => this.client.destroy(), closeWaitMs).unref();
  }
}
