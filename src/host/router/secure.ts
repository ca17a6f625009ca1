// The TLS side of listeners: takes accepted connections, hands on what speaks inside them: HTTP/1.1, or streams of HTTP/2.
import { performServerHandshake, type ServerHttp2Session } from "node:http2";
import type { Socket } from "node:net";
import { createServer, type Server, type TLSSocket } from "node:tls";
import { addressOf, type Connection } from "./accepted.ts";
import type { Certificates, Pair } from "./certificates.ts";
import type { Connections } from "./connections.ts";
import { Http2Socket } from "./http2-socket.ts";

const handshakeMs = 10_000;
const idleMs = 75_000;
const streamsMax = 100;
const endStream = 0x1;

interface SecureOptions {
  readonly connections: Connections;
  certificates(): Certificates | undefined;
  connectionsMax(address: string): number;
  serve(socket: Connection): void;
}

export class Secure {
  private readonly server: Server;
  private readonly o: SecureOptions;
  private fallback: Pair | undefined;
  private readonly sessions = new Set<ServerHttp2Session>();

  constructor(o: SecureOptions) {
    this.o = o;
    this.server = createServer({
      ALPNProtocols: ["h2", "http/1.1"],
      handshakeTimeout: handshakeMs,
      minVersion: "TLSv1.2",
      SNICallback: (name, done) => done(null, o.certificates()?.contextFor(name)),
    });
    this.server.on("secureConnection", (socket: TLSSocket) => {
      if (socket.alpnProtocol === "h2") this.openSession(socket, o.serve);
      else o.serve(socket);
    });
    this.server.on("tlsClientError", (_, socket) => socket.destroy());
  }

  accept(socket: Socket): void {
    const address = addressOf(socket);
    const { connections } = this.o;
    socket.once("close", () => connections.leave(address));
    // Before the handshake nothing can be said.
    if (connections.enter(address) > this.o.connectionsMax(address)) return void socket.destroy();
    const pair = this.o.certificates()?.fallback;
    if (pair && pair !== this.fallback) {
      this.fallback = pair;
      this.server.setSecureContext({ ...pair, minVersion: "TLSv1.2" });
    }
    this.server.emit("connection", socket);
  }

  /** Streams in work may finish; new ones go elsewhere. */
  stop(): void {
    for (const session of this.sessions) session.close();
  }

  private openSession(socket: TLSSocket, serve: (socket: Connection) => void): void {
    const session = performServerHandshake(socket, {
      settings: { maxConcurrentStreams: streamsMax, enablePush: false },
    });
    this.sessions.add(session);
    const remoteAddress = socket.remoteAddress ?? "unknown";
    session.on("close", () => this.sessions.delete(session));
    session.on("error", () => session.destroy());
    session.setTimeout(idleMs, () => session.close());
    session.on("stream", (stream, headers, flags) => {
      serve(new Http2Socket(stream, { headers, hasBody: (flags & endStream) === 0, remoteAddress }));
    });
  }
}
