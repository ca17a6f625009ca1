// Node reads every accepted connection into a fresh 64 KiB buffer, and the collector's pauses for those are what a proxy's
// slowest answers are made of. Outgoing sockets may be given one buffer for all (`onread`); this gives it to accepted ones.
import { type OnReadOpts, Socket, type SocketConstructorOpts } from "node:net";
import type { Duplex } from "node:stream";

const shared = Buffer.allocUnsafeSlow(65_536);

/** A TCP or TLS socket, or what stands in for one. */
export type Connection = Duplex & {
  readonly remoteAddress?: string | undefined;
  setNoDelay(on: boolean): unknown;
  setKeepAlive?(on: boolean, afterMs: number): unknown;
};

/** As IPv4 where that is what is mapped. */
export function addressOf(socket: { readonly remoteAddress?: string | undefined }): string {
  return (socket.remoteAddress ?? "unknown").replace(/^::ffff:/, "");
}

/** Takes over a connection that was accepted paused. What `onBytes` is given holds until it returns. */
export function withSharedBuffer(accepted: Connection, onBytes: (bytes: Buffer) => void): Connection {
  const handle = handleOf(accepted);
  if (!handle) {
    // A socket of another making (TLS, tests): it reads as usual.
    accepted.on("data", onBytes);
    accepted.resume();
    return accepted;
  }
  // `handle` is how net, tls and child_process themselves wrap a connection that is open already; @types/node lacks it.
  const options: SocketConstructorOpts & { handle: object; onread: OnReadOpts } = {
    handle,
    onread: {
      buffer: shared,
      callback: (n: number) => {
        onBytes(shared.subarray(0, n));
        return true;
      },
    },
  };
  Object.assign(accepted, { _handle: null });
  return new Socket(options);
}

function handleOf(socket: Connection): object | undefined {
  const isPlain: boolean = socket.constructor === Socket;
  if (!isPlain || !socket.isPaused()) return undefined;
  const handle: unknown = Reflect.get(socket, "_handle");
  return typeof handle === "object" && handle !== null ? handle : undefined;
}
